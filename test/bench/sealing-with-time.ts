/**
 * `seal-lt-p256-10k`: as `seal-p256-10k`, on a box that stamps each batch by a time key of its own and puts staged revocation data into
 * the bundle. Its limit is the same box without both.
 */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OperatorPaths } from "../../ceremony/provision/layout.ts";
import { keyAct, policyNow } from "../../ceremony/rehearse/every-ceremony.ts";
import { endTokenProcesses } from "../../ceremony/tokens/token-process.ts";
import { asOperator, succeeded } from "../../demo/people.ts";
import { suiteOf } from "../../manifests/cms/suite.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { beginDay } from "../e2e/rehearsed-day.ts";
import { makeCrl } from "../pki/crl.ts";
import { timeOf } from "./box-times.ts";
import type { BenchCase } from "./case.ts";
import { pinnedDocuments } from "./pinned-bytes.ts";
import { peakMiB } from "./process-memory.ts";

const count = 2000;
const bytes = 10 * 1024;
const day = 86_400_000;

type Day = Awaited<ReturnType<typeof beginDay>>;

export const sealWithTime: BenchCase = {
  name: "seal-lt-p256-10k",
  unit: "documents/s",
  // At most 20 % more time.
  target: { ratios: { "without-time": 0.833 } },
  async setUp() {
    const without = await beginDay("bench-without-time");
    const stamped = await beginDay("bench-with-time");
    await keyAct(stamped.rehearsal, "time");
    await stageRevocation(stamped);
    let run = 0;
    return {
      limits: { "without-time": () => rateOf(without, `without-${++run}`) },
      async measure() {
        const value = await rateOf(stamped, `with-${++run}`);
        const { signer, daemon } = stamped.box.pids();
        return { value, rssMiB: peakMiB([signer, daemon]) };
      },
      async end() {
        for (const { box, dir } of [without, stamped]) {
          await box.stop();
          rmSync(dir, { recursive: true, force: true });
        }
        endTokenProcesses();
      },
    };
  },
};

/** Documents a second, from authorised to released. */
async function rateOf(one: Day, batch: string): Promise<number> {
  await one.day.sealed(batch, pinnedDocuments(batch, count, bytes));
  const seconds = ((await timeOf(one, batch, "released")) - (await timeOf(one, batch, "authorised"))) / 1000;
  return count / seconds;
}

/** From now on the policy asks for revocation data, and a list of the root came in. */
async function stageRevocation({ made, rehearsal }: Day): Promise<void> {
  await rehearsal.unlock();
  const { policy, ...common } = policyNow(rehearsal);
  const revocation = { maximumAgeSeconds: 7 * 86_400, roots: [made.wanted.root], stale: "refuse" };
  await rehearsal.hold("policy", "Policy: revocation data", { ...common, policy: { ...policy, revocation } });
  const control = join(made.paths.stick, "coldseal/control/in");
  mkdirSync(control, { recursive: true });
  const { certificate, key } = made.root;
  const issuer = { key, subject: readCertificate(certificate).subject, suite: suiteOf("rsa-pkcs1-sha256") };
  const now = Date.now();
  const list = makeCrl(issuer, { thisUpdate: utcOf(now - 60_000), nextUpdate: utcOf(now + day) });
  writeFileSync(join(control, "root.crl"), list);
  const [op1] = made.paths.operators as [OperatorPaths];
  succeeded(await asOperator(op1, ["import"]), "import");
}
