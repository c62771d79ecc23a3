/** Time at a box: a time key that ceremonies brought into force, revocation data that came in, and evidence from the desk that comes back. */

import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { OperatorPaths } from "../../ceremony/provision/layout.ts";
import { keyAct } from "../../ceremony/rehearse/every-ceremony.ts";
import { endTokenProcesses } from "../../ceremony/tokens/token-process.ts";
import { approve, asOperator, succeeded } from "../../demo/people.ts";
import { runCommand } from "../../demo/run-command.ts";
import type { BundleVerdict } from "../../manifests/verify/verdict.ts";
import { openTsa, type TestTsa } from "../pki/openssl-tsa.ts";
import { beginDay } from "./rehearsed-day.ts";
import { importControl, stageRevocation } from "./staged-revocation.ts";

let here: Awaited<ReturnType<typeof beginDay>>;
let tsa: TestTsa;
beforeAll(async () => {
  tsa = await openTsa();
  here = await beginDay("time-key");
}, 600_000);
afterAll(async () => {
  tsa?.end();
  await here?.box.stop();
  endTokenProcesses();
  await rm(here.dir, { recursive: true, force: true });
});

it("TIME-LOCAL, REVOCATION-STALE: a staged time key stamps the next batch, and the list that came in goes along", async () => {
  const { day, made, rehearsal } = here;
  await keyAct(rehearsal, "time");
  const unanchored = { hours: 24, roots: [tsa.ca], seals: 3 };
  const list = await stageRevocation(rehearsal, { unanchored });
  await day.sealed("stamped", { "a.txt": "one", "b.txt": "two" });
  const outbox = day.outbox("stamped");
  const [name = ""] = readdirSync(join(outbox, "revocation"));
  expect(readFileSync(join(outbox, "revocation", name))).toEqual(Buffer.from(list));
  const verdict = JSON.parse((await day.verify("stamped")).stdout) as BundleVerdict;
  expect(verdict).toMatchObject({ ok: true, localTime: {} });
  const signed = join(outbox, "manifest.p7m");
  const openssl = (...args: readonly string[]) => execFileSync("openssl", args, { encoding: "utf8", stdio: "pipe" });
  const manifest = JSON.parse(openssl("cms", "-verify", "-noverify", "-inform", "DER", "-in", signed));
  const token = ["-token_in", "-in", join(outbox, "local-time.tst"), "-CAfile", made.paths.pki.root];
  expect(openssl("ts", "-verify", "-digest", manifest.documents.root, ...token)).toContain("Verification: OK");
}, 600_000);

it("UNANCHORED: more than may wait are not sealed, until the desk's evidence over the batch before came in on the stick", async () => {
  const { day, made } = here;
  const [op1, op2] = made.paths.operators as [OperatorPaths, OperatorPaths];
  const slip = await day.bring("too-many", { "c.txt": "three", "d.txt": "four" });
  await day.until("too-many", "waiting-for-approval");
  for (const one of [op1, op2]) succeeded(await approve(one, slip), "approve");
  const status = async () => succeeded(await asOperator(op1, ["status"]), "status").stdout;
  expect(await status()).toMatch(/anchored +to number 0; 2 of 3 seals wait/);

  const outbox = day.outbox("stamped");
  const trusted = ["--tsa", tsa.url, "--tsa-ca", tsa.ca];
  succeeded(await runCommand("desk/main.ts", ["anchor", outbox, ...trusted]), "anchor");
  copyFileSync(join(outbox, "evidence/0001.ers"), join(made.paths.stick, "coldseal/control/in/0001.ers"));
  expect(await importControl(made)).toContain("0001.ers");
  await day.until("too-many", "released");
  expect(await status()).toMatch(/anchored +to number 1; 2 of 3 seals wait/);
}, 600_000);
