/** A small transcript of people with these certificates, in memory. */

import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import {
  type Entry,
  entryBytes,
  selfTestDigest,
  type Transcript,
  transcriptBytes,
} from "../../../manifests/records/transcript.ts";

const time = "2026-11-26T12:00:00Z";
export const fileDigest = hex(sha256(utf8("ceremony.json")));

export function entryOf(kind: Entry["kind"], previous: string, index: number, people: readonly string[]): Entry {
  const step = kind === "done" ? "clock" : null;
  return { facts: { clock: time }, index, kind, people: [...people], previous, shown: [], step, text: null, time };
}

type Person = { readonly id: string; readonly certificate: Uint8Array | null };

/** Canonical bytes; an administrator who signs in ink is there beside the people. */
export function transcriptContent(people: readonly Person[], change: Partial<Transcript> = {}): Promise<Uint8Array> {
  return chainedTranscript(people, [{ facts: { clock: time }, people: ["ada"], step: "clock" }], change);
}

/** As `transcriptContent`, with these steps done in order. */
export async function chainedTranscript(
  people: readonly Person[],
  steps: readonly Pick<Entry, "facts" | "people" | "step">[],
  change: Partial<Transcript> = {},
): Promise<Uint8Array> {
  const named = [
    ...people.map(({ id, certificate }) => ({
      certificate: certificate && hex(sha256(certificate)),
      id,
      name: id,
      roles: ["officer" as const],
    })),
    { certificate: null, id: "ada", name: "Ada", roles: ["administrator" as const] },
  ];
  const present = named.map(({ id }) => id);
  const opened = entryOf("opened", fileDigest, 1, present);
  const entries = [opened];
  let head = await digestOf(opened);
  for (const step of [...steps, undefined]) {
    const kind = step ? "done" : "completed";
    const entry = { ...entryOf(kind, head, entries.length + 1, []), ...step };
    entries.push(entry);
    head = await digestOf(entry);
  }
  return transcriptBytes({
    appliance: "box-1",
    archive: "2026-001",
    ceremony: "genesis",
    entries,
    file: fileDigest,
    head,
    outcome: "completed",
    people: named,
    place: "Vault 2",
    previous: null,
    run: "rehearsal",
    selfTest: await selfTestDigest(nodeHost, opened),
    simulated: true,
    software: { digest: fileDigest, version: "0.1.0" },
    title: "Genesis",
    type: "transcript",
    version: 1,
    video: null,
    ...change,
  });
}

async function digestOf(entry: Entry): Promise<string> {
  return hex(await nodeHost.digest("sha256", entryBytes(entry)));
}
