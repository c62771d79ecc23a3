/**
 * `ledger-primary`: the node that leads the ledger's PostgreSQL dies under load, all of it at once. Another takes over, nothing that a client was told is stored is
 * lost, and the dead node comes back as a replica, with its data folder of then kept aside.
 */

import { randomInt } from "node:crypto";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { linesOf, runCommand } from "../../demo/run-command.ts";
import { createLedger, openLedger } from "../../ledger/ledger-folder.ts";
import { readPostgresSettings } from "../../ledger/store/postgres-settings.ts";
import { Clients, lostOf } from "./cluster/clients.ts";
import type { ClusterNode } from "./cluster/node.ts";
import { Cluster, schema } from "./cluster/start-cluster.ts";
import type { Drill, DrillContext, DrillResult } from "./drill.ts";
import { serverPrograms } from "./servers/programs.ts";

/** Of entries, before the node is killed, and again on the new leader. */
const leastTold = 5000;
const mostRtoSeconds = 30;
/** ms */
const mostDelay = 5000;

export const ledgerPrimary: Drill = {
  name: "ledger-primary",
  about: "the leader of the ledger's PostgreSQL dies under load: another leads within 30 s, and nothing stored is lost",
  needs: ["setpriv", "unshare"],
  servers: true,
  simulates: ["three machines: three process namespaces of this one, one disk, loopback between them"],
  mostSeconds: 900,
  mostRtoSeconds,
  leastAcknowledged: leastTold,
  run,
};

async function run(context: DrillContext): Promise<DrillResult> {
  const { check, folder, measured, onEnd, say, signal } = context;
  const programs = await serverPrograms();
  // The servers' own user must get to their folders, which are below.
  chmodSync(folder, 0o711);
  const cluster = await Cluster.make({ folder: join(folder, "cluster"), programs, signal });
  onEnd(() => cluster.stop());
  await cluster.start();
  const old = await cluster.leader();
  say(`three nodes are in step; ${old.name} leads`);

  const ledgerFolder = join(folder, "ledger");
  await createLedger(
    ledgerFolder,
    "drill.invalid/ledger-primary",
    undefined,
    readPostgresSettings(cluster.settingsFile),
  );
  const ledger = await openLedger(ledgerFolder);
  onEnd(() => ledger.close());
  const clients = await Clients.start(ledger.db);
  onEnd(() => clients.abandon());
  await clients.until((told) => (told.length >= leastTold ? true : undefined), signal);
  // Anywhere in a batch, and in the rounds of Patroni.
  await setTimeout(randomInt(mostDelay), undefined, { signal });

  const killed = performance.now();
  await old.kill();
  say(`${old.name} is dead, after clients were told of ${clients.told.length} entries`);

  // Asked of the store after the node was gone: no answer of the old leader's that was still on its way.
  const gone = performance.now();
  const first = await clients.until((told) => told.find(({ asked }) => asked > gone), signal);
  const rtoSeconds = (first.told - killed) / 1000;
  const leader = await cluster.leader(old);
  say(`${leader.name} leads, and the first entry is stored there ${rtoSeconds.toFixed(1)} s after the kill`);
  const before = clients.told.length;
  await clients.until((told) => (told.length >= before + leastTold ? true : undefined), signal);

  signal.throwIfAborted();
  await old.start();
  await cluster.whole();
  await clients.stop();
  // Also what was told before, and noted only after.
  const acknowledged = clients.told.filter(({ told }) => told <= killed);
  const after = clients.told.filter(({ told }) => told > killed);
  say(`${old.name} is back and follows; ${after.length} more entries were stored meanwhile`);

  const missing = await lostOf(ledger.db, clients.told);
  const lost = missing.filter(({ told }) => told <= killed);
  const lostAfter = missing.filter(({ told }) => told > killed);
  const result = {
    rtoSeconds,
    acknowledged: acknowledged.length,
    lost: lost.length,
    details: {
      killed: old.name,
      leader: leader.name,
      storedAfter: after.length,
      keptAside: [...old.keptAside()],
      refusedMeanwhile: Object.fromEntries(clients.refused),
    },
  };
  measured(result);
  await checkReturned(cluster, old, context);
  check(lostAfter.length === 0, "what was stored after the kill is there", `${lostAfter.length} entries are not`);
  check(new Set(clients.told.map(({ index }) => index)).size === clients.told.length, "no place was given twice");
  await checkVerifies(ledgerFolder, context);
  return result;
}

/** The old leader is a replica now that has what the leader has; its data folder of then is kept. */
async function checkReturned(cluster: Cluster, old: ClusterNode, { check, signal }: DrillContext): Promise<void> {
  const roles = (await cluster.members())?.map(({ name, role }) => `${name} ${role}`) ?? [];
  check(!roles.includes(`${old.name} leader`), "the old leader follows", roles.join(", "));
  check(
    old.keptAside().length === 1,
    "its data folder was kept aside before it was rewound",
    old.keptAside().join(", "),
  );
  const count = async (node: ClusterNode) => (await cluster.sql(node, `SELECT count(*) FROM ${schema}.entries`))[0];
  const wanted = await count(await cluster.leader());
  while ((await count(old)) !== wanted) signal.throwIfAborted();
}

/** The command, as people run it. */
async function checkVerifies(ledgerFolder: string, { check, say }: DrillContext): Promise<void> {
  const { status, stderr, stdout } = await runCommand("desk/main.ts", ["ledger", "verify", ledgerFolder]);
  check(status === 0, "`coldseal ledger verify` finds nothing", stdout + stderr);
  say(linesOf(stdout).at(-1) ?? "");
}
