/** `coldseal ledger take` as a process: from a stick to what is handed over with one document, which holds with its time and its proof. */

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { verifyCertificateRequest } from "../../../manifests/x509/certificate-request.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, layBundle, type Stick } from "../../bundle/chain.ts";
import { oids, root } from "../../bundle/people.ts";
import { issue, makeRoot } from "../../pki/authority.ts";
import { openTsa, type TestTsa } from "../../pki/openssl-tsa.ts";
import { ledgerCommand } from "../programs.ts";
import { initWords } from "../store/engine.ts";

let dir: string;
let tsa: TestTsa;
let bundle: Bundle;
let vkey: string;
const at = (name: string) => join(dir, name);
const run = (...args: readonly string[]) => ledgerCommand(args);
const signing = (...args: readonly string[]) => run(...args, "--passphrase-fd", "3");
const take = (...more: readonly string[]) =>
  signing("take", at("ledger"), at("stick"), "--tsa", tsa.url, "--tsa-ca", tsa.ca, ...more);

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-take-"));
  tsa = await openTsa();
  [bundle] = (await chainOf(1, () => ({ documents: { "a.pdf": "a", "b.pdf": "b" } }))) as [Bundle];
  const stick: Stick = new Map();
  layBundle(stick, "coldseal/outbox/batch-1", bundle);
  for (const [path, bytes] of stick) put(`stick/${path}`, bytes);
  put("ca.der", root.certificate);
  put("a.pdf", new TextEncoder().encode("a"));
  expect(await run("init", at("ledger"), "--origin", "ledger.example.org/boxes", ...initWords(dir))).toMatchObject({
    status: 0,
  });
  const early = await signing("keys", at("ledger"), "--organization", "Example", "--certificate", at("ca.der"));
  expect(early).toMatchObject({ status: 2, err: expect.stringContaining("the ledger has no keys yet") });
  const made = await signing("keys", at("ledger"), "--organization", "Example", "--json");
  const { checkpoint, request } = JSON.parse(made.out) as { checkpoint: { vkey: string }; request: string };
  vkey = checkpoint.vkey;
  const { spki, subject } = await verifyCertificateRequest(nodeHost, readFileSync(request));
  put("ack.der", issue(makeRoot({ name: "CA" }), { name: "", subject, spki, eku: [oids.acknowledging] }).certificate);
  expect(await run("keys", at("ledger"), "--certificate", at("ack.der"))).toMatchObject({ status: 0 });
  const pinned = ["--ca", at("ca.der"), "--genesis", bundle.genesis];
  expect(await run("enrol", at("ledger"), ...pinned)).toMatchObject({ status: 0 });
});
afterAll(() => {
  tsa?.end();
  rmSync(dir, { recursive: true, force: true });
});

/** Of what was handed over with a.pdf. */
function givenSeal(): string {
  const [name = ""] = readdirSync(join(at("given"), "seals/0000"));
  return join(at("given"), "seals/0000", name);
}

/** What a stranger reads of a seal of a.pdf, with the evidence that was handed over; on one line. */
async function verified(seal: string): Promise<string> {
  const evidence = [".ers", ".log.json"].map((ending) => join(at("given"), basename(seal, ".p7s") + ending));
  const trusted = ["--ca", at("ca.der"), "--tsa-ca", tsa.ca, "--log", vkey, "--genesis", bundle.genesis];
  return (await desk("verify", seal, at("a.pdf"), ...trusted, "--evidence", ...evidence)).replace(/\s+/g, " ");
}

async function desk(...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, ["desk/main.ts", ...args])).stdout;
}

function put(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), bytes);
}

it("LOG-PROOF: one command leads from a stick to a document's seal with time and proof, which a stranger verifies", async () => {
  const taken = await take("--document", at("a.pdf"), "--to", at("given"));
  expect(taken).toMatchObject({ status: 0, out: expect.stringContaining("in the log, entries 0 to 2") });
  expect(await verified(givenSeal())).toMatch(
    /VALID.*existed by 20.*in ledger\.example\.org\/boxes: entry 0 is the manifest, entry 1 this seal/,
  );
});

it("TIME: a time-stamp within the seal that was handed over is shown as that seal's own, beside the batch's time", async () => {
  const seal = givenSeal();
  expect(await desk("extend", seal, "--tsa", tsa.url, "--tsa-ca", tsa.ca, "--to", at("extended"))).toContain(
    "CAdES-B-T",
  );
  const own = /signature-time-stamp 1/;
  expect(await verified(seal)).not.toMatch(own);
  cpSync(join(at("extended"), basename(seal)), seal);
  const both = await verified(seal);
  expect(both).toMatch(own);
  expect(both).toMatch(/VALID.*existed by 20.*time-stamp 20[^(]*\([^)]*the batch's/);
});

it("LEDGER-BOX: what is refused on a stick hinders nothing else, and is what it ends with; the same again changes nothing", async () => {
  put("stick/coldseal/outbox/other/manifest.p7m", new Uint8Array(10));
  const taken = await take();
  expect(taken.status).toBe(1);
  expect(taken.out).toContain("nothing changed");
  expect(taken.out).toContain("3 entries under a signed checkpoint");
  expect(taken.out).toContain("its policy names no ledger");
  expect(taken.out).toContain("nothing waits for evidence of time");
  expect(await run("verify", at("ledger"))).toMatchObject({ status: 0 });
});

it("USAGE: a document without a folder for it is refused before anything is done", async () => {
  expect(await take("--document", at("a.pdf"))).toMatchObject({ status: 2, out: "" });
});
