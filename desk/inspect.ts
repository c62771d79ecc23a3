/** `coldseal inspect FILE`: says what a file is and holds, and verifies nothing. */

import { sha256 } from "../host/crypto-host.ts";
import { readSignedData, type SignedData, usualLimits } from "../manifests/cms/read.ts";
import { noValues, type RevocationValues, withoutRevocation } from "../manifests/cms/revocation-values.ts";
import { unsignedValues } from "../manifests/cms/unsigned-attributes.ts";
import { attributeValue, messageDigestOf } from "../manifests/cms/verify.ts";
import { fromUtf8, hex } from "../manifests/encoding/bytes.ts";
import type { Json } from "../manifests/encoding/canonical-json.ts";
import { DerReader, tag } from "../manifests/encoding/der-read.ts";
import { type OwnOids, oid } from "../manifests/encoding/oid.ts";
import { readCheckpoint } from "../manifests/log/checkpoint.ts";
import { readLogProof } from "../manifests/log/proof.ts";
import { shown, shownText } from "../manifests/records/names.ts";
import { readSeal } from "../manifests/records/seal.ts";
import { asRefusal, Refusal } from "../manifests/refusal.ts";
import { readEvidenceRecord } from "../manifests/time/evidence-record.ts";
import { infoIn } from "../manifests/time/token.ts";
import { readCertificate } from "../manifests/x509/certificate.ts";
import { publishedFile } from "./inspect-log.ts";

/** What `inspect` found; `content` only where it is JSON. Nothing in it was verified. */
export interface Inspection {
  readonly kind: string;
  readonly verified: false;
  readonly signers: readonly { readonly name: string; readonly certificate: string; readonly suite: string }[];
  readonly facts: { readonly [name: string]: Json };
  readonly content: Json;
}

const contentNames = [
  "request",
  "policy",
  "authorization",
  "manifest",
  "refusal",
  "rejection",
  "withdrawal",
  "abort",
  "order",
  "statement",
  "transcript",
  "closing",
  "acknowledgement",
] as const;

/** Levels of JSON that are shown. */
const deepest = 100;

/** Reads one file of Coldseal: SignedData of any of its types, a seal, evidence of time, a log's proof or what a ledger publishes of it, or plain JSON. Refuses with DER, CMS-*, TIME-FORM, LOG-* or JSON. */
export function inspectFile(file: Uint8Array, oids: OwnOids): Inspection {
  if (file[0] === 0x7b) return inspectJson(file);
  if (isZip(file)) return unsigned("ZIP file: a proof container, perhaps", { bytes: file.length });
  if (isEvidenceRecord(file)) return inspectEvidence(file);
  const published = publishedFile(file);
  if (published) return unsigned(published.kind, published.facts);
  const { base: bytes, values } = takenApart(file);
  const data = readSignedData(bytes, { ...usualLimits, certificateOrder: "any" });
  if (data.eContentType === oid.tstInfo)
    return { ...unsigned("time-stamp token", stampFacts(bytes)), signers: signersOf(data) };
  if (data.eContentType === oid.data && isSeal(data, oids)) return inspectSeal(bytes, oids, data, values);
  if (data.eContentType === oid.data) return inspectPlain(data);
  const name = contentNames.find((one) => oids[one] === data.eContentType);
  return {
    kind: name ? `${name}, signed` : `signed content of unknown type ${data.eContentType}`,
    verified: false,
    signers: signersOf(data),
    facts: data.content ? { contentDigest: hex(sha256(data.content)), contentBytes: data.content.length } : {},
    content: name && data.content ? parse(data.content) : null,
  };
}

function inspectJson(file: Uint8Array): Inspection {
  const content = parse(file);
  if ((content as { readonly type?: Json }).type !== "log-proof") return unsigned("JSON, unsigned", {}, content);
  const { checkpoint, entries } = readLogProof(file);
  const { origin, size } = readCheckpoint(checkpoint);
  const opened = entries.map(({ index, record }) => [`entry ${index}`, record.type] as const);
  return unsigned("proof of a ledger's log", { log: origin, entries: size, ...Object.fromEntries(opened) }, content);
}

/** What cannot be taken apart is read as it is. */
function takenApart(file: Uint8Array): ReturnType<typeof withoutRevocation> {
  try {
    return withoutRevocation(file);
  } catch {
    return { base: file, values: noValues };
  }
}

function unsigned(kind: string, facts: Inspection["facts"], content: Json = null): Inspection {
  return { kind, verified: false, signers: [], facts, content };
}

/** "PK", as every ZIP file begins that is a container. */
function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b;
}

