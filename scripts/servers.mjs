// Prints where PostgreSQL 15, Patroni and etcd are, as one line of JSON, and fetches them first where they are missing: `node scripts/servers.mjs`.
// Two runs at the same time wait for each other.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { runAlone } from "./setup/one-at-a-time.mjs";
import { cache } from "./setup/places.mjs";
import { ensureServers } from "./setup/servers.mjs";
import { SetupStopped } from "./setup/stop.mjs";

try {
  mkdirSync(cache, { recursive: true });
  await runAlone(join(cache, "servers.lock"), import.meta.filename, async () => {
    process.stdout.write(`${JSON.stringify(await ensureServers())}\n`);
  });
} catch (error) {
  if (!(error instanceof SetupStopped)) throw error;
  process.stderr.write(`set-up stopped: ${error.message}\n`);
  process.exitCode = 1;
}
