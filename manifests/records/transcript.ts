/** The transcript of one sitting of a ceremony: every step, who was there, and what was not as planned (docs/formats.md, "transcript.p7m"). */

import { readSignedData } from "../cms/read.ts";
import { hex } from "../encoding/bytes.ts";
import { canonicalBytes, readCanonical } from "../encoding/canonical-json.ts";
import type { OwnOids } from "../encoding/oid.ts";
import {
  flag,
  hexText,
  integer,
  list,
  literal,
  nullable,
  object,
  oneOf,
  type Read,
  text,
  texts,
  type Utc,
  utc,
} from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { verifyAllSigners } from "./authorization.ts";

/** Roles that a person may have in a ceremony; the first two hold tokens of the box's policy. */
export const ceremonyRoles = ["operator", "officer", "administrator", "witness", "safe-holder", "recovery"] as const;

/** `live` counts; a `dry` run is on throw-away tokens, a `rehearsal` on made-up people. */
export const runKinds = ["live", "dry", "rehearsal"] as const;
export type RunKind = (typeof runKinds)[number];

export const entryKinds = [
  "opened",
  "done",
  "failed",
  "deviation",
  "struck",
  "resumed",
  "abandoned",
  "completed",
] as const;

const personId = text(32, { pattern: /^[a-z][a-z0-9-]*$/ });

const readShownDigest = object({
  /** those who compared it, by their ids */
  confirmedBy: list(personId, 0, 64),
  digest: hexText(),
  label: text(100),
});

const readEntryValue = object({
  /** what was found or made, none of it secret */
  facts: texts,
  index: integer(1),
  kind: oneOf(entryKinds),
  /** who acted and checked; in `opened` and `resumed` all who are there */
  people: list(personId, 0, 64),
  /** SHA-256 of the entry before, as canonical JSON; that of entry 1 is the ceremony file's digest */
  previous: hexText(),
  shown: list(readShownDigest, 0, 16),
  step: nullable(text(64)),
  text: nullable(text(2000)),
  time: utc,
});

export type Entry = Read<typeof readEntryValue>;
export type EntryKind = Entry["kind"];
export type ShownDigest = Read<typeof readShownDigest>;

const readPerson = object({
  /** SHA-256 of the certificate that the person signs with; null for those who sign in ink only */
  certificate: nullable(hexText()),
  id: personId,
  name: text(100),
  roles: list(oneOf(ceremonyRoles), 1, ceremonyRoles.length),
});

const readTranscriptValue = object({
  appliance: text(64),
  /** number under which paper and video are kept */
  archive: text(64),
  ceremony: text(32),
  entries: list(readEntryValue, 2, 10_000),
  /** SHA-256 of the ceremony file */
  file: hexText(),
  /** SHA-256 of the last entry, as canonical JSON */
  head: hexText(),
  outcome: oneOf(["completed", "abandoned"]),
  people: list(readPerson, 1, 64),
  place: text(200),
  /** SHA-256 of the content of the transcript of the box's ceremony before; null for the first */
  previous: nullable(hexText()),
  run: oneOf(runKinds),
  /** SHA-256 of the canonical JSON of entry 1's facts, which are the self-test's record */
  selfTest: hexText(),
  /** HONEST: true where tokens are files in software */
  simulated: flag,
  software: object({ digest: hexText(), version: text(64) }),
  title: text(200),
  type: literal("transcript"),
  version: literal(1),
  video: nullable(text(200)),
});

export type Transcript = Read<typeof readTranscriptValue>;

/** One entry's bytes: what the next one's `previous`, and the transcript's `head`, are the SHA-256 of. */
export function entryBytes(entry: Entry): Uint8Array {
  return canonicalBytes(entry);
}

/** One entry from its canonical bytes. Refuses JSON, SHAPE. */
export function readEntry(bytes: Uint8Array): Entry {
  return readEntryValue(readCanonical(bytes), "entry");
}

export function transcriptBytes(transcript: Transcript): Uint8Array {
  return canonicalBytes(transcript);
}

/** Reads a transcript's canonical JSON and checks its chain. Refuses JSON, SHAPE, TRANSCRIPT. */
export async function readTranscript(host: Host, content: Uint8Array): Promise<Transcript> {
  const transcript = readTranscriptValue(readCanonical(content), "transcript");
  await checkEntries(host, transcript.file, transcript.entries, transcript.head);
  const last = transcript.entries.at(-1) as Entry;
  if (last.kind !== transcript.outcome)
    throw broken("the last entry is not the outcome", transcript.outcome, last.kind);
  const selfTest = await selfTestDigest(host, transcript.entries[0] as Entry);
  if (selfTest !== transcript.selfTest) throw broken("not the self-test of entry 1", selfTest, transcript.selfTest);
  checkPeople(transcript);
  return transcript;
}

/** What a transcript's `selfTest` is: over the facts of the entry that opened it. */
export async function selfTestDigest(host: Host, opened: Pick<Entry, "facts">): Promise<string> {
  return hex(await host.digest("sha256", canonicalBytes({ ...opened.facts })));
}

