/** The script in the place of pg_rewind, with programs of ours in the place of PostgreSQL's. */

import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeBinFolder } from "./keep-aside.ts";

let dir: string;
const at = (...path: readonly string[]) => join(dir, ...path);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-aside's-"));
  for (const folder of ["real", "bin", "aside", "data", "data/base"]) mkdirSync(at(folder));
  writeFileSync(at("data/base/row"), "old");
  program("postgres", "exit 0");
  program(
    "pg_controldata",
    `echo "Latest checkpoint's TimeLineID:       4"; echo "Latest checkpoint location:           1A/5000028"`,
  );
  program("pg_rewind", `for one do echo "$one" >> "${at("rewound")}"; done; echo new > "${at("data/base/row")}"`);
  makeBinFolder(at("bin"), at("real"), at("aside"));
});
afterEach(() => rmSync(dir, { recursive: true }));

function program(name: string, text: string): void {
  writeFileSync(at("real", name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

function rewind(...args: readonly string[]): number | null {
  return spawnSync(at("bin/pg_rewind"), args, { stdio: "ignore" }).status;
}

const kept = () => readdirSync(at("aside"));

it("NOTHING-LOST: an old primary's folder is kept aside as it was, and then rewound with what Patroni said", () => {
  expect(rewind("-D", at("data"), "--source-server", "host=a b")).toBe(0);
  expect(kept()).toEqual(["timeline-4-at-1A-5000028"]);
  expect(readFileSync(at("aside", kept()[0] ?? "", "base/row"), "utf8")).toBe("old");
  expect(readFileSync(at("data/base/row"), "utf8")).toBe("new\n");
  expect(readFileSync(at("rewound"), "utf8")).toBe(`-D\n${at("data")}\n--source-server\nhost=a b\n`);
});

it("NOTHING-LOST: a second attempt leaves the copy of the first alone; what was cut short is copied anew", () => {
  mkdirSync(at("aside/.part"));
  writeFileSync(at("aside/.part/half"), "");
  for (let attempt = 0; attempt < 2; attempt++) expect(rewind("-D", at("data"))).toBe(0);
  expect(kept()).toEqual(["timeline-4-at-1A-5000028"]);
  expect(readdirSync(at("aside", kept()[0] ?? ""))).toEqual(["base"]);
  expect(readFileSync(at("aside", kept()[0] ?? "", "base/row"), "utf8")).toBe("old");
});

it.each([
  ["the folder cannot be copied", () => rmSync(at("aside"), { recursive: true })],
  ["nobody knows where it ended", () => program("pg_controldata", "exit 1")],
  ["its log of changes is elsewhere", () => symlinkSync(at("real"), at("data/pg_wal"))],
  [
    "it has a tablespace",
    () => {
      mkdirSync(at("data/pg_tblspc"));
      symlinkSync(at("real"), at("data/pg_tblspc/16385"));
    },
  ],
])("NOTHING-LOST: nothing is rewound where %s", (_, spoil) => {
  spoil();
  expect(rewind("-D", at("data"))).not.toBe(0);
  expect(readdirSync(dir)).not.toContain("rewound");
  expect(readFileSync(at("data/base/row"), "utf8")).toBe("old");
});

it("NOTHING-LOST: nothing is rewound where the folder is named in another way", () => {
  expect(rewind(`--target-pgdata=${at("data")}`)).not.toBe(0);
  expect(readdirSync(dir)).not.toContain("rewound");
});

it("NOTHING-LOST: asked for its help, as Patroni does to see whether it is there, it copies nothing", () => {
  expect(rewind("--help")).toBe(0);
  expect(kept()).toEqual([]);
  expect(readlinkSync(at("bin/postgres"))).toBe(at("real/postgres"));
});
