/** How a ledger gets to its servers: passwords, TLS, client certificates, and which of several it takes. */

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  createReadStream,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createPostgres, openPostgres } from "../../../ledger/store/postgres.ts";
import type { PostgresConnection } from "../../../ledger/store/postgres-connection.ts";
import { dumpPostgres, loadDump } from "../../../ledger/store/postgres-dump.ts";
import { connectToLeader, guarded, isDeposed } from "../../../ledger/store/postgres-leader.ts";
import type { PostgresSettings } from "../../../ledger/store/postgres-settings.ts";
import { runTool } from "../../../ledger/store/postgres-tools.ts";
import { emptyRoot } from "../../../manifests/log/tree-proof.ts";
import { freePorts } from "../../drills/cluster/ports.ts";
import { PostgresServer } from "../../drills/servers/postgres-server.ts";
import { serverPrograms } from "../../drills/servers/programs.ts";
import { Way } from "./way.ts";

const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

let dir: string;
let server: PostgresServer;
let port: number;
let over: (host: string, change?: Partial<PostgresSettings>) => PostgresSettings;

/** A root, and what it issued for `subject`: `NAME.crt`, `NAME.key`. */
function issue(name: string, subject: string, root: string, more: readonly string[] = []): void {
  const at = (file: string) => join(dir, file);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", at(`${name}.key`)];
  const by = name === root ? [] : ["-CA", at(`${root}.crt`), "-CAkey", at(`${root}.key`)];
  const words = ["req", "-x509", ...key, ...by, "-subj", subject, "-days", "2", "-out", at(`${name}.crt`), ...more];
  execFileSync("openssl", words, { stdio: "ignore" });
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-access-"));
  issue("root", "/CN=Example root", "root");
  issue("other", "/CN=Other root", "other");
  issue("server", "/CN=db", "root", ["-addext", "subjectAltName=IP:127.0.0.1,DNS:db.example.org"]);
  issue("ledger", "/CN=ledger", "root");
  issue("stranger", "/CN=ledger", "other");
  [port] = (await freePorts(1)) as [number];
  server = await PostgresServer.start(await serverPrograms(), {
    access: [
      "local all all trust",
      "hostnossl all all 127.0.0.1/32 scram-sha-256",
      "hostssl all by_certificate 127.0.0.1/32 cert map=by",
      "hostssl all all 127.0.0.1/32 scram-sha-256",
    ],
    settings: { port: `${port}` },
  });
  const { gid, uid } = statSync(server.folder);
  for (const name of ["server.crt", "server.key", "root.crt"]) {
    const to = join(server.folder, "data", name);
    writeFileSync(to, readFileSync(join(dir, name)));
    chmodSync(to, 0o600);
    chownSync(to, uid, gid);
  }
  writeFileSync(join(server.folder, "data/pg_ident.conf"), "by ledger by_certificate\n");
  for (const [name, value] of [
    ["ssl", "on"],
    ["ssl_ca_file", "root.crt"],
    ["listen_addresses", "127.0.0.1"],
  ]) {
    await server.psql(`ALTER SYSTEM SET ${name} = '${value}'`);
  }
  await server.psql("CREATE ROLE by_certificate LOGIN SUPERUSER; ALTER ROLE ledger PASSWORD 'right one'");
  await server.stop();
  await server.begin();
  over = (host, change = {}) => ({ ...server.settings, servers: [{ host, port }], ...change });
  writeFileSync(join(dir, "right"), "right one\n", { mode: 0o600 });
  writeFileSync(join(dir, "wrong"), "wrong one\n", { mode: 0o600 });
});
afterAll(async () => {
  await server?.end();
  rmSync(dir, { recursive: true, force: true });
});
afterEach(() => {
  delete process.env.PGPASSWORD;
});

const passwordFile = (name: string) => ({ passwordFile: join(dir, name) });
const tls = (ca: string, more: object = {}) => ({ tls: { ca: join(dir, `${ca}.crt`), ...more } });
const connected = async (settings: PostgresSettings) => {
  const connection = await connectToLeader(settings, 0);
  const { rows } = await connection.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
  connection.close();
  return rows[0];
};

