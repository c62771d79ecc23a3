/** `intake-1g`: one document of 1 GiB from the stick into the spool, durable; `seal-1g`: the same from authorised to released. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type WholeBox, wholeBox } from "../e2e/whole-box.ts";
import { timeOf } from "./box-times.ts";
import type { BenchCase } from "./case.ts";
import { copyAndSync, opensslDigest } from "./limits.ts";
import { pinnedBytes } from "./pinned-bytes.ts";
import { peakMiB } from "./process-memory.ts";
import { authorise } from "./sealing.ts";

const mib = 1024;

export const intakeLarge: BenchCase = {
  name: "intake-1g",
  unit: "MiB/s",
  target: { ratios: { "cp-sync": 0.8 } },
  async setUp(folder) {
    const whole = await wholeBox();
    const batches = new Batches(whole);
    let run = 0;
    return {
      async measure() {
        const { name, rssMiB } = await batches.taken();
        const seconds = ((await timeOf(whole, name, "taken")) - (await timeOf(whole, name, "copying"))) / 1000;
        return { value: mib / seconds, rssMiB };
      },
      limits: {
        "cp-sync": async () => {
          const to = join(folder, `copy-${++run}`);
          mkdirSync(to);
          return copyAndSync(batches.document, to);
        },
      },
      end: () => whole.end(),
    };
  },
};

export const sealLarge: BenchCase = {
  name: "seal-1g",
  unit: "MiB/s",
  target: { ratios: { "openssl-dgst": 0.8 } },
  async setUp() {
    const whole = await wholeBox();
    const batches = new Batches(whole);
    return {
      async measure() {
        const { name, slip, rssMiB } = await batches.taken();
        await authorise(whole, slip);
        const seconds = ((await timeOf(whole, name, "released")) - (await timeOf(whole, name, "authorised"))) / 1000;
        const { signer, daemon } = whole.box.pids();
        return { value: mib / seconds, rssMiB: Math.max(rssMiB, peakMiB([signer, daemon])) };
      },
      limits: { "openssl-dgst": async () => opensslDigest(batches.document) },
      end: () => whole.end(),
    };
  },
};

/** Batches of one large document each, brought one after another. */
class Batches {
  readonly #whole: WholeBox;
  #count = 0;
  /** the last one's, on the stick */
  document = "";

  constructor(whole: WholeBox) {
    this.#whole = whole;
  }

  /** Brings one, and waits until it is in the spool; `rssMiB`: the most that intake or daemon held. */
  async taken() {
    const whole = this.#whole;
    const name = `large-${++this.#count}`;
    const slip = await whole.bring(name, { "large.bin": pinnedBytes(name, mib << 20) });
    this.document = join(whole.inbox(name), "documents/large.bin");
    let rssMiB = 0;
    for (let there = false; !there; await setTimeout(50)) {
      const { daemon, intake } = whole.box.pids();
      rssMiB = Math.max(rssMiB, peakMiB([daemon, ...intake]));
      there = (await whole.daemon.list(true)).some(
        (row) => row.folder === name && row.state === "waiting-for-approval",
      );
    }
    return { name, slip, rssMiB };
  }
}
