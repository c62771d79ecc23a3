import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { daemonClient } from "../../../appliance/client/daemon-client.ts";
import { signerClient } from "../../../appliance/client/signer-client.ts";
import { unlock } from "../../../appliance/client/unlock-client.ts";
import { canonicalBytes, type Json } from "../../../manifests/encoding/canonical-json.ts";
import { fileHeader } from "../../../manifests/encoding/file-stream.ts";
import { frameHeader } from "../../../manifests/encoding/frame.ts";
import { buildBundle } from "../../bundle/build.ts";
import { joined } from "../der-tree.ts";
import { mutateFrames } from "../frames.ts";
import type { Target } from "../target.ts";

const folder = mkdtempSync(join(tmpdir(), "coldseal-fuzz-client-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "socket");

const daemon = daemonClient(path);
const signer = signerClient(path);
const digest = "ab".repeat(32);

/** The calls of which hostile answers are read; an input's first byte names one. */
const calls: readonly (() => Promise<unknown>)[] = [
  () => daemon.list(),
  () => daemon.open("b"),
  () => daemon.decide("approve", "b", Uint8Array.of(1)),
  () => daemon.watch("b", () => undefined),
  () => daemon.export("b"),
  () => daemon.exportAudit(),
  () => daemon.import(),
  () => signer.status(),
  () => signer.policies(),
  () => signer.submit("f", "signed-request", {}, [Uint8Array.of(1)]),
  () => signer.sealedBefore("f", "plain-envelopes", [Uint8Array.of(1)]),
  () => signer.seal(digest, () => undefined),
  () => signer.batches(5),
  () => signer.refuse("f", null, { code: "DER", message: "m" }, {}),
  () => unlock(path, Uint8Array.of(1)),
  () => readAll(daemon.envelopes("b")),
];

async function readAll(pieces: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const piece of pieces) bytes += piece.length;
  return bytes;
}

const row: Json = {
  approvals: [{ person: "op1", signed: "2026-11-20T11:00:00Z" }],
  batch: "b",
  batchDigest: digest,
  bytes: 1,
  count: 1,
  expires: "2026-11-20T11:00:00Z",
  folder: "f",
  mode: "test",
  needed: 2,
  number: null,
  progress: { bytes: 1, bytesPerSecond: null, documents: 1, of: 1, ofBytes: 1, secondsLeft: null },
  purpose: "p",
  refusal: { code: "DER", message: "m" },
  state: "waiting",
  submitter: "CN=x",
  waiting: "for 2 approvals",
};
const signerRow: Json = {
  batch: "b",
  batchDigest: digest,
  bytes: 1,
  challenge: "{}",
  count: 1,
  done: 0,
  earlierSeals: 0,
  expires: "2026-11-20T11:00:00Z",
  folder: "f",
  mode: "test",
  number: null,
  purpose: "p",
  released: false,
  state: "challenged",
  submitted: "2026-11-20T11:00:00Z",
  submitter: { name: "CN=x" },
};
const status: Json = {
  appliance: "box-1",
  clock: { now: "2026-11-20T11:00:00Z", refused: null },
  fault: { code: "STORE", message: "m" },
  genesis: digest,
  locked: false,
  manifests: { last: 1, unacknowledged: 0 },
  network: { links: ["lo"], policy: "fatal" },
  policy: { digest, number: 1 },
  token: { present: true, serial: "s" },
};
const results: readonly Json[] = [
  { batches: [row, row] },
  { approvals: [], challenge: "{}", listed: row, needed: 2, policy: "{}" },
  { approvals: [], needed: 2, state: "waiting" },
  row,
  { bytes: 1, files: 2, path: "/x" },
  { numbers: [1, 2], path: "/x" },
  {
    imported: [{ file: "f", kind: "policy", number: 2 }],
    refused: [{ file: "g", refusal: { code: "DER", message: "m" } }],
  },
  status,
  {},
  { batchDigest: digest, challenge: "{}", outcome: "challenge", state: "challenged" },
  {
    batch: "b",
    batchDigest: digest,
    bytes: 1,
    count: 1,
    expires: "2026-11-20T11:00:00Z",
    mode: "test",
    number: 3,
    purpose: "p",
    submitter: { name: "CN=x" },
  },
  { number: 1, outcome: "sealed" },
  { batches: [signerRow] },
  { signed: true },
  { head: "agrees", token: { label: "t" } },
  {},
];

let answer: Uint8Array = new Uint8Array(0);
let server: Promise<Server> | undefined;

/** A server that answers every call with the same bytes and hangs up. */
function listening(): Promise<Server> {
  server ??= new Promise((resolve) => {
    const made = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", () => undefined);
      socket.end(answer);
    });
    made.unref();
    made.listen(path, () => resolve(made));
  });
  return server;
}

function frames(progress: Json, result: Json, body?: Uint8Array): Uint8Array {
  const json = (value: Json) => {
    const payload = canonicalBytes(value);
    return joined([frameHeader("J", payload.length), payload]);
  };
  const end = body ? [frameHeader("B", body.length), body, frameHeader("B", 0)] : [];
  return joined([json({ progress }), json({ result, body: body !== undefined }), ...end]);
}

/** What the box's processes answer each other and the CLI. */
export const clientTarget: Target = {
  name: "client",
  seeds: async () => {
    const { files } = await buildBundle();
    const policy = files.get("policy/0001.p7m") as Uint8Array;
    const bodies = new Map([
      [1, files.get("batch.p7m") as Uint8Array],
      [8, joined([fileHeader("0001.p7m", policy.length), policy])],
      [13, Uint8Array.of(1, 2)],
      [15, Uint8Array.of(1, 2)],
    ]);
    const sealing = { bytes: 1, count: 2, done: 1 };
    return results.map((result, at) =>
      joined([Uint8Array.of(at), frames(at === 11 ? sealing : row, result, bodies.get(at))]),
    );
  },
  mutate: (random, input, other) =>
    joined([input.subarray(0, 1), mutateFrames(random, input.subarray(1), other.subarray(1))]),
  run: async (input) => {
    await listening();
    answer = input.subarray(1);
    const call = calls[(input[0] ?? 0) % calls.length];
    await call?.();
    return "read";
  },
};
