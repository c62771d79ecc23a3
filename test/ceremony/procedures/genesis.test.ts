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
import { procedureOf } from "../../../ceremony/procedures/registry.ts";
import { certify, makeRoot, pem } from "../../../ceremony/provision/test-pki.ts";
import { type Cast, makeCast } from "../../../ceremony/rehearse/cast.ts";
import { prepareDryRun } from "../../../ceremony/rehearse/dry-run.ts";
import { type GenesisWanted, writeGenesisFile } from "../../../ceremony/rehearse/genesis-file.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { documentationArc, ownOids } from "../../../manifests/encoding/oid.ts";
import { utcOf } from "../../../manifests/encoding/shape.ts";
import { verifyGenesis } from "../../../manifests/records/policy-chain.ts";
import { type Transcript, verifyTranscript } from "../../../manifests/records/transcript.ts";
import { codeOf } from "../software-box.ts";

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
  it("GENESIS: wrong answers are refused and recorded, a person is struck out, a pause takes the PIN, and it ends all the same", async () => {
    const box = await newBox();
    const wrong = new Map<string, string[]>();
    const once = (step: string, ...answers: string[]) => wrong.set(step, answers);
    once("The time of", "2020-01-01 00:00:00");
    once("op3 PIN", "0000", "0000", "0000");
    once("op1 again", "another passphrase");
    once("op2 check", "no", "no", "no");
    once("op1 policy", "adult amulet");
    const answer = (person: string, question: string) => {
      const asked = /The time of/.test(question)
        ? "The time of"
        : question.includes("PIN of your token")
          ? `${person} PIN`
          : question.includes("passphrase again")
            ? `${person} again`
            : question.includes("the passphrase of share")
              ? `${person} check`
              : question === "policy number 1"
                ? `${person} policy`
                : "";
      return wrong.get(asked)?.shift();
    };
    let failures = 0;
    const decide = () => {
      failures += 1;
      return failures === 2 ? ("strike" as const) : ("again" as const);
    };
    const struck = (person: string, question: string) =>
      question.startsWith("Who is struck") ? "op3" : answer(person, question);
    const first = await holdGenesis(box.file, {
      answer: struck,
      decide,
      begin: ({ id }) => (id === "sealing-key" ? "stop" : "go"),
    });
    expect(first.held).toMatchObject({ outcome: "paused", next: "sealing-key" });
    const asked: string[] = [];
    const note = (person: string, question: string) => {
      if (question.includes("the passphrase of share")) asked.push(person);
      return struck(person, question);
    };
    const here = (person: string) => person !== "op3";
    const transcript = await transcriptOf((await holdGenesis(box.file, { answer: note, decide, here })).held);
    const failed = transcript.entries
      .filter(({ kind }) => kind === "failed")
      .map(({ step, facts: { code } }) => `${step} ${code}`);
    expect(failed).toEqual([
      "clock CEREMONY-STEP",
      "people PIN-WRONG",
      "split CEREMONY-STEP",
      "share-check PASSPHRASE-WRONG",
      "policy CEREMONY-STEP",
    ]);
    const check = transcript.entries.find(({ kind, step }) => kind === "failed" && step === "share-check");
    expect(check?.facts.about).toBe("share 2 of 2, op2's");
    expect(asked).toEqual(["op1", "op2"]);
    expect(transcript.entries.find(({ kind }) => kind === "struck")?.people).toEqual(["op3"]);
    const policy = await verifyGenesis(nodeHost, oids, readFileSync(boxLayout(box.box).genesis));
    expect(policy.policy.people.map(({ id }) => id)).toEqual(["op1", "op2", "keeper", "desk"]);
    expect(facts(transcript, "split").threshold).toBe("2 of 2");
  });

  it("CEREMONY-FILE: what cannot be held is refused before anything is made", async () => {
    const codes: string[] = [];
    for (const change of [
      (json: GenesisJson) => Object.assign(json.parameters, { secret: "x" }),
      (json: GenesisJson) =>
        Object.assign(json.parameters, {
          unlock: { holders: [{ person: "op1" }, { person: "nobody" }], threshold: 2 },
        }),
      (json: GenesisJson) =>
        Object.assign(json.parameters, { unlock: { holders: [{ person: "op1" }, { person: "op1" }], threshold: 2 } }),
      (json: GenesisJson) =>
        Object.assign(json.parameters, { unlock: { holders: [{ person: "op1" }, { person: "op2" }], threshold: 3 } }),
      (json: GenesisJson) => Object.assign(json.parameters, { policy: { people: [] } }),
      (json: GenesisJson) => Object.assign(json, { ceremony: "exodus" }),
      (json: GenesisJson) => Object.assign(json, { people: json.people.filter(({ id }) => id !== "ada") }),
      (json: GenesisJson) => Object.assign(json, { people: [...json.people, json.people[0]] }),
    ]) {
      const box = await newBox(change);
      codes.push(await codeOf(Promise.resolve().then(() => procedureOf(readCeremonyFile(box.file)))));
      expect(existsSync(box.box)).toBe(false);
    }
    expect(new Set(codes)).toEqual(new Set(["CEREMONY-FILE"]));
  });

  it("GENESIS: a dry run makes all of it in its order from the reviewed file, and uses nothing of what that names", async () => {
    const box = await newBox();
    const dir = join(box.dir, "dry");
    await mkdir(dir);
    const { file, secret } = await prepareDryRun(box.file, dir);
    const procedure = procedureOf(file);
    const record = await RecordFile.open(recordFolder(procedure, file), file.digest);
    const scene = playedScene({ secret, say: () => undefined });
    const held = await hold({ procedure, file, run: "dry", scene, record, now: () => utcOf(Date.now()) });
    record.close();
    const transcript = await transcriptOf(held);
    expect(transcript.run).toBe("dry");
    const done = transcript.entries.filter(({ kind }) => kind === "done").map(({ step }) => step);
    expect(done.join(" ")).toBe(
      "clock people token audit-key split share-check relock sealing-key policy store requests close",
    );
    const layout = boxLayout(join(dir, "box"));
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
    expect(existsSync(box.box) || existsSync(box.stick)).toBe(false);
  });
});