describe("a password", () => {
  it("SECRET: is read from its file", async () => {
    expect(await connected(over("127.0.0.1", passwordFile("right")))).toEqual({ ssl: 0 });
  });

  it("CONFIG: is refused where it is wrong, or others may read it; none comes out of the environment", async () => {
    const refuses = (settings: PostgresSettings, message: RegExp) =>
      expect(connectToLeader(settings, 0)).rejects.toEqual(refused("CONFIG", message));
    await refuses(over("127.0.0.1", passwordFile("wrong")), /does not let it in/);
    await refuses(over("127.0.0.1", { ...passwordFile("right"), database: "another" }), /does not let it in/);
    process.env.PGPASSWORD = "right one";
    await refuses(over("127.0.0.1"), /asks for a password/);
    chmodSync(join(dir, "right"), 0o644);
    await refuses(over("127.0.0.1", passwordFile("right")), /others may read it/);
    chmodSync(join(dir, "right"), 0o600);
  });
});

describe("TLS", () => {
  it("the server's certificate is under the root, and has its name or address", async () => {
    expect(await connected(over("127.0.0.1", { ...passwordFile("right"), ...tls("root") }))).toEqual({ ssl: 1 });
  });

  it.each([
    ["under another root", "127.0.0.1", "other"],
    ["of another name", "localhost", "root"],
  ])("STORE: one %s is refused", async (_, host, ca) => {
    const open = connectToLeader(over(host, { ...passwordFile("right"), ...tls(ca) }), 0);
    await expect(open).rejects.toEqual(refused("STORE", /takes writes/));
  });

  it("the ledger shows a certificate, and no other's counts", async () => {
    const own = (name: string) => ({ certificate: join(dir, `${name}.crt`), key: join(dir, `${name}.key`) });
    const as = (name: string) => over("127.0.0.1", { user: "by_certificate", ...tls("root", own(name)) });
    expect(await connected(as("ledger"))).toEqual({ ssl: 1 });
    await expect(connectToLeader(as("stranger"), 0)).rejects.toEqual(refused("STORE", /takes writes/));
    await expect(connectToLeader(over("127.0.0.1", tls("none")), 0)).rejects.toEqual(refused("CONFIG", /TLS/));
  });
});

describe("pg_dump and pg_restore", () => {
  it("SECRET: go the same ways: by the password's file, by TLS under the pinned root, by a client's certificate", async () => {
    const own = { certificate: join(dir, "ledger.crt"), key: join(dir, "ledger.key") };
    const right = { ...passwordFile("right"), schema: "dumped" };
    const byPassword = over("127.0.0.1", right);
    await createPostgres(byPassword, (sql) =>
      sql.insert("tree_head", ["one", "origin", "size", "root", "epoch"], [[1, "a.example/log", 0, emptyRoot, 0]]),
    );
    const dump = (settings: PostgresSettings, name: string) => dumpPostgres(settings, join(dir, name), dir);
    const state = { origin: "a.example/log", size: 0, signed: 0 };
    const ways: readonly PostgresSettings[] = [
      byPassword,
      over("127.0.0.1", { ...right, ...tls("root") }),
      over("127.0.0.1", { schema: "dumped", user: "by_certificate", ...tls("root", own) }),
    ];
    for (const [at, way] of ways.entries()) expect((await dump(way, `${at}.dump`)).state).toMatchObject(state);
    const alone = (settings: PostgresSettings) =>
      runTool({ program: "pg_dump", args: [], settings, server: { host: "127.0.0.1", port }, own: dir });
    await expect(alone(over("127.0.0.1", tls("other", own)))).rejects.toMatchObject({
      got: expect.stringMatching(/certificate verify failed/),
    });
    await expect(alone(over("127.0.0.1", passwordFile("wrong")))).rejects.toMatchObject({
      got: expect.stringMatching(/password/),
    });
    await server.psql("DROP SCHEMA dumped CASCADE");
    for (const [at, way] of ways.entries()) {
      await loadDump(way, createReadStream(join(dir, `${at}.dump`)), dir);
      (await openPostgres(way)).db.close();
      await server.psql("DROP SCHEMA dumped CASCADE");
    }
  });
});

