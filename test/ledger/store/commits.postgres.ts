/** When a commit on PostgreSQL counts: a standby that is killed, waits that are given up, connections that break, servers that stop. */

import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Database, Sql } from "../../../ledger/store/database.ts";
import { createPostgres, openPostgres } from "../../../ledger/store/postgres.ts";
import { wasCommitted } from "../../../ledger/store/postgres-commit.ts";
import type { PostgresSettings } from "../../../ledger/store/postgres-settings.ts";
import { PostgresServer } from "../../drills/servers/postgres-server.ts";
import { serverPrograms } from "../../drills/servers/programs.ts";
import { Receiver, standbyName } from "./receiver.ts";

const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

let server: PostgresServer;
let receiver: Receiver;
let settings: PostgresSettings;
let made = 0;
beforeAll(async () => {
  const programs = await serverPrograms();
  server = await PostgresServer.start(programs);
  receiver = new Receiver(server, programs);
  receiver.start();
  await server.set("synchronous_standby_names", standbyName);
});
afterAll(async () => {
  await receiver?.stop();
  await server?.end();
});
beforeEach(async () => {
  settings = { ...server.settings, replicated: true, schema: `commits_${++made}` };
  await createPostgres(settings, async () => undefined);
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > end) throw new Error("it did not come to that");
    await setTimeout(20);
  }
}

const insert = (name: string) => (sql: Sql) => sql.insert("time_authorities", ["url"], [[name]]);
const names = (db: Database) =>
  db.reading(async (sql) => (await sql.all<{ url: string }>("SELECT url FROM time_authorities")).map(({ url }) => url));
const opened = async () => (await openPostgres(settings)).db;

/** The server processes that wait for the standby. */
const waiting = async () =>
  (await server.psql("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")).split("\n").filter(Boolean);

/** Starts `work` while the standby is away, and waits until its commit waits. */
async function waitingCommit<T>(
  work: () => Promise<T>,
): Promise<{ readonly pid: string; readonly result: Promise<T> }> {
  await receiver.stop();
  const result = work();
  result.catch(() => undefined);
  await until(async () => (await waiting()).length === 1);
  return { pid: (await waiting())[0] as string, result };
}

const settledYet = (promise: Promise<unknown>) =>
  Promise.race([
    promise.then(
      () => "done",
      (fault) => fault,
    ),
    setTimeout(300).then(() => "waits"),
  ]);

describe("a commit that the standby has not confirmed", () => {
  it.each([
    ["given up (a warning)", "pg_cancel_backend"],
    ["given up by the end of its connection", "pg_terminate_backend"],
  ])(
    "NOTHING-LOST: %s is unknown: found on the leader it counts after a later commit that is confirmed",
    async (_, give) => {
      const db = await opened();
      const { pid, result } = await waitingCommit(() => db.writing(insert("a")));
      await server.psql(`SELECT ${give}(${pid})`);
      // Everybody sees it, and it is no success yet: another commit waits in its place.
      await until(async () => (await waiting()).some((other) => other !== pid));
      expect(await names(db)).toEqual(["a"]);
      expect(await settledYet(result)).toBe("waits");
      const others = await opened();
      const seen = others.settled((sql) => sql.all("SELECT url FROM time_authorities"));
      expect(await settledYet(seen)).toBe("waits");
      receiver.start();
      await result;
      expect(await seen).toEqual([{ url: "a" }]);
      await db.writing(insert("b"));
      expect((await names(others)).toSorted()).toEqual(["a", "b"]);
      db.close();
      others.close();
    },
  );

  it("NOTHING-LOST: it is looked for again where what looked for it is unknown too", async () => {
    const db = await opened();
    const { pid, result } = await waitingCommit(() => db.writing(insert("a")));
    await server.psql(`SELECT pg_cancel_backend(${pid})`);
    for (let time = 0, before = pid; time < 2; time++) {
      await until(async () => (await waiting()).some((other) => other !== before));
      [before] = (await waiting()) as [string];
      await server.psql(`SELECT pg_cancel_backend(${before})`);
      expect(await settledYet(result)).toBe("waits");
    }
    receiver.start();
    await result;
    expect(await names(db)).toEqual(["a"]);
    db.close();
  });

  it("NOTHING-LOST: it is not told as stored where it is let go since no standby is waited for any more", async () => {
    const db = await opened();
    const others = await opened();
    const { result } = await waitingCommit(() => db.writing(insert("a")));
    const seen = others.settled((sql) => sql.all("SELECT url FROM time_authorities"));
    seen.catch(() => undefined);
    await until(async () => (await waiting()).length === 2);
    await server.set("synchronous_standby_names", "");
    // The server confirms both without a warning, and shows what no standby has.
    await until(async () => (await waiting()).length === 0);
    await until(async () => (await names(others)).length === 1);
    expect(await settledYet(result)).toBe("waits");
    await expect(seen).rejects.toEqual(refused("STORE", /nobody knows/));
    await server.set("synchronous_standby_names", standbyName);
    receiver.start();
    await result;
    expect(await names(others)).toEqual(["a"]);
    db.close();
    others.close();
  });

  it("NOTHING-LOST: the server stops in the middle of it, and has it when it is back", async () => {
    const db = await opened();
    const { result } = await waitingCommit(() => db.writing(insert("a")));
    await server.stop("SIGQUIT");
    await server.begin();
    receiver.start();
    await result;
    expect(await names(db)).toEqual(["a"]);
    db.close();
  });
});

