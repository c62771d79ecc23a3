/** A time key that ceremonies brought into force, and revocation data that came in on the stick: what the next batch carries. */

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { keyAct } from "../../ceremony/rehearse/every-ceremony.ts";
import { endTokenProcesses } from "../../ceremony/tokens/token-process.ts";
import type { BundleVerdict } from "../../manifests/verify/verdict.ts";
import { beginDay } from "./rehearsed-day.ts";
import { stageRevocation } from "./staged-revocation.ts";

let here: Awaited<ReturnType<typeof beginDay>>;
beforeAll(async () => {
  here = await beginDay("time-key");
}, 600_000);
afterAll(async () => {
  await here?.box.stop();
  endTokenProcesses();
  await rm(here.dir, { recursive: true, force: true });
});

it("TIME-LOCAL, REVOCATION-STALE: a staged time key stamps the next batch, and the list that came in goes along", async () => {
  const { day, made, rehearsal } = here;
  await keyAct(rehearsal, "time");
  const list = await stageRevocation(rehearsal);
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
