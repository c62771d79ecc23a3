/** A disk is lost under a box that has sealed: it is made anew by the ceremony, goes on, and knows what it sealed. */

import { copyFileSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RowState } from "../../appliance/client/batch-row.ts";
import { daemonClient } from "../../appliance/client/daemon-client.ts";
import { verifyJournal } from "../../appliance/client/unlock-client.ts";
import type { OperatorPaths } from "../../ceremony/provision/layout.ts";
import { Rehearsal } from "../../ceremony/rehearse/rehearsal.ts";
import { type RehearsedBox, rehearsedBox } from "../../ceremony/rehearse/rehearsed-box.ts";
import { startSigner } from "../../ceremony/rehearse/running-signer.ts";
import { endTokenProcesses } from "../../ceremony/tokens/token-process.ts";
import { type Box, startBox } from "../../demo/launcher.ts";
import { approve, submit, succeeded, unlockByShares } from "../../demo/people.ts";
import { runCommand } from "../../demo/run-command.ts";
import type { Slip } from "../../desk/slip.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { verifyTranscript } from "../../manifests/records/transcript.ts";
import { difference, filesBelow } from "../promises/check-media.ts";

const silent = { say: () => undefined };
let dir: string;
let made: RehearsedBox;
let rehearsal: Rehearsal;
let box: Box | undefined;
let lost: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "coldseal-recover-"));
  const times = { settleSeconds: 1, scanSeconds: 1, incompleteSeconds: 60 };
  made = await rehearsedBox(dir, { profile: "ecdsa-p256-sha256", ...times }, silent);
  rehearsal = new Rehearsal(made, silent);
  box = await startBox(dir, { restart: true });
  succeeded(await unlockByShares(made, ["op1", "op2"]), "unlock");
}, 180_000);

afterAll(async () => {
  await box?.stop();
  await rehearsal?.stop();
  endTokenProcesses();
  rmSync(made?.paths.box.run ?? "", { recursive: true, force: true });
  await rm(dir, { recursive: true, force: true });
});

async function until(folder: string, ...states: readonly RowState[]): Promise<void> {
  const { socket } = JSON.parse(readFileSync(made.paths.box.daemonJson, "utf8")) as { socket: string };
  let last = "nothing";
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await setTimeout(100)) {
    const rows = await daemonClient(socket)
      .list(true)
      .catch(() => []);
    const row = rows.findLast((one) => one.folder === folder);
    if (row && states.includes(row.state)) return;
    last = JSON.stringify(row);
  }
  throw new Error(`${folder} did not come to ${states.join(" or ")}: ${last}`);
}

async function bring(folder: string, documents: Readonly<Record<string, string>>): Promise<Slip> {
  const source = join(dir, "documents", folder);
  mkdirSync(source, { recursive: true });
  for (const [name, content] of Object.entries(documents)) await writeFile(join(source, name), content);
  return submit(made.paths, [source], ["--batch", folder]);
}

async function sealed(folder: string, documents: Readonly<Record<string, string>>): Promise<void> {
  const slip = await bring(folder, documents);
  await until(folder, "waiting-for-approval");
  const [op1, op2] = made.paths.operators as [OperatorPaths, OperatorPaths];
  for (const one of [op1, op2]) succeeded(await approve(one, slip), "approve");
  await until(folder, "released");
}

const outbox = (folder: string) => join(made.paths.stick, "coldseal/outbox", folder);
const verify = (folder: string) =>
  runCommand("desk/main.ts", [
    "verify",
    outbox(folder),
    "--ca",
    made.paths.pki.root,
    "--genesis",
    made.paths.genesis,
    "--json",
  ]);

/** The disk is gone with everything on it; what starts the box's processes is installed again. */
async function loseDisk(): Promise<() => void> {
  const { daemonJson, folder, launcherJson } = made.paths.box;
  const kept = [daemonJson, launcherJson].map((path) => [path, readFileSync(path)] as const);
  await box?.stop();
  box = undefined;
  lost = `${folder}-lost-${rehearsal.archive}`;
  await rehearsal.loseDisk();
  return () => {
    for (const [path, bytes] of kept) writeFileSync(path, bytes, { mode: 0o600 });
    for (const one of ["spool", "log"]) mkdirSync(join(folder, one), { recursive: true, mode: 0o700 });
  };
}

