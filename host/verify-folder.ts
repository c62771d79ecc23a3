/** Verifying a bundle that lies in a folder, from the words of a command line: what is trusted, where the documents are. */

import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { deviceRecordLimit, readDeviceRecord } from "../manifests/attest/device-record.ts";
import { utcOf } from "../manifests/encoding/shape.ts";
import { readLogTrust } from "../manifests/log/log-trust.ts";
import { closingLimit } from "../manifests/records/closing.ts";
import { shown } from "../manifests/records/names.ts";
import { inOneLine, Refusal } from "../manifests/refusal.ts";
import { verifyBundle } from "../manifests/verify/bundle.ts";
import { crlForm, crlFrom, ocspForm, ocspFrom } from "../manifests/verify/revocation-files.ts";
import type { Trust } from "../manifests/verify/trust.ts";
import type { BundleVerdict } from "../manifests/verify/verdict.ts";
import { bundleFolder } from "./bundle-folder.ts";
import { readCertificateFile } from "./certificate-file.ts";
import { nodeHost } from "./crypto-host.ts";
import { faultWords } from "./fault-words.ts";
import { readNamed } from "./named-file.ts";
import { VerifyCrew } from "./verify-crew.ts";

/** Of what a verifier is given beside what it verifies: a CRL of a million entries has some 40 MB. */
const largest = 64 << 20;

/** Bytes of a list that is read once and held, where a command has nothing else to hold: some sixty thousand documents. */
const mostKept = 16 << 20;

export interface TrustOptions {
  /** file of a root certificate, PEM or DER */
  readonly ca: string;
  /** SHA-256 of the genesis policy's content, hex */
  readonly genesis?: string;
  readonly arc: string;
  /** files of CRLs, DER or PEM */
  readonly crl?: readonly string[];
  /** files of OCSP responses, DER */
  readonly ocsp?: readonly string[];
  /** files of root certificates of time-stamp authorities, PEM or DER */
  readonly tsaCa?: readonly string[];
  /** files of closing records of emergencies */
  readonly closing?: readonly string[];
  /** file of the record of the box's TPM (device.json) */
  readonly device?: string;
  /** verifier key of a ledger's log */
  readonly log?: string;
  /** verifier keys of its witnesses */
  readonly witness?: readonly string[];
  /** how many of them must have cosigned; all unless said */
  readonly cosigned?: string;
}

/** What is trusted, now. Refuses USAGE. */
export function trustOf({ ca, closing, genesis, arc, crl, ocsp, tsaCa }: TrustOptions): Trust {
  if (genesis !== undefined && !/^[0-9a-f]{64}$/.test(genesis)) {
    throw new Refusal("USAGE", "--genesis expects 64 lower-case hex digits", {
      expected: "the digest of the genesis policy, as the box printed it",
      got: genesis,
    });
  }
  return {
    roots: [rootIn(ca)],
    at: utcOf(Date.now()),
    arc,
    ...(genesis === undefined ? {} : { genesis }),
    ...(crl === undefined ? {} : { crls: crl.map(crlIn) }),
    ...(ocsp === undefined ? {} : { ocsp: ocsp.map(ocspIn) }),
    ...(tsaCa === undefined ? {} : { authorities: tsaCa.map(rootIn) }),
    ...(closing === undefined ? {} : { closings: closing.map(closingIn) }),
  };
}

/** Refuses USAGE what is no CRL. */
export function crlIn(file: string): Uint8Array {
  return crlFrom(bytesIn(file, crlForm), file);
}

/** Refuses USAGE a file that cannot be read, or is larger than a closing record can be; what it holds is judged with the bundle. */
function closingIn(file: string): Uint8Array {
  return bytesIn(file, "a closing record", closingLimit);
}

/** Refuses USAGE what is no OCSP response. */
export function ocspIn(file: string): Uint8Array {
  return ocspFrom(bytesIn(file, ocspForm), file);
}

function bytesIn(file: string, expected: string, most = largest): Uint8Array {
  try {
    return readNamed(file, most);
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    const detail = { expected, got: faultWords(cause), about: file, cause };
    throw new Refusal("USAGE", `${shown(file)} cannot be read`, detail);
  }
}

/** What is trusted, with the record of the device and the keys of a log where they are named. Refuses USAGE. */
export async function wholeTrust(options: TrustOptions): Promise<Trust> {
  const { cosigned, device, log, witness } = options;
  const logTrust = await readLogTrust(nodeHost, { log, witnesses: witness, cosignatures: cosigned });
  return {
    ...trustOf(options),
    ...(device === undefined ? {} : { device: await deviceIn(device) }),
    ...(logTrust === undefined ? {} : { log: logTrust }),
  };
}

/** Refuses USAGE what is no device record. */
async function deviceIn(file: string): Promise<NonNullable<Trust["device"]>> {
  const expected = "device.json, as `ceremony enrol-device` writes it";
  const bytes = bytesIn(file, expected, deviceRecordLimit);
  try {
    return await readDeviceRecord(nodeHost, bytes);
  } catch (cause) {
    const got = cause instanceof Refusal ? inOneLine(cause.toRecord()) : faultWords(cause);
    throw new Refusal("USAGE", "--device expects the record of a box's TPM", { expected, got, about: file, cause });
  }
}

/** A root certificate that an option names, not a configuration. Refuses USAGE. */
export function rootIn(file: string): Uint8Array {
  try {
    return readCertificateFile(file);
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    throw new Refusal("USAGE", fault.message, { ...fault.toRecord(), cause: fault });
  }
}

/**
 * Verifies the bundle in `folder` on all cores. All of its documents must lie in `documents`; where that is left out in
 * `inbox/BATCH/documents` of the same stick, or none is presented. Never throws because of what the folder holds.
 */
export async function verifyFolder(folder: string, trust: Trust, documents?: string): Promise<BundleVerdict> {
  const presented = documents ?? (await documentsBeside(folder));
  const place = { folder, ...(presented === undefined ? {} : { documents: presented }) };
  const source = bundleFolder(folder, place);
  const verifiers = new VerifyCrew({ joins: true });
  await verifiers.readyFor(source);
  const crew = verifiers.of(place, source);
  return verifyBundle(nodeHost, source, trust, crew.open, { mostKept }).finally(async () => {
    await crew.done();
    await verifiers.close();
  });
}

/** `inbox/BATCH/documents` of the same stick, where `folder` is its `outbox/BATCH`. */
async function documentsBeside(folder: string): Promise<string | undefined> {
  const beside = join(folder, "..", "..", "inbox", basename(join(folder, ".")), "documents");
  const found = await stat(beside).catch(() => undefined);
  return found?.isDirectory() ? beside : undefined;
}
