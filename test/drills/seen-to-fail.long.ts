/** Each drill, with something broken on purpose that its check must find: a drill that cannot fail shows nothing. And one as people run it, with its record. */

import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tamper } from "../ledger/tampering.ts";
import { projectRoot } from "../structure/source-files.ts";
import { drillsNamed } from "./drills.ts";
import { runDrill } from "./run-drill.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-drills-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Runs it, and breaks something when it says a line. */
async function sabotaged(name: string, when: RegExp, harm: (folder: string) => void) {
  const [drill] = drillsNamed([name]);
  if (!drill) throw new Error("no drill");
  const keep = join(dir, "kept");
  let harmed = false;
  const outcome = await runDrill(drill, {
    keep,
    say: (line) => {
      if (!when.test(line)) return;
      harmed = true;
      harm(keep);
    },
  });
  expect([harmed, harmed ? null : outcome.failure]).toEqual([true, null]);
  return outcome;
}

const forget = (ledger: string) => (folder: string) =>
  tamper({ folder: join(folder, ledger) }, "UPDATE entries SET salt = randomblob(32) WHERE idx = 1");

describe("a drill", () => {
  it.each([
    ["backup", /the signer stands still/, forget("site-a/ledger"), /ledger/],
    ["site-disks", /the signer stands still/, forget("site-c/ledger"), /ledger/],
    ["tsa", /the three come back/, forget("site-a/ledger"), /coldseal ledger verify/],
    ["gap", /one officer signed/, forget("site-a/ledger"), /ledger/],
    [
      "stick",
      /keeper's stick is brought/,
      (folder: string) => rmSync(join(folder, "sticks/keeper/coldseal/audit/3"), { recursive: true }),
      /nothing is missing|coldseal ledger/,
    ],
    [
      "fork",
      /anna and ben look/,
      (folder: string) => {
        for (const kind of ["key", "pem"]) copyFileSync(join(folder, `anna.${kind}`), join(folder, `ben.${kind}`));
      },
      /coldseal ledger decide/,
    ],
  ] as const)("DRILL: %s fails where what it is about does not hold", async (name, when, harm, what) => {
    const outcome = await sabotaged(name, when, harm);
    expect(outcome).toMatchObject({ name, passed: false, failure: { code: "DRILL" } });
    expect(JSON.stringify(outcome.failure)).toMatch(what);
  });

  it("DRILL: is one command, with a record that OpenSSL verifies; a name that none has is refused", () => {
    const drill = (...args: readonly string[]) =>
      spawnSync(process.execPath, [join(projectRoot, "test/drills/main.ts"), ...args], { encoding: "utf8" });
    const file = join(dir, "stick.json");
    const ran = drill("stick", "--json", file, "--key", join(dir, "key"));
    expect([ran.status, ran.stderr]).toEqual([0, ""]);
    const record = JSON.parse(readFileSync(file, "utf8"));
    expect(record).toMatchObject({ name: "stick", passed: true, lost: 0, acknowledged: 4, failure: null });
    expect(record.rtoSeconds).toBeGreaterThan(0);
    const how = "cms -verify -binary -inform DER -no-CApath -no-CAstore -purpose any -out -".split(" ");
    const said = execFileSync("openssl", [...how, "-in", `${file}.p7m`, "-CAfile", `${file}.crt`], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    expect(said).toEqual(readFileSync(file));
    const none = drill("sticks", "--json", join(dir, "none.json"));
    expect([none.status, none.stderr.slice(0, 6)]).toEqual([2, "USAGE:"]);
    expect(drill("list").stdout.split("\n").length).toBeGreaterThan(6);
    expect(drill("stick", "--servers").status).toBe(2);
  });
});
