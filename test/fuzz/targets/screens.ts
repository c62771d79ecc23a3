import { readBatchRow, rowRefusal } from "../../../appliance/client/batch-row.ts";
import { journal } from "../../../ceremony/journal.ts";
import type { Sitting } from "../../../ceremony/ports.ts";
import { listLines } from "../../../ceremony/screens/list-screen.ts";
import { rowScreenLines } from "../../../ceremony/screens/row-screen.ts";
import { statusLines } from "../../../ceremony/screens/status-screen.ts";
import { members } from "../../../ceremony/shown-json.ts";
import { plain } from "../../../host/terminal/style.ts";
import { type Json, readCanonical } from "../../../manifests/encoding/canonical-json.ts";
import { mutateJson } from "../mutate-json.ts";
import { Broken, type Target } from "../target.ts";

const now = "2026-11-23T12:10:00Z";
const digest = "ab".repeat(32);

const row = {
  approvals: [{ person: "op1", signed: "2026-11-20T11:00:00Z" }],
  batch: "b",
  batchDigest: digest,
  bytes: 1,
  count: 1,
  expires: now,
  folder: "f",
  mode: "test",
  needed: 2,
  number: 3,
  progress: { bytes: 1, bytesPerSecond: 7, documents: 1, of: 1, ofBytes: 1, secondsLeft: 5 },
  purpose: "p",
  refusal: null,
  state: "released",
  submitter: "CN=x",
  waiting: "for 2 approvals",
};
const status = {
  appliance: "box-1",
  clock: { claimedErrorSeconds: 60, lastSet: now, now, refused: "CLOCK" },
  fault: { code: "STORE", message: "m" },
  genesis: digest,
  journal: { head: digest, sequence: 12 },
  ledger: {
    limits: { hours: 24, manifests: 5 },
    manifests: 1,
    number: 0,
    origin: "log",
    root: digest,
    since: now,
    size: 3,
  },
  locked: true,
  manifests: { last: 1, unacknowledged: 1 },
  network: { links: ["lo", "eth0"], policy: "fatal" },
  pin: { failures: 2, waitUntil: "2026-11-23T13:00:00Z" },
  policy: { digest, number: 1 },
  software: { digest, version: "0.1.0" },
  token: { lastVerifiedSignature: now, present: true, serial: "s" },
  work: { batchDigest: digest, count: 5, done: 1 },
};
const daemon = {
  daemon: {
    batches: { "waiting-for-approval": 1 },
    media: { in: "/x", out: { path: "/y", present: false } },
    spoolBytes: 5,
  },
};
const journalRow = { kind: "manifest", record: '{"number":3,"nested":{"a":[1]}}', sequence: 1, time: now };

/** What the processes answer, on an operator's terminal: printable characters only, whatever they say. */
export const screensTarget: Target = {
  name: "screens",
  seeds: async () =>
    [
      { row },
      { row: { ...row, progress: null, refusal: { code: "DER", message: "m" } } },
      { signer: status },
      { daemon },
      { journal: journalRow },
    ].map((value) => new Uint8Array(Buffer.from(JSON.stringify(value)))),
  mutate: mutateJson,
  run: async (input) => {
    // Frames carry canonical JSON only, so that is what can come here.
    const value = members(readCanonical(new Uint8Array(Buffer.from(canonicalForm(input)))));
    const lines: string[] = [];
    if (value.row !== undefined) {
      const read = readBatchRow(value.row, "row");
      const shownRow = { ...read, refusal: rowRefusal(read) };
      lines.push(...listLines([shownRow], plain), ...rowScreenLines(shownRow, now, plain));
    }
    if (value.signer !== undefined || value.daemon !== undefined) {
      lines.push(...statusLines({ signer: value.signer, daemon: value.daemon, now }, plain));
    }
    if (value.journal !== undefined) await journal(sittingWith(JSON.stringify(value.journal), lines), 1, 10);
    const unseen = lines.find((line) => !/^[\x20-\x7e…]*$/.test(line));
    if (unseen !== undefined) throw new Broken("a screen holds what is not printable ASCII");
    return lines.length;
  },
};

function canonicalForm(input: Uint8Array): string {
  const sort = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(sort);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, member]) => [name, sort(member)]),
    );
  };
  try {
    return JSON.stringify(sort(JSON.parse(Buffer.from(input).toString()) as Json));
  } catch {
    return Buffer.from(input).toString();
  }
}

/** As far as the journal's screen uses one. */
function sittingWith(text: string, lines: string[]): Sitting {
  return {
    signer: { journal: async () => new Uint8Array(Buffer.from(`${text}\n`)) },
    output: { say: (...said: readonly string[]) => lines.push(...said), document: () => undefined, style: plain },
  } as unknown as Sitting;
}
