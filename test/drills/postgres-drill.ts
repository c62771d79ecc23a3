/** Drill `backup-postgres`: a ledger on PostgreSQL is backed up under load, then its database and its folder are lost, and come back on another server out of the dump, the places, a witness and the sticks. */

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { openLedger } from "../../ledger/ledger-folder.ts";
import { readCheckpoint } from "../../manifests/log/checkpoint.ts";
import { freePorts } from "./cluster/ports.ts";
import { psql } from "./cluster/psql.ts";
import type { Drill, DrillContext } from "./drill.ts";
import { aWitness } from "./drill-witness.ts";
import { acknowledgedNumber } from "./gap-drills.ts";
import { killedWhen } from "./killed.ts";
import { clientsOnPath } from "./servers/clients.ts";
import { PostgresServer } from "./servers/postgres-server.ts";
import { type ServerPrograms, serverPrograms } from "./servers/programs.ts";
import { type Leaves, leavesOf, madeUp, makeSite, measuredEnd, type Site, saysYes, secondsSince } from "./site.ts";
import { batches } from "./store-drills.ts";

const schema = "boxes";
const role = "coldseal";
/** Numbers of the box: before the dump, while it is taken, and after it. */
const [before, meanwhile, after] = [3, 24, 2];
const all = before + meanwhile + after;

export const backupPostgresDrill: Drill = {
  name: "backup-postgres",
  about:
    "a ledger on PostgreSQL is backed up while an ingest is under way, then its server and its folder are lost: restored, it has every acknowledged entry, and signs one history",
  needs: [],
  servers: true,
  simulates: [
    ...madeUp,
    "one server of PostgreSQL, and another that takes its place",
    "a witness within the drill's own process",
  ],
  mostSeconds: 900,
  async run(context) {
    const { check, say } = context;
    const programs = await serverPrograms();
    context.onEnd(clientsOnPath(join(context.folder, "clients"), programs));
    const old = await aServer(context, programs, "old");
    const site = await makeSite(context, {
      init: ["--postgres", old.settingsFile, "--after-backup"],
      witnesses: async (log) => [await aWitness(context, log)],
    });
    const bundles = await batches(site, all, 40);
    await site.enrol(bundles[0]?.genesis ?? "");
    const [first, during, later] = await Promise.all([
      site.stick("first", bundles.slice(0, before)),
      site.stick("during", bundles.slice(before, before + meanwhile)),
      site.stick("later", bundles.slice(before + meanwhile)),
    ]);

    await site.run(["ingest", site.folder, first]);
    await site.run(["publish", site.folder], { signs: true, status: 3 });
    const early = site.at("early-backup");
    await site.run(["backup", site.folder, early]);
    check(
      (await acknowledgedNumber(site, first)) === before,
      "once they are backed up, the first numbers are acknowledged",
    );

    say("a backup is killed while it dumps; the next one is taken while an ingest is under way");
    const cut = site.at("cut-backup");
    const half = () => existsSync(join(cut, "store.dump"));
    check(await killedWhen(context, ["backup", site.folder, cut], half), "a backup was killed in the middle");
    const whole = site.at("backup");
    const inDump = await backedUpDuring(site, during, whole);
    await site.run(["ingest", site.folder, later]);
    const acknowledged = await acknowledgedNumber(site, first, 3);
    const stored = await leavesOf(site.folder);
    const safe = published(site, stored);
    check(safe.size === inDump, "what is acknowledged is what the dump has, and no more", `${safe.size} of ${inDump}`);
    const others = await recordsFrom(site.folder, inDump);
    check(others.length > 0, "more was stored after the dump, and acknowledged to nobody");

    say(`the server's disk and the ledger's folder are gone, with ${others.length} entries that no dump has`);
    const broke = performance.now();
    await old.server.stop("SIGQUIT");
    await old.server.end();
    await rm(site.folder, { recursive: true });
    const anew = await aServer(context, programs, "anew");
    const restore = (from: string, status: number) =>
      site.run(["restore", from, site.folder, "--postgres", anew.settingsFile], { status });
    await restore(cut, 4);
    await restore(early, 4);
    check(!existsSync(site.folder), "neither half a dump nor an old one restores anything");
    check(
      (await anew.administer(`SELECT 1 FROM pg_namespace WHERE nspname = '${schema}'`)).length === 0,
      "nor loads it",
    );
    await restore(whole, 0);
    for (const stick of [during, later]) await site.run(["ingest", site.folder, stick]);
    await site.run(["backup", site.folder, site.at("new-backup")]);
    await site.run(["publish", site.folder], { signs: true, status: 3 });
    say("restored, the signer stands still; a person shows it the newest checkpoint");
    await site.run(["forward", site.folder, join(site.places[0], "checkpoint")], { answer: saysYes });
    check((await acknowledgedNumber(site, later)) === all, "all numbers are acknowledged");
    const rtoSeconds = secondsSince(broke);

    const back = new Set(await recordsFrom(site.folder, 0));
    const gone = others.filter((record) => !back.has(record)).length;
    const details = {
      acknowledgedNumber: acknowledged,
      storedAfterBackup: others.length,
      ofTheseNotBroughtBack: gone,
      backedUpWhileIngesting: inDump < stored.size - after * 41,
    };
    const result = await measuredEnd(context, site, { before: safe, details, rtoSeconds });
    check(gone === 0, "what was stored after the dump was brought back by the sticks", `${gone} entries are not`);
    return result;
  },
};

