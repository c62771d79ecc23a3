/** Before `npm run test:postgres`: the servers that the tests' ledgers stand on; after it they are gone. Without them it is a loud skip, in CI a failure. */

import { join } from "node:path";
import { database, PostgresServer, user } from "../../../ledger/drills/servers/postgres-server.ts";
import { type ServerPrograms, serverPrograms } from "../../../ledger/drills/servers/programs.ts";
import { type TestServers, variable } from "./engine.ts";

export async function setup(): Promise<() => Promise<void>> {
  const programs = await serverPrograms().catch((fault: Error) => missing(fault));
  const server = await PostgresServer.start(programs);
  process.env[variable] = JSON.stringify(wordsOf(server, programs));
  await server.psql(
    `CREATE SCHEMA words; CREATE FUNCTION words.zeroblob(bigint) RETURNS bytea LANGUAGE sql IMMUTABLE AS
      $$ SELECT decode(repeat('00', $1::int), 'hex') $$`,
  );
  return () => server.end();
}

/** On SQLite these tests would say nothing new. */
function missing(fault: Error): never {
  if (process.env.CI) throw fault;
  console.warn(`SKIPPED: no PostgreSQL here (Debian 12: apt-get install postgresql-15): ${fault.message}`);
  process.exit(0);
}

function wordsOf(server: PostgresServer, { env, postgresBin }: ServerPrograms): TestServers {
  return {
    settings: {
      database,
      replicated: false,
      schema: "unused",
      servers: [{ host: server.folder, port: server.port }],
      type: "ledger-postgres",
      user,
      version: 1,
    },
    psql: [join(postgresBin, "psql"), ...server.psqlWords()],
    env,
  };
}
