/** T21 with real processes: signer, daemon and intake, killed at system calls all over a batch's life on SoftHSM, started again, and asked for every promise. */

import { describe, expect, it } from "vitest";
import { DaemonSweep } from "./daemon-sweep.ts";
import { mustTrace, sample, seeded } from "./dying-process.ts";
import { SignerSweep } from "./signer-sweep.ts";

const all = process.env.CRASHES === "all";
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
const random = seeded(seed);
const only = process.env.CRASH_CALLS?.split(",");
console.info(all ? "every point" : `a sample of the points: CRASH_SEED=${seed}`);

type Sweep = Pick<SignerSweep, "measure" | "die" | "remove">;

/** Calls that change what is on the disk, or come between such. How many points the sample takes of each. */
const sweeps: readonly (readonly [string, () => Promise<Sweep>, Readonly<Record<string, number>>])[] = [
  ["signer", () => SignerSweep.make(), { fsync: 4, pwrite64: 3, unlink: 1 }],
  [
    "daemon",
    () => DaemonSweep.make("daemon"),
    { fsync: 2, rename: 2, mkdir: 1, unlink: 1, rmdir: 1, write: 1, openat: 1 },
  ],
  ["intake", () => DaemonSweep.make("intake"), { mkdir: 1, openat: 1, write: 1 }],
];

const points = sweeps.flatMap(([part, make, calls]) =>
  Object.entries(calls)
    .filter(([call]) => !only || only.includes(`${part}.${call}`))
    .map(([call, many]) => ({ part, call, many, make })),
);

describe.skipIf(!mustTrace)("a disk that fails", () => {
  it("T20: EIO on fsync of the store or of the token's files: nothing more is signed, and a signer started anew goes on", async () => {
    const sweep = await SignerSweep.make();
    try {
      const { all: calls } = await sweep.measure("fsync");
      const taken = sample(1, calls, all ? Number.POSITIVE_INFINITY : 4, random);
      for (const when of taken) {
        const { died, broken } = await sweep.die({ call: "fsync", when, error: "EIO" });
        expect([died, broken], `EIO at fsync number ${when}`).toEqual([true, []]);
      }
      console.info(`signer EIO on fsync: ${taken.length} points of ${calls}`);
    } finally {
      await sweep.remove();
    }
  });
});

describe.skipIf(!mustTrace)("kill -9 at system calls", () => {
  it.each(points)("T21: $part at $call", async ({ part, call, many, make }) => {
    const begun = performance.now();
    const sweep = await make();
    try {
      const { start, all: calls } = await sweep.measure(call);
      expect(calls).toBeGreaterThan(0);
      // Opening its own code is no effect: those calls are the start's.
      const first = call === "openat" ? start + 1 : 1;
      const taken = sample(first, calls, all ? Number.POSITIVE_INFINITY : many, random);
      let died = 0;
      for (const when of taken) {
        const point = await sweep.die({ call, when });
        expect(point.broken, `${part} killed at ${call} number ${when}`).toEqual([]);
        if (point.died) died++;
      }
      // A busy machine makes fewer calls of a kind than the run that was measured: then the first one surely comes.
      if (died === 0) {
        const point = await sweep.die({ call, when: first });
        expect(point.broken, `${part} killed at ${call} number ${first}`).toEqual([]);
        if (point.died) died++;
      }
      const seconds = Math.round((performance.now() - begun) / 1000);
      console.info(`${part} ${call}: ${taken.length} points of ${calls - first + 1}, died at ${died}, ${seconds} s`);
      expect(died).toBeGreaterThan(0);
    } finally {
      await sweep.remove();
    }
  });
});
