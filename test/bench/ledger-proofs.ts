/**
 * `proof-1m`: an entry's opening and its way up in a ledger of 1,000,000, for each of 1,000 random ones, in a process that has just opened the store: the time that
 * 99 of 100 take at most. Each is checked afterwards as a stranger would.
 */

import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeHost } from "../../host/crypto-host.ts";
import { openLedger } from "../../ledger/ledger-folder.ts";
import { openingAt, provenInclusion } from "../../ledger/log/proofs.ts";
import { treeHead } from "../../ledger/log/tree-head.ts";
import { openedEntry } from "../../manifests/log/entry.ts";
import { checkInclusion } from "../../manifests/log/tree-proof.ts";
import { leafHash } from "../../manifests/records/merkle.ts";
import { bulkLedger } from "./bulk-ledger.ts";
import type { BenchCase, Figure } from "./case.ts";
import { peakMiB } from "./process-memory.ts";

const entries = 1_000_000;
const proofs = 1000;

export const proofOfMillion: BenchCase = {
  name: "proof-1m",
  unit: "ms",
  target: { value: 5 },
  async setUp(folder) {
    const store = join(folder, "ledger");
    await bulkLedger(store, entries);
    return {
      limits: {},
      async measure() {
        const own = join(import.meta.dirname, "ledger-proofs.ts");
        return JSON.parse(execFileSync(process.execPath, [own, store], { encoding: "utf8" })) as Figure;
      },
      end: async () => undefined,
    };
  },
};

async function prove(folder: string): Promise<Figure> {
  const ledger = await openLedger(folder);
  try {
    const head = await ledger.db.reading(treeHead);
    if (head.size !== entries) throw new Error(`the store has ${head.size} entries`);
    const times: number[] = [];
    for (let at = 0; at < proofs; at++) {
      const index = randomInt(entries);
      const begun = performance.now();
      const { opening, path } = await ledger.db.reading(async (sql) => ({
        opening: await openingAt(sql, index),
        path: await provenInclusion(sql, index, head.size),
      }));
      times.push(performance.now() - begun);
      const leaf = await leafHash(nodeHost, await openedEntry(nodeHost, opening));
      await checkInclusion(nodeHost, { ...head, index, leafHash: leaf, path });
    }
    times.sort((a, b) => a - b);
    return { value: times[Math.ceil(proofs * 0.99) - 1] as number, rssMiB: peakMiB([process.pid]) };
  } finally {
    ledger.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(JSON.stringify(await prove(process.argv[2] as string)));
}