interface DrillServer {
  readonly server: PostgresServer;
  /** as `init` and `restore` are told */
  readonly settingsFile: string;
  administer(sql: string): Promise<readonly string[]>;
}

/** With an empty database of the ledger's own user, who has a password, comes over loopback and is no administrator. */
async function aServer(context: DrillContext, programs: ServerPrograms, name: string): Promise<DrillServer> {
  const [port] = (await freePorts(1)) as [number];
  const server = await PostgresServer.start(programs, {
    access: ["local all all trust", "host all all 127.0.0.1/32 scram-sha-256"],
    settings: { listen_addresses: "127.0.0.1", port: `${port}` },
  });
  context.onEnd(() => server.end());
  const folder = join(context.folder, name);
  mkdirSync(folder, { mode: 0o700 });
  const password = randomBytes(24).toString("base64url");
  writeFileSync(join(folder, "password"), `${password}\n`, { mode: 0o600 });
  const settings = { database: role, passwordFile: "password", replicated: false, schema, user: role };
  const file = { ...settings, servers: [{ host: "127.0.0.1", port }], type: "ledger-postgres", version: 1 };
  writeFileSync(join(folder, "postgres.json"), JSON.stringify(file));
  const as = (on: string) => ({
    command: [join(programs.postgresBin, "psql"), ...server.psqlWords(on)] as const,
    env: programs.env,
  });
  await psql(
    as("postgres"),
    `CREATE ROLE ${role} LOGIN PASSWORD '${password}'; CREATE DATABASE ${role} OWNER ${role};`,
  );
  return { server, settingsFile: join(folder, "postgres.json"), administer: (sql) => psql(as(role), sql) };
}

/** Ingests a stick, and takes a backup as soon as something of it is in the log; how many entries that holds. */
async function backedUpDuring(site: Site, stick: string, to: string): Promise<number> {
  let backup: Promise<{ readonly size: number }> | undefined;
  const onText = (text: string) => {
    if (text.includes("in the log")) backup ??= site.answer(["backup", site.folder, to]);
  };
  await site.run(["ingest", site.folder, stick], { onText });
  return (await (backup ?? site.answer<{ size: number }>(["backup", site.folder, to]))).size;
}

/** What stands under the checkpoint that is published. */
function published({ places }: Site, leaves: Leaves): Leaves {
  const { size } = readCheckpoint(new Uint8Array(readFileSync(join(places[0], "checkpoint"))));
  return new Map([...leaves].filter(([index]) => index < size));
}

/** The records of the entries from an index on: a salt is drawn anew where one is brought again. */
async function recordsFrom(folder: string, index: number): Promise<readonly string[]> {
  const ledger = await openLedger(folder);
  try {
    const rows = await ledger.db.reading((sql) =>
      sql.all<{ record: string }>("SELECT record FROM entries WHERE idx >= ? ORDER BY idx", index),
    );
    return rows.map(({ record }) => record);
  } finally {
    ledger.close();
  }
}
