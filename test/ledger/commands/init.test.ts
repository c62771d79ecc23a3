import { execFile } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLedger } from "../../../ledger/ledger-folder.ts";
import { placesOf } from "../../../ledger/publish/places.ts";
import { projectRoot } from "../../structure/source-files.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-ledger-init-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

const origin = "ledger.example.org/boxes";
const coldseal = (words: readonly string[], root = projectRoot) =>
  new Promise<{ status: number; out: string; err: string }>((done) => {
    execFile(process.execPath, [join(root, "desk/main.ts"), ...words], { cwd: dir }, (fault, out, err) =>
      done({ status: fault ? Number(fault.code) : 0, out, err }),
    );
  });

describe("coldseal ledger init", () => {
  it("makes a folder of one's own with an empty log", async () => {
    const made = await coldseal(["ledger", "init", "made", "--origin", origin, "--json"]);
    expect(made).toMatchObject({ status: 0, err: "" });
    const places = [join(dir, "made/published")];
    expect(JSON.parse(made.out)).toEqual({
      folder: "made",
      origin,
      places,
      size: 0,
      store: "sqlite",
      twoFileSystems: false,
    });
    expect(statSync(join(dir, "made")).mode & 0o777).toBe(0o700);
    const ledger = await openLedger(join(dir, "made"));
    try {
      expect(ledger.origin).toBe(origin);
    } finally {
      ledger.close();
    }
  });

  it("HONEST: makes the places where it publishes, and says where they are one file system", async () => {
    const made = await coldseal(["ledger", "init", "two", "--origin", origin, "--publish", "a", "b"]);
    expect(made).toMatchObject({ status: 0, out: expect.stringMatching(/NOT ON TWO FILE SYSTEMS/) });
    expect(readFileSync(join(dir, "b/origin"), "utf8")).toBe(`${origin}\n`);
    expect(placesOf({ folder: join(dir, "two"), origin }).map(({ name }) => name)).toEqual([
      join(dir, "a"),
      join(dir, "b"),
    ]);
    const taken = await coldseal(["ledger", "init", "three", "--origin", "another", "--publish", "a"]);
    expect([taken.status, taken.err.slice(0, 6)]).toEqual([3, "STORE:"]);
  });

  it.each([
    ["no file", undefined],
    ["no JSON", "places"],
    ["no place", '{"places": [], "type": "ledger-places", "version": 1}'],
    [
      "a member more",
      '{"places": [{"folder": "a", "appendOnly": false}], "type": "ledger-places", "version": 1, "x": 1}',
    ],
  ])("CONFIG: %s in places.json", async (_, text) => {
    const folder = mkdtempSync(join(dir, "places-"));
    if (text !== undefined) writeFileSync(join(folder, "places.json"), text);
    expect(() => placesOf({ folder, origin })).toThrow(expect.objectContaining({ code: "CONFIG" }));
  });

  it("STORE: never overwrites", async () => {
    const folder = join(dir, "taken");
    mkdirSync(folder);
    writeFileSync(join(folder, "something"), "");
    const again = await coldseal(["ledger", "init", folder, "--origin", origin]);
    expect(again.status).toBe(3);
    expect(again.err).toMatch(/^STORE: .*nothing was changed/s);
    expect(readdirSync(folder)).toEqual(["something"]);
    await expect(openLedger(folder)).rejects.toEqual(expect.objectContaining({ code: "STORE" }));
  });

  it("STORE, USAGE: a file is no folder, and one place is not two", async () => {
    writeFileSync(join(dir, "a-file"), "");
    const { status, err } = await coldseal(["ledger", "init", "a-file", "--origin", origin]);
    expect([status, err.slice(0, 6)]).toEqual([3, "STORE:"]);
    const twice = await coldseal(["ledger", "init", "twice", "--origin", origin, "--publish", "same", "./same"]);
    expect([twice.status, twice.err.slice(0, 6)]).toEqual([2, "USAGE:"]);
    expect(readdirSync(dir)).not.toContain("twice");
  });

  it("STORE: a place that cannot be used is refused before anything is made", async () => {
    mkdirSync(join(dir, "full"));
    writeFileSync(join(dir, "full/something"), "");
    writeFileSync(join(dir, "no-folder"), "");
    for (const place of ["full", "no-folder"]) {
      const { status, err } = await coldseal([
        "ledger",
        "init",
        "no/such",
        "--origin",
        origin,
        "--publish",
        "p1",
        place,
      ]);
      expect([status, err]).toEqual([3, expect.stringMatching(/^STORE: .*nothing was changed/s)]);
    }
    expect(readdirSync(dir).filter((name) => ["no", "p1"].includes(name))).toEqual([]);
  });

  it("STORE: a folder that takes no names is refused at once", async () => {
    const { status, err } = await coldseal(["ledger", "init", "/proc/none", "--origin", origin]);
    expect([status, err.slice(0, 6)]).toEqual([3, "STORE:"]);
  });

  it.each(["", "two words", "a+b", "a\nb", "x".repeat(256)])("USAGE: %j is no log's name", async (name) => {
    const { status, err } = await coldseal(["ledger", "init", "none", `--origin=${name}`]);
    expect([status, err.slice(0, 6)]).toEqual([2, "USAGE:"]);
    expect(readdirSync(dir)).not.toContain("none");
  });

  it.each([[["ledger"]], [["ledger", "nothing"]], [["ledger", "init"]]])("USAGE: %j", async (words) => {
    expect(await coldseal(words)).toMatchObject({ status: 2, out: "" });
  });

  it.each([[["ledger", "--help"]], [["help", "ledger"]]])("%j lists the commands", async (words) => {
    const { status, out } = await coldseal(words);
    expect([status, out]).toEqual([0, expect.stringContaining("init ")]);
  });

  it("USAGE: where the ledger is not, on a box, it says so, and its help does not offer it", async () => {
    const box = join(dir, "box");
    for (const folder of ["desk", "host", "manifests", "hardware"]) {
      cpSync(join(projectRoot, folder), join(box, folder), { recursive: true });
    }
    cpSync(join(projectRoot, "package.json"), join(box, "package.json"));
    cpSync(join(projectRoot, "package-lock.json"), join(box, "package-lock.json"));
    symlinkSync(join(projectRoot, "node_modules"), join(box, "node_modules"));
    const { status, err } = await coldseal(["ledger", "init", "x", "--origin", origin], box);
    expect([status, err]).toEqual([2, expect.stringMatching(/^USAGE: .*no ledger on this machine/)]);
    expect((await coldseal(["--help"], box)).out).not.toMatch(/ledger/);
    expect((await coldseal(["--help"])).out).toMatch(/^ {2}ledger /m);
  });
});
