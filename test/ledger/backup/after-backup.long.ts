/** A ledger that publishes nothing before a backup holds it, by its commands: what waits is said, killed anywhere nothing goes that no whole backup has, and a restored one waits for its own. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readBackedUp } from "../../../ledger/backup/backed-up.ts";
import { readBackupRecord } from "../../../ledger/backup/backup-record.ts";
import { openLedger } from "../../../ledger/ledger-folder.ts";
import { append } from "../../../ledger/log/append.ts";
import { takeOver, treeHead } from "../../../ledger/log/tree-head.ts";
import { readCheckpoint } from "../../../manifests/log/checkpoint.ts";
import { recordsFrom } from "../a-ledger.ts";
import { ledgerCommand, startLedger } from "../programs.ts";

let dir: string;
let folder: string;
const at = (name: string) => join(dir, name);

const run = (...args: readonly string[]) => ledgerCommand(args);
const publish = (ledger = folder) => ledgerCommand(["publish", ledger, "--passphrase-fd", "3"]);
const shown = () => (existsSync(at("p/checkpoint")) ? readCheckpoint(readFileSync(at("p/checkpoint"))).size : 0);

/** As an ingest would; how many there are then. */
async function grow(count: number): Promise<number> {
  const ledger = await openLedger(folder);
  try {
    const { size } = await ledger.db.reading(treeHead);
    const epoch = await takeOver(ledger.db);
    await ledger.db.writing((sql) => append(sql, epoch, recordsFrom(size, count)));
    return size + count;
  } finally {
    ledger.close();
  }
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-after-backup-"));
  folder = at("ledger");
  const words = ["--origin", "ledger.example.org/boxes", "--publish", at("p"), "--after-backup"];
  expect(await run("init", folder, ...words)).toMatchObject({
    status: 0,
    out: expect.stringMatching(/publishes nothing before a backup/),
  });
  expect(await run("keys", folder, "--organization", "Example", "--passphrase-fd", "3")).toMatchObject({ status: 0 });
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it("UNBACKED: publishing waits and says so, queue too; after a backup it goes on, and what came in since waits", async () => {
  await grow(5);
  expect(await publish()).toMatchObject({ status: 3, err: expect.stringMatching(/^UNBACKED: /m) });
  expect((await run("queue", folder)).out).toMatch(
    /^5 entries wait for a backup .* there is no backup yet: coldseal ledger backup/m,
  );
  expect(shown()).toBe(0);
  expect(await run("backup", folder, at("b1"))).toMatchObject({ status: 0 });
  expect((await run("queue", folder)).out).toMatch(
    /^all that is stored is backed up: the newest backup, of .*, holds 5$/m,
  );
  await grow(2);
  expect(await publish()).toMatchObject({
    status: 3,
    out: expect.stringMatching(/^5 entries under a signed/),
    err: expect.stringMatching(/^UNBACKED: /m),
  });
  expect(shown()).toBe(5);
  const { unbacked } = JSON.parse((await run("queue", folder, "--json")).out);
  expect(unbacked).toMatchObject({ entries: 2, newest: { size: 5, to: at("b1") } });
  expect(await run("backup", folder, at("b2"))).toMatchObject({ status: 0 });
  expect(await publish()).toMatchObject({ status: 0 });
  expect(shown()).toBe(7);
});

it("UNBACKED: killed at any moment, a backup counts only when it is whole; one that cannot be noted is whole, and does not count", async () => {
  let counted = 0;
  for (let round = 0; counted < 2; round++) {
    const size = await grow(1);
    const to = at(`killed-${round}`);
    const child = startLedger(["backup", folder, to]);
    const over = new Promise((resolve) => child.once("close", resolve));
    const point = [() => existsSync(join(to, "store.sqlite")), () => existsSync(join(to, "backup.json")), () => false][
      Math.min(round, 2)
    ];
    while (child.exitCode === null && child.signalCode === null) {
      if (point?.()) child.kill("SIGKILL");
      await Promise.race([over, setTimeout(1)]);
    }
    const noted = readBackedUp(folder);
    if (noted?.size === size) {
      expect(readBackupRecord(noted.to)).toMatchObject({ root: noted.root, size });
      counted++;
    }
    await publish();
    expect(shown()).toBe(noted?.size);
  }
  const size = await grow(1);
  rmSync(join(folder, "backed-up.json"));
  mkdirSync(join(folder, "backed-up.json"));
  const unnoted = await run("backup", folder, at("unnoted"));
  expect(unnoted).toMatchObject({
    status: 3,
    err: expect.stringMatching(/^STORE: .*\sis\s+whole, and not noted/s),
  });
  expect(readBackupRecord(at("unnoted"))).toMatchObject({ size });
  rmSync(join(folder, "backed-up.json"), { recursive: true });
  expect(await publish()).toMatchObject({ status: 3, err: expect.stringMatching(/^UNBACKED: /m) });
  writeFileSync(join(folder, "backed-up.json"), "{}");
  expect(await publish()).toMatchObject({ status: 2, err: expect.stringMatching(/^CONFIG: /) });
  rmSync(join(folder, "backed-up.json"));
});

it("UNBACKED: a restored ledger keeps the setting, and publishes nothing more before its own first backup", async () => {
  expect(await run("backup", folder, at("last"))).toMatchObject({ status: 0 });
  expect(await publish()).toMatchObject({ status: 0 });
  const published = shown();
  rmSync(folder, { recursive: true });
  expect(await run("restore", at("last"), folder, "--publish", at("p"), at("q"))).toMatchObject({ status: 0 });
  expect(existsSync(join(folder, "backed-up.json"))).toBe(false);
  for (const args of [
    ["forward", folder],
    ["forward", folder, at("p/checkpoint"), "--none-signed"],
  ]) {
    expect(await run(...args)).toMatchObject({ status: 2, err: expect.stringMatching(/^USAGE: one of two is said/) });
  }
  const none = await ledgerCommand(["forward", folder, "--none-signed"], { input: "Yes\n" });
  expect(none).toMatchObject({ err: expect.stringMatching(/LOG-HEAD: something was signed already/) });
  const yes = await ledgerCommand(["forward", folder, at("p/checkpoint")], { input: "Yes\n" });
  expect(yes).toMatchObject({ status: 0 });
  expect(await publish()).toMatchObject({ status: 3, err: expect.stringMatching(/^UNBACKED: /m) });
  expect(await run("backup", folder, at("anew"))).toMatchObject({ status: 0 });
  expect(await publish()).toMatchObject({ status: 0 });
  expect(readCheckpoint(readFileSync(at("q/checkpoint"))).size).toBe(published);
});