describe("a transaction that is not committed", () => {
  it("STORE: its connection breaks before its commit: nothing of it is there, and the same again is done", async () => {
    receiver.start();
    const db = await opened();
    const broken = db.writing(async (sql) => {
      await insert("a")(sql);
      const [row] = await sql.all<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      await server.psql(`SELECT pg_terminate_backend(${row?.pid})`);
      await until(async () => (await server.psql(`SELECT 1 FROM pg_stat_activity WHERE pid = ${row?.pid}`)) === "");
    });
    await expect(broken).rejects.toEqual(refused("STORE", /nothing of it is stored/));
    expect(await names(db)).toEqual([]);
    await db.writing(insert("a"));
    expect(await names(db)).toEqual(["a"]);
    db.close();
  });

  it("STORE: it is told as not stored only after a later commit that is confirmed: a server that was deposed does not know", async () => {
    receiver.start();
    const db = await opened();
    await receiver.stop();
    const broken = db.writing(async (sql) => {
      await insert("a")(sql);
      const [row] = await sql.all<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      await server.psql(`SELECT pg_terminate_backend(${row?.pid})`);
    });
    broken.catch(() => undefined);
    await until(async () => (await waiting()).length === 1);
    expect(await settledYet(broken)).toBe("waits");
    receiver.start();
    await expect(broken).rejects.toEqual(refused("STORE", /nothing of it is stored/));
    db.close();
  });

  it("STORE: whether it was is not known as long as another holds the store, and then the time is over", async () => {
    receiver.start();
    const db = await opened();
    await db.writing(async () => {
      const begun = performance.now();
      const asked = wasCommitted(settings, { writer: "ab", number: 1 }, 1000);
      await expect(asked).rejects.toEqual(refused("STORE", /nobody knows/));
      expect(performance.now() - begun).toBeLessThan(20_000);
    });
    expect(await wasCommitted(settings, { writer: "ab", number: 1 }, 20_000)).toBe(false);
    db.close();
  });

  it("STORE: the server stops in the middle of it", async () => {
    const db = await opened();
    const broken = db.writing(async (sql) => {
      await insert("a")(sql);
      await server.stop("SIGQUIT");
      await server.begin();
      await insert("b")(sql);
    });
    await expect(broken).rejects.toEqual(refused("STORE", /broke/));
    expect(await names(db)).toEqual([]);
    await db.writing(insert("c"));
    await receiver.stop();
    receiver.start();
    db.close();
  });

  it("BUSY: another process holds the store, and readers go on", async () => {
    const [one, two] = [await opened(), await opened()];
    await one.writing(async (sql) => {
      await insert("a")(sql);
      await expect(two.writing(insert("b"))).rejects.toEqual(refused("BUSY", /holds/));
      expect(await names(two)).toEqual([]);
    });
    await two.writing(insert("b"));
    one.close();
    two.close();
  });
});

describe("CONFIG: servers that do not keep what they acknowledge", () => {
  const configured = async (name: string, value: string, then: () => Promise<void>) => {
    const before = await server.psql(`SHOW ${name}`);
    await server.set(name, value);
    try {
      await then();
    } finally {
      await server.set(name, before);
    }
  };

  it("no standby is waited for, when it connects and with each transaction", async () => {
    const db = await opened();
    await db.writing(insert("a"));
    await configured("synchronous_standby_names", "", async () => {
      await expect(opened()).rejects.toEqual(refused("CONFIG", /not replicated/));
      await until(async () => {
        const again = await db.writing(async () => "done").catch((fault) => fault.message);
        return /does not wait for a standby/.test(again);
      });
      const alone = await openPostgres({ ...settings, replicated: false });
      await alone.db.writing(insert("b"));
      alone.db.close();
    });
    await until(async () => (await db.writing(async () => "done")) === "done");
    db.close();
  });

  it("nothing is synced", () =>
    configured("fsync", "off", async () => {
      await expect(opened()).rejects.toEqual(refused("CONFIG", /keep what it acknowledges/));
    }));
});
