/** The ledger's commands as processes, from an empty folder to an acknowledgement that a box takes: witnesses that hang, commands that are killed. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { acknowledgementName } from "../../../ledger/acknowledge/onto-stick.ts";
import { checkAcknowledgement } from "../../../manifests/log/acknowledgement.ts";
import { readCheckpoint } from "../../../manifests/log/checkpoint.ts";
import { emptyRoot } from "../../../manifests/log/tree-proof.ts";
import type { LedgerRules } from "../../../manifests/records/policy-ledger.ts";
import { verifyCertificateRequest } from "../../../manifests/x509/certificate-request.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, outboxOf } from "../../bundle/chain.ts";
import { oids, root } from "../../bundle/people.ts";
import { issue, makeRoot } from "../../pki/authority.ts";
import { type Ended, ledgerCommand, passphrase, startLedger } from "../programs.ts";
import { initWords } from "../store/engine.ts";
import { RealWitness } from "../witness/real-witness.ts";

const origin = "ledger.example.org/boxes";

let dir: string;
let folder: string;
let rules: LedgerRules;
let bundles: readonly Bundle[];
const witnesses: RealWitness[] = [];

const at = (name: string) => join(dir, name);
const run = async (...args: readonly string[]): Promise<Ended> => ledgerCommand(args);
/** A command that signs. */
const signing = (...args: readonly string[]) => run(...args, "--passphrase-fd", "3");

function stickOf(name: string, ...some: readonly Bundle[]): string {
  const stick = outboxOf(some);
  for (const [path, bytes] of stick) {
    mkdirSync(dirname(join(at(name), path)), { recursive: true });
    writeFileSync(join(at(name), path), bytes);
  }
  return at(name);
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-commands-"));
  folder = at("ledger");
  writeFileSync(at("ca.der"), root.certificate);
  expect(
    await run("init", folder, "--origin", origin, ...initWords(dir), "--publish", at("p1"), at("p2")),
  ).toMatchObject({ status: 0 });
  const made = await signing("keys", folder, "--organization", "Example", "--json");
  expect(made).toMatchObject({ status: 0 });
  const { checkpoint, request } = JSON.parse(made.out) as { checkpoint: { vkey: string }; request: string };
  const { spki, subject } = await verifyCertificateRequest(nodeHost, readFileSync(request));
  const ca = makeRoot({ name: "Example CA" });
  const { certificate } = issue(ca, { name: "", subject, spki, eku: [oids.acknowledging] });
  writeFileSync(at("wrong.der"), issue(ca, { name: "other", eku: [oids.acknowledging] }).certificate);
  writeFileSync(at("ack.der"), certificate);
  expect(await run("keys", folder, "--certificate", at("wrong.der"))).toMatchObject({
    status: 1,
    err: expect.stringContaining("KEY-REQUEST"),
  });
  expect(await run("keys", folder, "--certificate", at("ack.der"))).toMatchObject({ status: 0 });
  for (const name of ["witness.example/1", "witness.example/2"]) {
    const witness = await RealWitness.make(name, [checkpoint.vkey]);
    await witness.start();
    witnesses.push(witness);
  }
  const settings = {
    cosignatures: 1,
    type: "ledger-witnesses",
    version: 1,
    witnesses: witnesses.map(({ url, vkey }) => ({ by: "ourselves", url, vkey })),
  };
  writeFileSync(join(folder, "witnesses.json"), JSON.stringify(settings));
  rules = {
    acknowledgement: certificate,
    checkpointKey: checkpoint.vkey,
    cosignatures: 1,
    origin,
    witnesses: witnesses.map(({ vkey }) => vkey),
  };
  bundles = await chainOf(6, () => ({ policy: (policy) => ({ ...policy, version: 2, ledger: rules }) }));
  const { genesis } = bundles[0] as Bundle;
  expect(await run("enrol", folder, "--ca", at("ca.der"), "--genesis", genesis)).toMatchObject({ status: 0 });
}, 300_000);
afterAll(async () => {
  for (const one of witnesses) await one.remove();
  rmSync(dir, { recursive: true, force: true });
});

const published = (place: string) => readCheckpoint(new Uint8Array(readFileSync(join(at(place), "checkpoint")))).size;

describe("the commands of a ledger", () => {
  it("ACKNOWLEDGEMENT: from a stick to the acknowledgement on it, which the box takes", async () => {
    const first = bundles[0] as Bundle;
    const stick = stickOf("s1", first, bundles[1] as Bundle);
    expect(await run("ingest", folder, stick)).toMatchObject({ status: 0 });
    const done = await signing("acknowledge", folder, stick);
    expect(done).toMatchObject({ status: 0 });
    expect(done.out).toContain("all of them run by ourselves");
    const file = join(stick, "coldseal/control/in", acknowledgementName(first.genesis));
    const wanted = { policy: first.policy, genesis: first.genesis, from: { size: 0, root: emptyRoot } };
    expect((await checkAcknowledgement(nodeHost, readFileSync(file), wanted)).acknowledgement.number).toBe(2);
    expect((await run("verify", folder, "--log", rules.checkpointKey)).status).toBe(0);
  });

  it("WITNESS: one that hangs (SIGSTOP) delays nothing that another one suffices for; two that hang delay what follows, and no more", async () => {
    expect(await run("ingest", folder, stickOf("s2", bundles[2] as Bundle))).toMatchObject({ status: 0 });
    const [one, two] = witnesses as [RealWitness, RealWitness];
    one.served?.child.kill("SIGSTOP");
    expect(await signing("publish", folder)).toMatchObject({
      status: 0,
      out: expect.stringContaining("witness.example/1: WITNESS"),
    });
    const before = published("p1");
    expect(await run("ingest", folder, stickOf("s3", bundles[3] as Bundle))).toMatchObject({ status: 0 });
    two.served?.child.kill("SIGSTOP");
    const waits = await signing("publish", folder);
    expect(waits).toMatchObject({ status: 3, err: expect.stringContaining("WITNESS") });
    expect([published("p1"), published("p2")]).toEqual([before, before]);
    // What is published everywhere is acknowledged all the same.
    const stick = at("s4");
    mkdirSync(stick);
    expect(await signing("acknowledge", folder, stick)).toMatchObject({
      status: 3,
      out: expect.stringContaining("up to manifest 3"),
    });
    for (const witness of witnesses) witness.served?.child.kill("SIGCONT");
    // It is signed already: no passphrase is needed.
    expect(await run("publish", folder)).toMatchObject({ status: 0 });
    expect(published("p2")).toBeGreaterThan(before);
  });

  it("NOTHING-LOST: publishing that is killed at any moment goes on where it was, and what is signed is one history", async () => {
    for (const [at_, number] of [4, 5].entries()) {
      expect(await run("ingest", folder, stickOf(`s${5 + at_}`, bundles[number] as Bundle))).toMatchObject({
        status: 0,
      });
      for (const after of [300, 600, 900, 1200, 1500, 1800]) {
        const child = startLedger(["publish", folder, "--passphrase-fd", "3"]);
        const gone = new Promise((resolve) => child.once("close", resolve));
        setTimeout(() => child.kill("SIGKILL"), after + at_ * 150);
        await gone;
      }
      expect(await signing("publish", folder)).toMatchObject({ status: 0 });
      expect((await run("verify", folder, "--log", rules.checkpointKey)).status).toBe(0);
    }
    const { out } = await run("keys", folder, "--json");
    expect(JSON.parse(out)).toMatchObject({ checkpoint: { held: "file" }, acknowledgement: { held: "file" } });
    expect(out).not.toContain(passphrase);
  });
});
