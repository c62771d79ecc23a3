/**
 * Before `npm run test:postgres`: the three nodes that the tests' ledgers stand on, one server with NODES=1; after it they are gone. Without them it is a loud skip, in
 * CI a failure.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPostgresSettings } from "../../../ledger/store/postgres-settings.ts";
import { startCluster } from "../../drills/cluster/start-cluster.ts";
import { clientsOnPath } from "../../drills/servers/clients.ts";
import { PostgresServer } from "../../drills/servers/postgres-server.ts";
import { type ServerPrograms, serverPrograms } from "../../drills/servers/programs.ts";
import { administer, type TestServers, variable } from "./engine.ts";

interface Started {
  readonly servers: TestServers;
  end(): Promise<void>;
}

export async function setup(): Promise<() => Promise<void>> {
  const programs = await serverPrograms().catch((fault: Error) => missing(fault));
  const dir = mkdtempSync(join(tmpdir(), "coldseal-pg-clients-"));
  clientsOnPath(join(dir, "bin"), programs);
  const { end: stop, servers } = await (process.env.NODES === "1" ? oneServer(programs) : threeNodes(programs));
  const end = async () => {
    await stop();
    rmSync(dir, { recursive: true, force: true });
  };
  process.env[variable] = JSON.stringify(servers);
  try {
    administer(
      `CREATE SCHEMA words; CREATE FUNCTION words.zeroblob(bigint) RETURNS bytea LANGUAGE sql IMMUTABLE AS
        $$ SELECT decode(repeat('00', $1::int), 'hex') $$`,
    );
  } catch (fault) {
    await end();
    throw fault;
  }
  return end;
}

/** On SQLite these tests would say nothing new. */
function missing(fault: Error): never {
  if (process.env.CI) throw fault;
  console.warn(`SKIPPED: no PostgreSQL here (Debian 12: apt-get install postgresql-15): ${fault.message}`);
  process.exit(0);
}

async function oneServer(programs: ServerPrograms): Promise<Started> {
  const server = await PostgresServer.start(programs);
  const psql = [join(programs.postgresBin, "psql"), ...server.psqlWords()] as const;
  return { servers: { settings: server.settings, psql, env: programs.env }, end: () => server.end() };
}

async function threeNodes(programs: ServerPrograms): Promise<Started> {
  const cluster = await startCluster(programs);
  const { command, env } = cluster.administrator();
  const settings = readPostgresSettings(cluster.settingsFile);
  return { servers: { settings, psql: command, env }, end: () => cluster.end() };
}
