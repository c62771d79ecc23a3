/**
 * `seal-lt-p256-10k`: as `seal-p256-10k`, on a box that stamps each batch by a time key of its own and puts staged revocation data into
 * the bundle. Its limit is the same box without both.
 */

import { rmSync } from "node:fs";
import { keyAct } from "../../ceremony/rehearse/every-ceremony.ts";
import { endTokenProcesses } from "../../ceremony/tokens/token-process.ts";
import { beginDay } from "../e2e/rehearsed-day.ts";
import { stageRevocation } from "../e2e/staged-revocation.ts";
import { timeOf } from "./box-times.ts";
import type { BenchCase } from "./case.ts";
import { pinnedDocuments } from "./pinned-bytes.ts";
import { peakMiB } from "./process-memory.ts";

const count = 2000;
const bytes = 10 * 1024;

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
    await stageRevocation(stamped.rehearsal);
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
