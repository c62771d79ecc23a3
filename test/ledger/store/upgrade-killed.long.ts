/** Bringing a store up, killed (SIGKILL) at each write and each sync of the store in turn: it is of the old version or of the new one, and holds what it held. */

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterAll, beforeAll, expect, it } from "vitest";
import { schemaVersion } from "../../../ledger/store/schema.ts";
import { openSqlite, upgradeSqlite } from "../../../ledger/store/sqlite.ts";
import { checkedVersion } from "../../../ledger/store/sqlite-version.ts";
import { projectRoot } from "../../structure/source-files.ts";
import { oldStore } from "../old-store.ts";

const program = join(projectRoot, "test/ledger/store/upgrading-process.ts");

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-upgrade-killed-"));
  oldStore(join(dir, "old.sqlite"));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** Runs it, killed at the `when`-th such call; whether it was. */
function killedAt(store: string, call: string, when: number): boolean {
  const inject = ["-f", "-qq", "-o", "/dev/null", "-P", store, "-P", `${store}-wal`];
  const args = [...inject, "-e", `trace=${call}`, "-e", `inject=${call}:signal=SIGKILL:when=${when}`];
  const ended = spawnSync("strace", [...args, process.execPath, program, store], { encoding: "utf8" });
  if (ended.error) throw ended.error;
  if (ended.signal !== "SIGKILL" && ended.status !== 137) expect([ended.status, ended.stderr]).toEqual([0, ""]);
  return ended.status !== 0;
}

function looked(store: string) {
  const db = new Sqlite(store, { readonly: true });
  try {
    const entries = db.prepare("SELECT idx, salt, record FROM entries ORDER BY idx").all();
    return { version: checkedVersion(db, store), entries, whole: db.pragma("quick_check", { simple: true }) };
  } finally {
    db.close();
  }
}

it.each(["pwrite64", "fsync"])(
  "STORE-VERSION: killed at each %s, the store is of one version or the other, and the same again brings it up",
  (call) => {
    const { entries } = looked(join(dir, "old.sqlite"));
    const versions: number[] = [];
    for (let when = 1; ; when++) {
      const store = join(dir, `${call}-${when}.sqlite`);
      cpSync(join(dir, "old.sqlite"), store);
      const killed = killedAt(store, call, when);
      const there = looked(store);
      expect(there).toMatchObject({ entries, whole: "ok" });
      versions.push(there.version);
      upgradeSqlite(store);
      openSqlite(store).close();
      expect(looked(store)).toMatchObject({ entries, version: schemaVersion, whole: "ok" });
      if (!killed) break;
    }
    expect(new Set(versions)).toEqual(new Set([1, schemaVersion]));
  },
  240_000,
);
