/** Takes plain envelopes in a process of its own and says how much memory that needed at most: `STICK SPOOL FOLDER POLICY NOW`. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeHost } from "../../../host/crypto-host.ts";
import { ownOids } from "../../../manifests/encoding/oid.ts";
import { readPolicy } from "../../../manifests/records/policy.ts";
import { take } from "../../../media/intake/take.ts";
import { Watch } from "../../../media/intake/watch.ts";

const [root = "", spool = "", folder = "", policyFile = "", now = ""] = process.argv.slice(2);
const policy = readPolicy(readFileSync(policyFile));

async function taken(name: string) {
  const job = { root, folder: name, into: join(spool, name), policy, oids: ownOids(policy.arc), now, settleOver: true };
  const progress = { documents: 0, of: 0, bytes: 0, ofBytes: 0 };
  return take(nodeHost, job, new Watch(600_000, () => undefined), progress);
}

/** The most that this process ever held, in KiB. Not `ru_maxrss`, which begins with what the parent held. */
function highWater(): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
}

await taken("small");
const before = highWater();
const { outcome } = await taken(folder);
const after = highWater();
process.stdout.write(JSON.stringify({ outcome, grownKiB: after - before }));