/** Refuses TRANSCRIPT unless the entries count from 1, follow each other by digest and time, and end in `head`, where it is given. */
export async function checkEntries(
  host: Host,
  file: string,
  entries: readonly Entry[],
  head?: string,
): Promise<string> {
  let previous = file;
  let time: Utc = "";
  for (const [at, entry] of entries.entries()) {
    if (entry.index !== at + 1) throw broken("entries are not counted from 1", `${at + 1}`, `${entry.index}`);
    if (entry.previous !== previous) throw broken(`entry ${entry.index} follows another one`, previous, entry.previous);
    if (entry.time < time) throw broken(`entry ${entry.index} is older than the one before`, time, entry.time);
    if ((entry.kind === "opened") !== (at === 0))
      throw broken("only the first entry opens", "opened first", entry.kind);
    const ends = entry.kind === "completed" || entry.kind === "abandoned";
    if (ends && at !== entries.length - 1) throw broken("entries follow the end", "the end last", entry.kind);
    previous = hex(await host.digest("sha256", entryBytes(entry)));
    time = entry.time;
  }
  if (head !== undefined && head !== previous) throw broken("the head is not the last entry's digest", previous, head);
  return previous;
}

export interface VerifiedTranscript {
  readonly transcript: Transcript;
  /** SHA-256 of the content, hex: what the ink signatures are under */
  readonly digest: string;
  /** ids of those who signed, and "audit" for the box's audit key */
  readonly signers: readonly string[];
  /** the audit key's certificate, DER, where it signed: its path is the caller's to judge */
  readonly auditCertificate: Uint8Array | undefined;
}

/**
 * Verifies a signed transcript: its chain, every signature, and that all who were there with a token signed it, and nobody
 * else but a key with the audit usage. People are bound to the certificates that the transcript itself names: whether
 * these are the box's people is for a policy to say. Refuses DER, CMS-*, JSON, SHAPE, TRANSCRIPT, PERSON-TWICE.
 */
export async function verifyTranscript(host: Host, oids: OwnOids, p7m: Uint8Array): Promise<VerifiedTranscript> {
  const data = readSignedData(p7m);
  if (data.eContentType !== oids.transcript || !data.content) {
    throw new Refusal("CMS-TYPE", "not a transcript", { expected: oids.transcript, got: data.eContentType });
  }
  const transcript = await readTranscript(host, data.content);
  const signed = await verifyAllSigners(host, data, 2048);
  const signers: string[] = [];
  let auditCertificate: Uint8Array | undefined;
  for (const { certificate, certificateSha256 } of signed) {
    const person = transcript.people.find((one) => one.certificate === certificateSha256);
    const isAudit = certificate.extendedKeyUsage.includes(oids.audit);
    if (!person && !isAudit) {
      throw new Refusal("TRANSCRIPT", "signed by someone who was not there", { got: certificate.subjectText });
    }
    const id = person?.id ?? "audit";
    if (signers.includes(id)) throw new Refusal("PERSON-TWICE", "signed twice by one", { about: id });
    signers.push(id);
    if (!person) auditCertificate = certificate.der;
  }
  const missing = presentWithToken(transcript).filter((id) => !signers.includes(id));
  if (missing.length > 0) {
    throw new Refusal("TRANSCRIPT", "someone who was there did not sign", { expected: missing.join(", ") });
  }
  return { transcript, digest: hex(await host.digest("sha256", data.content)), signers, auditCertificate };
}

/** Ids of those who were there at some time, hold a token and were not struck out: they all sign. */
export function presentWithToken({ entries, people }: Pick<Transcript, "entries" | "people">): readonly string[] {
  const seen = new Set<string>();
  for (const { kind, people: ids } of entries) {
    if (kind === "opened" || kind === "resumed") for (const id of ids) seen.add(id);
    if (kind === "struck") for (const id of ids) seen.delete(id);
  }
  return people.filter(({ id, certificate }) => certificate !== null && seen.has(id)).map(({ id }) => id);
}

function checkPeople({ people, entries }: Transcript): void {
  const ids = new Set<string>();
  const certificates = new Set<string>();
  for (const { id, certificate } of people) {
    if (ids.has(id) || (certificate !== null && certificates.has(certificate))) {
      throw new Refusal("PERSON-TWICE", "the transcript names a person or certificate twice", { about: id });
    }
    ids.add(id);
    if (certificate !== null) certificates.add(certificate);
  }
  for (const entry of entries) {
    const all = [...entry.people, ...entry.shown.flatMap(({ confirmedBy }) => confirmedBy)];
    const stranger = all.find((id) => !ids.has(id));
    if (stranger !== undefined)
      throw broken(`entry ${entry.index} names someone unknown`, [...ids].join(", "), stranger);
  }
}

function broken(message: string, expected: string, got: string): Refusal {
  return new Refusal("TRANSCRIPT", message, { expected, got });
}
