/** The jobs of a TPM's process. */

import { closeSync, openSync, readSync } from "node:fs";
import { logLimit } from "../../manifests/attest/event-log.ts";
import { base64, concat, fromBase64, hex } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { openConnection } from "./connection.ts";
import type { ActivateJob, LookJob, QuoteJob, TpmOrder } from "./job.ts";
import {
  attestationTemplate,
  type EndorsementKind,
  endorsementCertificates,
  endorsementTemplates,
} from "./key-templates.ts";
import { hierarchy, type PublicAndName, Tpm } from "./tpm.ts";

/** Does one job. Refuses TPM-GONE, TPM-FAULT, QUOTE-KEY where no key is at the handle, QUOTE-FORM a log that cannot be read. */
export async function workOn({ job, place }: TpmOrder): Promise<Json> {
  const connection = await openConnection(place);
  try {
    const tpm = new Tpm(connection);
    switch (job.job) {
      case "quote":
        return await quote(tpm, job);
      case "look":
        return await look(tpm, job);
      case "activate":
        return await activate(tpm, job);
    }
  } finally {
    connection.close();
  }
}

/** How often values and quote are taken anew where a PCR was extended between the two. */
const triesToAgree = 3;

async function quote(tpm: Tpm, { bank, handle, logs, nonce, pcrs }: QuoteJob): Promise<Json> {
  const { publicArea } = await keyAt(tpm, handle);
  for (let tries = 1; ; tries++) {
    const before = await tpm.readPcrs(bank, pcrs);
    const made = await tpm.quote(handle, fromBase64(nonce), bank, pcrs);
    const after = await tpm.readPcrs(bank, pcrs);
    const values = pcrs.map((pcr) => hex(before.get(pcr) as Uint8Array));
    const same = pcrs.every((pcr, at) => hex(after.get(pcr) as Uint8Array) === values[at]);
    if (!same && tries < triesToAgree) continue;
    if (!same)
      throw new Refusal("TPM-FAULT", "PCRs change faster than they can be quoted", { expected: "PCRs at rest" });
    return {
      // Read after the quote: they may hold more than it, never less.
      logs: Object.fromEntries(Object.entries(logs).map(([name, path]) => [name, base64(readLog(path as string))])),
      publicArea: base64(publicArea),
      quote: base64(made.quote),
      signature: base64(made.signature),
      values,
    };
  }
}

async function look(tpm: Tpm, { handle }: LookJob): Promise<Json> {
  const kept = (await tpm.readPublic(handle)) ?? (await makeAttestationKey(tpm, handle));
  const kind = await endorsementKind(tpm);
  const certificate = await tpm.readNv(endorsementCertificates[kind]);
  const endorsement = await withEndorsementKey(tpm, kind, (key) => keyAt(tpm, key));
  return {
    attestation: {
      name: base64(kept.name),
      publicArea: base64(kept.publicArea),
      qualifiedName: base64(kept.qualifiedName),
    },
    endorsement: {
      certificate: certificate ? base64(withoutPadding(certificate)) : null,
      kind,
      publicArea: base64(endorsement.publicArea),
    },
    manufacturer: await tpm.manufacturer(),
  };
}

async function activate(tpm: Tpm, { blob, endorsement, handle, secret }: ActivateJob): Promise<Json> {
  const made = { blob: fromBase64(blob), secret: fromBase64(secret) };
  const found = await withEndorsementKey(tpm, endorsement, (key) => tpm.activateCredential(handle, key, made));
  return { secret: base64(found) };
}

async function makeAttestationKey(tpm: Tpm, handle: number): Promise<PublicAndName> {
  const transient = await tpm.createPrimary(hierarchy.endorsement, attestationTemplate);
  try {
    await tpm.persist(transient, handle);
  } finally {
    await tpm.flush(transient);
  }
  return keyAt(tpm, handle);
}

async function keyAt(tpm: Tpm, handle: number): Promise<PublicAndName> {
  const found = await tpm.readPublic(handle);
  if (found) return found;
  const about = `0x${handle.toString(16)}`;
  throw new Refusal("QUOTE-KEY", "the TPM has no key at this handle", {
    expected: "the attestation key",
    got: "nothing",
    about,
  });
}

/** P-256 where the maker certified that, or certified nothing; else RSA. */
async function endorsementKind(tpm: Tpm): Promise<EndorsementKind> {
  if (await tpm.readNv(endorsementCertificates.ecc)) return "ecc";
  return (await tpm.readNv(endorsementCertificates.rsa)) ? "rsa" : "ecc";
}

async function withEndorsementKey<T>(tpm: Tpm, kind: EndorsementKind, use: (handle: number) => Promise<T>): Promise<T> {
  const handle = await tpm.createPrimary(hierarchy.endorsement, endorsementTemplates[kind]);
  try {
    return await use(handle);
  } finally {
    await tpm.flush(handle);
  }
}

/** Makers fill an NV index up behind the certificate, which says its own length. */
function withoutPadding(bytes: Uint8Array): Uint8Array {
  const [tag, form, high = 0, low = 0] = bytes;
  const length = tag === 0x30 && form === 0x82 ? 4 + high * 256 + low : bytes.length;
  return bytes.subarray(0, Math.min(length, bytes.length));
}

/** A file that the kernel makes when it is read says no size. */
function readLog(path: string): Uint8Array {
  const pieces: Uint8Array[] = [];
  let total = 0;
  try {
    const descriptor = openSync(path, "r");
    try {
      for (;;) {
        const piece = new Uint8Array(65536);
        const got = readSync(descriptor, piece);
        if (got === 0) break;
        pieces.push(piece.subarray(0, got));
        total += got;
        if (total > logLimit) break;
      }
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    const got = (cause as NodeJS.ErrnoException).code ?? "an error";
    throw new Refusal("QUOTE-FORM", "a log of what was measured cannot be read", { got, about: path, cause });
  }
  if (total > logLimit) throw new Refusal("QUOTE-FORM", `a log is longer than ${logLimit} bytes`, { about: path });
  return concat(pieces);
}
