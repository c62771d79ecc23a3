/** `verify-p256`: the whole command `coldseal verify` over a batch of 10,000 seals with their documents, from its start to its end. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { projectRoot } from "../../demo/project-root.ts";
import { wholeBox } from "../e2e/whole-box.ts";
import { timeOf } from "./box-times.ts";
import type { BenchCase } from "./case.ts";
import { pinnedDocuments } from "./pinned-bytes.ts";
import { watchPeak } from "./process-memory.ts";
import { authorise } from "./sealing.ts";

const count = 10_000;

export const verifyMany: BenchCase = {
  name: "verify-p256",
  unit: "documents/s",
  target: { value: 5000 },
  async setUp() {
    const whole = await wholeBox({ profile: "ecdsa-p256-sha256" });
    await authorise(whole, await whole.bring("many", pinnedDocuments("many", count, 1024)));
    await timeOf(whole, "many", "released");
    await whole.box.stop();
    const { pki, genesis } = whole.paths;
    const args = ["verify", whole.outbox("many"), "--ca", pki.root, "--genesis", genesis];
    return {
      limits: {},
      async measure() {
        const begun = performance.now();
        const child = spawn(process.execPath, [join(projectRoot, "desk/main.ts"), ...args], { stdio: "ignore" });
        const peak = watchPeak(child.pid);
        const status = await new Promise((resolve) => child.once("close", resolve));
        const seconds = (performance.now() - begun) / 1000;
        if (status !== 0) throw new Error(`coldseal verify ended with ${status}`);
        return { value: count / seconds, rssMiB: peak() };
      },
      end: () => whole.end(),
    };
  },
};