/** A SEQUENCE that begins with its version, where a SignedData begins with its type. */
function isEvidenceRecord(bytes: Uint8Array): boolean {
  try {
    return DerReader.open(bytes, tag.sequence, "DER").next(tag.integer);
  } catch {
    return false;
  }
}

function inspectEvidence(bytes: Uint8Array): Inspection {
  const stamps = readEvidenceRecord(bytes).flat();
  const facts = stamps.map(
    ({ hash, token }, at) => [`time-stamp ${at + 1}`, `${infoIn(token).time}, ${hash}`] as const,
  );
  return unsigned("evidence record (RFC 4998)", Object.fromEntries(facts));
}

function stampFacts(token: Uint8Array): Inspection["facts"] {
  const { imprint, policy, time } = infoIn(token);
  return { time, policy, over: `${imprint.hash} ${hex(imprint.digest)}` };
}

function inspectSeal(bytes: Uint8Array, oids: OwnOids, data: SignedData, values: RevocationValues): Inspection {
  const seal = readSeal(bytes, oids);
  const stamps = unsignedValues(seal.signer, oid.signatureTimeStamp).length;
  const archived = unsignedValues(seal.signer, oid.archiveTimeStampV3).length;
  return {
    kind: "seal (detached CAdES signature)",
    verified: false,
    signers: signersOf(data),
    facts: {
      mode: seal.mode,
      appliance: seal.appliance,
      manifest: seal.number,
      index: seal.index,
      ...(stamps > 0 ? { "time-stamps": stamps } : {}),
      ...(archived > 0 ? { "archived by": `${archived} archive time-stamp${archived > 1 ? "s" : ""}` } : {}),
      ...(values.crls.length > 0 ? { CRLs: values.crls.length } : {}),
      ...(values.ocsp.length > 0 ? { "OCSP responses": values.ocsp.length } : {}),
    },
    content: null,
  };
}

/** Only a seal says its mode and place. */
function isSeal({ signers }: SignedData, oids: OwnOids): boolean {
  return signers.some((signer) => attributeValue(signer, oids.mode) ?? attributeValue(signer, oids.place));
}

function inspectPlain(data: SignedData): Inspection {
  const [signer] = data.signers;
  const digest = signer && attributeValue(signer, oid.messageDigest) ? messageDigestOf(signer) : null;
  return {
    kind: data.content
      ? "plain envelope with its content"
      : "plain envelope without its content, or another detached signature",
    verified: false,
    signers: signersOf(data),
    facts: {
      ...(digest ? { documentDigest: hex(digest) } : {}),
      ...(data.content ? { contentBytes: data.content.length } : {}),
    },
    content: null,
  };
}

function signersOf(data: SignedData): Inspection["signers"] {
  const certificates = data.certificates.map(readCertificate);
  return data.signers.map((signer) => {
    const found = certificates.find(
      (one) => hex(one.issuer) === hex(signer.issuer) && hex(one.serial) === hex(signer.serial),
    );
    return {
      name: found ? found.subjectText : "certificate not in the file",
      certificate: found ? hex(sha256(found.der)) : "",
      suite: signer.suite.name,
    };
  });
}

/** JSON that need not be canonical: what a file holds is to be seen. Nested deeper than any of Coldseal's it is refused. */
function parse(bytes: Uint8Array): Json {
  let value: Json;
  try {
    value = JSON.parse(fromUtf8(bytes)) as Json;
  } catch (cause) {
    throw asRefusal(cause, "JSON", "not JSON");
  }
  checkDepth(value, 0);
  return value;
}

function checkDepth(value: Json, depth: number): void {
  if (typeof value !== "object" || value === null) return;
  if (depth > deepest) throw new Refusal("JSON", `nested deeper than ${deepest}`);
  for (const member of Object.values(value)) checkDepth(member, depth + 1);
}

/** The inspection as lines for people. */
export function inspectionLines(found: Inspection): string[] {
  const facts = Object.entries(found.facts).map(([name, value]) => `  ${name.padEnd(16)}${shownText(String(value))}`);
  const signers = found.signers.map((one) => `  signed by       ${shown(one.name)} (${one.suite})`);
  const content = found.content === null ? [] : JSON.stringify(found.content, clipped, 2).split("\n").map(shownText);
  return [`${found.kind}; nothing was verified here: use coldseal verify`, ...signers, ...facts, ...content];
}

/** Long base64 (certificates) and long lists say only how long they are. */
function clipped(_name: string, value: Json): Json {
  if (typeof value === "string" && value.length > 120) return `(${value.length} characters)`;
  if (Array.isArray(value) && value.length > 20) return [...value.slice(0, 20), `(${value.length - 20} more)`];
  return value;
}