const recovery = async (change: { readonly [name: string]: Json } = {}) => {
  const { root, run } = made.wanted;
  const { unlockSocket: _, ...common } = rehearsal.common;
  const token = await rehearsal.firstToken();
  const from = [made.paths.stick, made.paths.keeper];
  return { ...common, beyond: 0, from, reason: "a test", roots: [root], run, token, ...change };
};

describe("the recovery of a lost disk", () => {
  it("CHAIN: sealed batches, policies and numbers are there again; the first receipt comes again, byte for byte", async () => {
    await sealed("first", { "a.txt": "one", "b.txt": "two" });
    const first = join(dir, "first-receipt");
    cpSync(outbox("first"), first, { recursive: true });
    const install = await loseDisk();
    const held = await rehearsal.hold("recover", "The disk is lost", await recovery());
    await rehearsal.stop();
    install();

    const oids = ownOids(documentationArc);
    const { transcript, signers } = await verifyTranscript(nodeHost, oids, readFileSync(held.transcript));
    expect([...signers].sort()).toEqual(["audit", "op1", "op2", "op3"]);
    const factsOf = (step: string) => transcript.entries.find((one) => one.step === step && one.kind === "done")?.facts;
    expect(factsOf("gather")).toMatchObject({ "manifests at hand": "1", "whole receipts": "1 of 1" });
    expect(factsOf("statement")).toMatchObject({ "last manifest": "1" });

    box = await startBox(dir, { restart: true });
    succeeded(await unlockByShares(made, ["op1", "op3"]), "unlock");
    // The same batch under another name, as from another stick.
    cpSync(join(made.paths.stick, "coldseal/inbox/first"), join(made.paths.stick, "coldseal/inbox/again"), {
      recursive: true,
    });
    await until("again", "released");
    expect(difference(filesBelow(outbox("again")), filesBelow(first))).toBeUndefined();

    await sealed("second", { "a.txt": "one", "c.txt": "three" });
    const second = await verify("second");
    expect(second.status, second.stdout).toBe(0);
    const next = Number(/(\d+)/.exec(factsOf("survey")?.["next manifest"] ?? "")?.[1]);
    expect(JSON.parse(second.stdout)).toMatchObject({ number: next, ok: true });
    expect(await verifyJournal(rehearsal.socket)).toMatchObject({ manifests: 2 });
  }, 180_000);

  it("CHAIN: the lost disk, should it come back, is refused by the token", async () => {
    await box?.stop();
    box = undefined;
    const { state } = made.paths.box;
    renameSync(state, `${state}-new`);
    cpSync(join(lost, "signer"), state, { recursive: true });
    const signer = await startSigner(made.paths.box.signerJson, rehearsal.socket, dir);
    try {
      await expect(rehearsal.unlock()).rejects.toMatchObject({ code: "CHAIN" });
    } finally {
      await signer.stop();
      rmSync(state, { recursive: true });
      renameSync(`${state}-new`, state);
    }
  }, 60_000);

  it("CONFIG: media without a copy of the box, and a bundle that was changed, are said before anything is signed", async () => {
    box = await startBox(dir, { restart: true });
    succeeded(await unlockByShares(made, ["op1", "op3"]), "unlock");
    await loseDisk();
    const empty = join(dir, "empty-stick");
    mkdirSync(empty);
    const nothing = await recovery({ from: [empty] });
    await expect(rehearsal.hold("recover", "Nothing is there", nothing)).rejects.toMatchObject({ code: "CONFIG" });

    // A bundle with one changed byte is left out; the keeper's copy of its manifest stands in for it.
    const manifest = join(outbox("second"), "manifest.p7m");
    const bytes = readFileSync(manifest);
    copyFileSync(manifest, join(dir, "kept.p7m"));
    bytes[bytes.length - 30] = (bytes[bytes.length - 30] as number) ^ 1;
    writeFileSync(manifest, bytes);
    const held = await rehearsal.hold("recover", "The disk is lost again", await recovery());
    const { transcript } = await verifyTranscript(nodeHost, ownOids(documentationArc), readFileSync(held.transcript));
    const facts = transcript.entries.find((one) => one.step === "gather" && one.kind === "done")?.facts;
    expect(facts?.["left out"]).toContain("second");
    expect(facts?.["whole receipts"]).toBe("1 of 2");
  }, 180_000);
});
