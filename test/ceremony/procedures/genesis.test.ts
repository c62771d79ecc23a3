import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCeremonyFile } from "../../../ceremony/engine/ceremony-file.ts";
import { type Held, hold } from "../../../ceremony/engine/hold.ts";
import { type Play, playedScene } from "../../../ceremony/engine/played-scene.ts";
import { RecordFile } from "../../../ceremony/engine/record-file.ts";
import { recordFolder } from "../../../ceremony/engine/records-folder.ts";
import { genesis } from "../../../ceremony/procedures/genesis/genesis.ts";
import { boxLayout } from "../../../ceremony/procedures/layout.ts";
import { certify, makeRoot, pem } from "../../../ceremony/provision/test-pki.ts";
import { type Cast, makeCast } from "../../../ceremony/rehearse/cast.ts";
import { type GenesisWanted, writeGenesisFile } from "../../../ceremony/rehearse/genesis-file.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { documentationArc, ownOids } from "../../../manifests/encoding/oid.ts";
import { utcOf } from "../../../manifests/encoding/shape.ts";
import { verifyGenesis } from "../../../manifests/records/policy-chain.ts";
import { type Transcript, verifyTranscript } from "../../../manifests/records/transcript.ts";

const oids = ownOids(documentationArc);
let top: string;
let cast: Cast;
let root: string;
let count = 0;

beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), "coldseal-genesis-"));
  const issuer = makeRoot();
  root = join(top, "root.crt");
  await writeFile(root, pem("CERTIFICATE", issuer.certificate));
  const folders = ["op1", "op2", "op3"].map((id) => ({ id, folder: join(top, id) }));
  for (const { folder } of folders) await mkdir(folder);
  cast = await makeCast(issuer, folders);
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 3072 });
  const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
  await writeFile(join(top, "desk.crt"), pem("CERTIFICATE", certify(issuer, oids, "submitter", "Desk", spki)));
});
afterAll(() => rm(top, { recursive: true, force: true }));

/** A new ceremony file; `change` may spoil its JSON. */
async function newBox(change: (file: GenesisJson) => void = () => undefined) {
  count += 1;
  const dir = join(top, `box-${count}`);
  const to: GenesisWanted = {
    appliance: "box-1",
    box: join(dir, "box"),
    run: join(dir, "run"),
    stick: join(dir, "stick"),
    suite: "ecdsa-p256-sha256",
    keys: { audit: "p256", sealing: "p256" },
    threshold: 2,
    limits: { documents: 1000, documentBytes: 2 ** 30, batchBytes: 2 ** 31, minimumRsaBits: 3072 },
    root,
    submitter: { name: "Desk", certificate: join(top, "desk.crt") },
  };
  const file = await writeGenesisFile(dir, cast.people, to);
  const json = JSON.parse(readFileSync(file, "utf8")) as GenesisJson;
  change(json);
  await writeFile(file, JSON.stringify(json));
  return { dir, file, ...to };
}

type GenesisJson = { parameters: Record<string, unknown>; people: { id: string; signs?: unknown }[] };

async function holdGenesis(path: string, play: Partial<Play> = {}): Promise<{ held: Held; said: string[] }> {
  const file = readCeremonyFile(path);
  const procedure = genesis(file);
  const said: string[] = [];
  const scene = playedScene({ secret: cast.secret, say: (line) => void said.push(line), ...play });
  const record = await RecordFile.open(recordFolder(procedure, file), file.digest);
  try {
    return {
      held: await hold({ procedure, file, run: "rehearsal", scene, record, now: () => utcOf(Date.now()) }),
      said,
    };
  } finally {
    record.close();
  }
}

async function transcriptOf(held: Held): Promise<Transcript> {
  if (held.outcome === "paused") throw held.refusal ?? new Error(`paused at ${held.next}`);
  return (await verifyTranscript(nodeHost, oids, readFileSync(held.path))).transcript;
}

const facts = ({ entries }: Transcript, step: string) =>
  entries.findLast(({ kind, step: id }) => kind === "done" && id === step)?.facts ?? {};

describe("genesis", () => {
  it("GENESIS: makes token, keys, shares, policy number 1, store and requests, in this order", async () => {
    const box = await newBox();
    const { held } = await holdGenesis(box.file);
    const transcript = await transcriptOf(held);
    expect(transcript.outcome).toBe("completed");
    const done = transcript.entries.filter(({ kind }) => kind === "done").map(({ step }) => step);
    expect(done).toEqual([
      "clock",
      "people",
      "token",
      "audit-key",
      "split",
      "share-check",
      "relock",
      "sealing-key",
      "policy",
      "store",
      "requests",
      "close",
    ]);
    const layout = boxLayout(box.box);
    const policy = await verifyGenesis(
      nodeHost,
      oids,
      readFileSync(layout.genesis),
      facts(transcript, "policy").digest,
    );
    expect(policy.policy.people.map(({ id }) => id)).toEqual(["op1", "op2", "op3", "keeper", "desk"]);
    expect(existsSync(join(layout.state, "store.db"))).toBe(true);
    expect(facts(transcript, "relock")).toEqual({ "opened by": "op1, op2" });
    expect(facts(transcript, "close")["keys on the token"]).toMatch(/^audit \(.*sealing \(/);
  });
});
