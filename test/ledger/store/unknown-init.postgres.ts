/** A ledger whose making nobody knows the end of: it is found out, or the same again goes on from there. */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createLedger, openLedger } from "../../../ledger/ledger-folder.ts";
import type { PostgresSettings } from "../../../ledger/store/postgres-settings.ts";
import { PostgresServer } from "../../drills/servers/postgres-server.ts";
import { serverPrograms } from "../../drills/servers/programs.ts";
import { until } from "../../faults/waiting.ts";
import { origin } from "../a-ledger.ts";
import { Receiver, standbyName } from "./receiver.ts";
import { Way } from "./way.ts";

let dir: string;
let server: PostgresServer;
let receiver: Receiver;
let way: Way;
let settings: PostgresSettings;
let folder: string;
let made = 0;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-unknown-"));
  const programs = await serverPrograms();
  server = await PostgresServer.start(programs);
  receiver = new Receiver(server, programs);
  receiver.start();
  await server.set("synchronous_standby_names", standbyName);
  way = await Way.to(server);
});
afterAll(async () => {
  await way?.end();
  await receiver?.stop();
  await server?.end();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  await receiver.stop();
  const servers = [{ host: "127.0.0.1", port: way.port }];
  settings = { ...server.settings, replicated: true, schema: `unknown_${++made}`, servers };
  folder = join(dir, settings.schema);
});

const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });
const init = (name = origin) => createLedger(folder, name, undefined, settings);
const waiting = async () =>
  (await server.psql("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")).split("\n").filter(Boolean);
const locked = async () =>
  (await server.psql("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")) !== "";
const commitWaits = () => until("a commit waits", async () => (await waiting()).length === 1);

async function opened(): Promise<void> {
  const ledger = await openLedger(folder);
  expect(ledger.origin).toBe(origin);
  ledger.close();
}

it("NOTHING-LOST: its connection breaks while its commit waits, and nothing of it is seen: it is waited for, and found", async () => {
  const making = init();
  making.catch(() => undefined);
  await commitWaits();
  way.interrupt();
  await until("it is looked for", locked);
  expect(await Promise.race([making.catch((fault) => fault), setTimeout(300).then(() => "waits")])).toBe("waits");
  // Nobody else makes it meanwhile either.
  await expect(createLedger(join(dir, "other"), origin, undefined, settings)).rejects.toEqual(refused("BUSY", /holds/));
  receiver.start();
  await making;
  await opened();
});

it("STORE: what was made and not known to be is taken up by the same again, and by nothing else", async () => {
  receiver.start();
  await init();
  await opened();
  // Once it came to its end it is never taken up.
  await expect(init()).rejects.toEqual(refused("STORE", /something in the folder already/));
  // As it is left where nobody knew, or the process was killed.
  rmSync(join(folder, "postgres-schema"));
  await expect(init("ledger.example.org/others")).rejects.toEqual(refused("STORE", /another/));
  const elsewhere = { ...settings, database: "postgres" };
  await expect(createLedger(folder, origin, undefined, elsewhere)).rejects.toEqual(
    refused("STORE", /something in the/),
  );
  await init();
  expect(existsSync(join(folder, "postgres-schema"))).toBe(true);
  await opened();
});

it("STORE: what was begun and not made is made by the same again; one that is no empty log any more is not taken up", async () => {
  receiver.start();
  await init();
  rmSync(join(folder, "postgres-schema"));
  await server.psql(`DROP SCHEMA ${settings.schema} CASCADE`);
  await init();
  await opened();
  rmSync(join(folder, "postgres-schema"));
  await server.psql(`UPDATE ${settings.schema}.tree_head SET epoch = 1`);
  await expect(init()).rejects.toEqual(refused("STORE", /another log is already there/));
});