async function asStandby(other: PostgresServer): Promise<void> {
  await other.stop();
  writeFileSync(join(other.folder, "data/standby.signal"), "");
  await other.begin();
}

/** On timeline 2. */
async function promoted(): Promise<PostgresServer> {
  const other = await PostgresServer.start(await serverPrograms());
  await asStandby(other);
  await other.psql("SELECT pg_promote()");
  return other;
}

describe("several servers", () => {
  it("NOTHING-LOST: of two that take writes the later one leads, in any order; on it nothing is cut, on the other what takes long is", async () => {
    const later = await promoted();
    try {
      const first = { host: server.folder, port };
      const second = { host: later.folder, port: later.port };
      for (const servers of [
        [first, second],
        [second, first],
      ]) {
        const connection = await connectToLeader({ ...server.settings, servers }, 0);
        expect(connection.server).toEqual(second);
        connection.close();
      }
      const both = { ...server.settings, servers: [first, second] };
      const onLater = await connectToLeader(both, 0);
      const onFirst = await connectToLeader(server.settings, 0);
      const long = (connection: PostgresConnection) =>
        guarded(both, connection, async () => (await connection.query("SELECT pg_sleep(14)")).command);
      const [kept, cut] = await Promise.allSettled([long(onLater), long(onFirst)]);
      expect(kept).toEqual({ status: "fulfilled", value: "SELECT" });
      expect(cut.status).toBe("rejected");
      expect(await isDeposed(both, onLater)).toBe(false);
      onLater.close();
      onFirst.close();

      // What the deposed one lacks is not the leader's; what the leader lacks is, and the deposed one is not taken in its place.
      await server.set("fsync", "off");
      const connection = await connectToLeader(both, 0);
      expect(connection.server).toEqual(second);
      connection.close();
      await server.set("fsync", "on");
      await later.set("fsync", "off");
      await expect(connectToLeader(both, 0)).rejects.toEqual(refused("CONFIG", /keep what it acknowledges/));
    } finally {
      await later.end();
    }
  });

  it("NOTHING-LOST: a connection that was kept is not used where another server was promoted since", async () => {
    const later = await PostgresServer.start(await serverPrograms());
    try {
      await asStandby(later);
      const both = { ...server.settings, servers: [...server.settings.servers, ...later.settings.servers] };
      const connection = await connectToLeader(both, 0);
      connection.comparedAt -= 10_001;
      expect(await isDeposed(both, connection)).toBe(false);
      await later.psql("SELECT pg_promote()");
      connection.comparedAt -= 10_001;
      expect(await isDeposed(both, connection)).toBe(true);
      connection.close();
    } finally {
      await later.end();
    }
  });

  it("one that lets us in and then hangs holds nobody up", async () => {
    const way = await Way.to(server);
    try {
      way.hang();
      const hangs = { host: "127.0.0.1", port: way.port };
      const both = { ...server.settings, servers: [hangs, { host: server.folder, port }] };
      const connection = await connectToLeader({ ...both, ...passwordFile("right") }, 0);
      expect(connection.server).toEqual(both.servers[1]);
      connection.close();
    } finally {
      await way.end();
    }
  });

  it("the one that takes writes is taken; STORE: a standby alone, or none that answers, is not", async () => {
    const standby = await PostgresServer.start(await serverPrograms());
    try {
      await asStandby(standby);
      const second = { host: standby.folder, port: standby.port };
      const nobody = { host: join(dir, "nobody"), port: 1 };
      const first = { host: server.folder, port };
      const all = { ...server.settings, servers: [nobody, second, first] };
      const connection = await connectToLeader(all, 0);
      expect(connection.server).toEqual(first);
      connection.close();
      await expect(connectToLeader({ ...all, servers: [nobody, second] }, 0)).rejects.toEqual(
        expect.objectContaining({ code: "STORE", got: expect.stringMatching(/nothing there.*a standby/) }),
      );
    } finally {
      await standby.end();
    }
  });
});
