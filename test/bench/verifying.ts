/** `verify-p256`: the whole command `coldseal verify` on one core over a batch of 20,000 seals with their documents, from its start to its end. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../demo/project-root.ts";
import { wholeBox } from "../e2e/whole-box.ts";
import { timeOf } from "./box-times.ts";
import type { BenchCase, Figure } from "./case.ts";
import { bouncyCastleVerifies, opensslVerifies, type SealAndDocument } from "./peers/verify-peers.ts";
import type { WarmJava } from "./peers/warm-java.ts";
import { pinnedDocuments } from "./pinned-bytes.ts";
import { timedRun } from "./process-memory.ts";
import { authorise } from "./sealing.ts";

const count = 20_000;
const batch = "many";

export const verifyMany: BenchCase = {
  name: "verify-p256",
  unit: "seals/s",
  target: { value: 5000 },
  async setUp(folder, missing) {
    const whole = await wholeBox({ profile: "ecdsa-p256-sha256" });
    await authorise(whole, await whole.bring(batch, pinnedDocuments(batch, count, 1024)));
    await timeOf(whole, batch, "released");
    await whole.box.stop();
    const { pki, genesis, stick } = whole.paths;
    const bundle = whole.outbox(batch);
    const pairs = pairsOf(bundle, join(stick, "coldseal/inbox", batch, "documents"));
    const args = [join(projectRoot, "bin/coldseal"), "verify", bundle, "--ca", pki.root, "--genesis", genesis];
    let java: WarmJava | undefined;
    try {
      java = bouncyCastleVerifies(folder, pairs);
    } catch (fault) {
      missing("bouncycastle", (fault as Error).message);
    }
    return {
      limits: {
        "all-cores": async () => (await rateOf(args)).value,
        "openssl-loop": async () => opensslVerifies(pairs, pki.root),
        ...(java ? { bouncycastle: () => java.ask("again") } : {}),
      },
      measure: () => rateOf(["taskset", "--cpu-list", firstCore(), ...args]),
      async end() {
        java?.end();
        await whole.end();
      },
    };
  },
};

async function rateOf([program = "", ...args]: readonly string[]): Promise<Figure> {
  const { seconds, rssMiB } = await timedRun(program, args);
  return { value: count / seconds, rssMiB };
}

function pairsOf(bundle: string, documents: string): readonly SealAndDocument[] {
  const lines = readFileSync(join(bundle, "documents.jsonl"), "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const { name, seal } = JSON.parse(line) as { name: string; seal: string };
    return [join(bundle, seal), join(documents, name)];
  });
}

/** One that this process may run on. */
function firstCore(): string {
  const allowed = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"));
  return allowed?.[1] ?? "0";
}
