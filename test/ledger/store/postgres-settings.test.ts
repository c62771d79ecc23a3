import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readPasswordFile, readPostgresSettings } from "../../../ledger/store/postgres-settings.ts";
import { numbered } from "../../../ledger/store/postgres-sql.ts";
import { postgresStatements, schemaVersion } from "../../../ledger/store/schema.ts";

const refused = (message: RegExp) =>
  expect.objectContaining({ code: "CONFIG", message: expect.stringMatching(message) });

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-settings-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const whole = {
  database: "ledger",
  passwordFile: "secret",
  replicated: true,
  schema: "boxes",
  servers: [
    { host: "db1.example.org", port: 5432 },
    { host: "10.0.0.2", port: 5433 },
  ],
  tls: { ca: "tls/ca.pem", certificate: "/etc/me.pem", key: "me.key" },
  type: "ledger-postgres",
  user: "ledger",
  version: 1,
};
const read = (change: object) => {
  writeFileSync(join(dir, "s.json"), JSON.stringify({ ...whole, ...change }));
  return readPostgresSettings(join(dir, "s.json"));
};

const elsewhere = (host: string) => ({ servers: [{ host, port: 5432 }], tls: undefined });

describe("settings of the ledger's PostgreSQL", () => {
  it("paths count from the file's folder", () => {
    expect(read({})).toEqual({
      ...whole,
      passwordFile: join(dir, "secret"),
      tls: { ca: join(dir, "tls/ca.pem"), certificate: "/etc/me.pem", key: join(dir, "me.key") },
    });
    const local = { passwordFile: undefined, tls: undefined };
    for (const host of ["/run/postgresql", "127.0.0.1", "localhost", "::1"]) {
      expect(read({ ...local, servers: [{ host, port: 5432 }] }).servers[0]?.host).toBe(host);
    }
  });

  it.each([
    ["a network without TLS", { tls: undefined }, /TLS only/],
    ["a name that begins like loopback, without TLS", elsewhere("127.db.example.org"), /TLS only/],
    ["a name that begins like an address of loopback, without TLS", elsewhere("127.0.0.1.example.org"), /TLS only/],
    ["a certificate without its key", { tls: { ca: "ca", certificate: "c" } }, /goes with its key/],
    ["no server", { servers: [] }, /servers/],
    ["a schema that is no name", { schema: 'a"; DROP' }, /schema/],
    ["a password", { password: "secret" }, /password/],
    ["another file", { type: "ledger-places" }, /type/],
  ])("CONFIG: %s is refused", (_, change, message) => {
    expect(() => read(change)).toThrow(refused(message));
    expect(() => readPostgresSettings(join(dir, "none"))).toThrow(refused(/nothing there/));
  });

  it("SECRET: a password's file is one's own: no link, nobody else reads it, and it has one", () => {
    const file = join(dir, "secret");
    writeFileSync(file, "p\u00e4ss word\nmore", { mode: 0o600 });
    expect(readPasswordFile(file)).toBe("p\u00e4ss word");
    chmodSync(file, 0o640);
    expect(() => readPasswordFile(file)).toThrow(refused(/others may read it/));
    writeFileSync(join(dir, "empty"), "\n", { mode: 0o600 });
    expect(() => readPasswordFile(join(dir, "empty"))).toThrow(refused(/empty/));
    symlinkSync(file, join(dir, "link"));
    expect(() => readPasswordFile(join(dir, "link"))).toThrow(refused(/cannot be used/));
    expect(() => readPasswordFile(join(dir, "none"))).toThrow(refused(/nothing there/));
    writeFileSync(join(dir, "large"), "x".repeat(2000), { mode: 0o600 });
    expect(() => readPasswordFile(join(dir, "large"))).toThrow(refused(/1024/));
  });
});

describe("statements for PostgreSQL", () => {
  it("marks are numbered, and within quotes they are text", () => {
    expect(numbered(`SELECT '?', "a?", 'it''s ?' FROM t WHERE a = ? AND b IN (?, ?)`)).toBe(
      `SELECT '?', "a?", 'it''s ?' FROM t WHERE a = $1 AND b IN ($2, $3)`,
    );
  });

  it("every table has the triggers of its kind", () => {
    const of = (table: string) =>
      postgresStatements(0, schemaVersion).filter((statement) => statement.includes(` ${table}_kept`));
    expect(of("entries").join()).toMatch(/UPDATE OR DELETE OR TRUNCATE.*ENABLE ALWAYS/);
    expect(of("tree_head").join()).toMatch(/BEFORE DELETE OR TRUNCATE.*ENABLE ALWAYS/);
    expect(of("store_commits")).toEqual([]);
  });
});
