/** Boxes for the tests of genesis: a ceremony file each, people who act, and their transcript. */

import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { readCeremonyFile } from "../../../ceremony/engine/ceremony-file.ts";
import { hold } from "../../../ceremony/engine/hold.ts";
import type { Held } from "../../../ceremony/engine/hold-parts.ts";
import { type Play, playedScene } from "../../../ceremony/engine/played-scene.ts";
import { RecordFile } from "../../../ceremony/engine/record-file.ts";
import { recordFolder } from "../../../ceremony/engine/records-folder.ts";
import { genesis } from "../../../ceremony/procedures/genesis/genesis.ts";
import { certify, makeRoot, pem } from "../../../ceremony/provision/test-pki.ts";
import { type Cast, makeCast } from "../../../ceremony/rehearse/cast.ts";
import { type GenesisWanted, writeGenesisFile } from "../../../ceremony/rehearse/genesis-file.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { documentationArc, ownOids } from "../../../manifests/encoding/oid.ts";
import { utcOf } from "../../../manifests/encoding/shape.ts";
import { type Transcript, verifyTranscript } from "../../../manifests/records/transcript.ts";

export const oids = ownOids(documentationArc);
let top: string;
let cast: Cast;
let root: string;
let count = 0;

/** Makes people and a root for the boxes of one test file, and removes them. */
export function genesisPeople(): void {
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
}

/** A new ceremony file; `change` may spoil its JSON. */
export async function newBox(change: (file: GenesisJson) => void = () => undefined) {
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

export type GenesisJson = { parameters: Record<string, unknown>; people: { id: string; signs?: unknown }[] };

export async function holdGenesis(path: string, play: Partial<Play> = {}): Promise<{ held: Held; said: string[] }> {
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

export async function transcriptOf(held: Held): Promise<Transcript> {
  if (held.outcome === "paused") throw held.refusal ?? new Error(`paused at ${held.next}`);
  return (await verifyTranscript(nodeHost, oids, readFileSync(held.path))).transcript;
}

export const facts = ({ entries }: Transcript, step: string) =>
  entries.findLast(({ kind, step: id }) => kind === "done" && id === step)?.facts ?? {};
