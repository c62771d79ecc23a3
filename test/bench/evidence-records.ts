/** `ers-100k`: an evidence record for each of 100,000 documents with their seals, over one token, in one process: hashing, tree and records. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { recordsOf } from "../../desk/anchor/one-document.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { writeEvidenceRecord } from "../../manifests/time/evidence-record.ts";
import { TreeBuilder } from "../../manifests/time/hash-tree.ts";
import { rawToken } from "../manifests/time/raw-token.ts";
import type { BenchCase } from "./case.ts";
import { type WarmJava, warmJava } from "./peers/warm-java.ts";
import { pinnedBytes } from "./pinned-bytes.ts";
import { timedRun } from "./process-memory.ts";

const count = 100_000;
/** what BouncyCastle is asked for: its time grows faster than the square of it */
const peerCount = 1000;
const documentBytes = 1024;
const sealBytes = 1500;

export const evidenceRecords: BenchCase = {
  name: "ers-100k",
  unit: "s",
  target: { value: 10 },
  async setUp(folder, missing) {
    let peer: WarmJava | undefined;
    try {
      peer = peerOver(folder);
    } catch (fault) {
      missing("bouncycastle-1k", (fault as Error).message);
    }
    return {
      limits: peer ? { "bouncycastle-1k": () => peer.ask("again") } : {},
      async measure() {
        const { seconds, rssMiB } = await timedRun(process.execPath, [
          join(import.meta.dirname, "evidence-records.ts"),
          "run",
        ]);
        return { value: seconds, rssMiB };
      },
      end: async () => peer?.end(),
    };
  },
};

/** BouncyCastle, in seconds, over the first documents and seals. */
function peerOver(folder: string): WarmJava {
  const bytes = join(folder, "stream");
  writeFileSync(bytes, pinnedBytes("ers", peerCount + documentBytes + sealBytes));
  return warmJava(folder, "ErsPeer", [bytes, `${peerCount}`, `${documentBytes}`, `${sealBytes}`]);
}

/** Documents and seals are made as they are hashed; the records are counted and let go. */
async function makeAll(): Promise<void> {
  const stream = pinnedBytes("ers", count + documentBytes + sealBytes);
  const builder = new TreeBuilder(nodeHost, "sha256");
  for (let at = 0; at < count; at++) {
    const [document, seal] = [stream.subarray(at, at + documentBytes), stream.subarray(at + 1, at + 1 + sealBytes)];
    await builder.add([await nodeHost.digest("sha256", document), await nodeHost.digest("sha256", seal)]);
  }
  const tree = await builder.tree();
  const token = await rawToken(tree.root, {});
  const record = await recordsOf(
    nodeHost,
    writeEvidenceRecord([[{ hash: "sha256", tree: tree.reduced(0), token }]]),
    tree,
    async () => [],
  );
  let bytes = 0;
  for (let at = 0; at < count; at++) bytes += record(at).length;
  if (bytes < count * token.length) throw new Error("records are missing");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await makeAll();
