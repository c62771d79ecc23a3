import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readControl } from "../../media/intake/control.ts";
import { limits } from "../../media/intake/limits.ts";
import { scan } from "../../media/intake/scan.ts";
import { Watch } from "../../media/intake/watch.ts";

let stick: string;
let inbox: string;
beforeEach(async () => {
  stick = await mkdtemp(join(tmpdir(), "coldseal-stick-"));
  inbox = join(stick, "coldseal/inbox");
});
afterEach(() => rm(stick, { recursive: true, force: true }));

const look = () => scan(stick, new Watch(60_000, () => undefined));

function batch(name: string, documents: Record<string, string>): void {
  mkdirSync(join(inbox, name, "documents"), { recursive: true });
  writeFileSync(join(inbox, name, "batch.p7m"), "p7m");
  for (const [file, text] of Object.entries(documents)) writeFileSync(join(inbox, name, "documents", file), text);
}

describe("scan", () => {
  it("MEDIA-READ: an empty stick, and one without inbox, holds nothing", async () => {
    const nothing = { batches: [], odd: [], oddCount: 0, control: [], controlCount: 0 };
    expect(await look()).toEqual(nothing);
    mkdirSync(inbox, { recursive: true });
    expect(await look()).toEqual(nothing);
  });

  it("SAME-BYTES: batches are told in order of their names, with files and bytes", async () => {
    batch("b", { one: "1", two: "22" });
    batch("a", {});
    expect((await look()).batches).toEqual([
      { folder: "a", fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/), files: 1, bytes: 3 },
      { folder: "b", fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/), files: 3, bytes: 6 },
    ]);
  });

  it.each<[string, () => void]>([
    ["a file that grows", () => appendFileSync(join(inbox, "b/documents/one"), "x")],
    ["a file that is touched", () => utimesSync(join(inbox, "b/documents/one"), 1, 1)],
    ["a new file", () => writeFileSync(join(inbox, "b/documents/three"), "")],
    ["a renamed file", () => renameSync(join(inbox, "b/documents/one"), join(inbox, "b/documents/1"))],
    [
      "a file that becomes a link",
      () => {
        renameSync(join(inbox, "b/documents/one"), join(stick, "one"));
        symlinkSync(join(stick, "one"), join(inbox, "b/documents/one"));
      },
    ],
  ])("T3: the fingerprint is the same until something changes: %s", async (_, change) => {
    batch("b", { one: "1", two: "22" });
    const [before] = (await look()).batches;
    expect((await look()).batches).toEqual([before]);
    change();
    expect((await look()).batches[0]?.fingerprint).not.toBe(before?.fingerprint);
  });

  it("T2: names that cannot be batches are odd, and escaped where people see them", async () => {
    batch("good", {});
    for (const name of ["Upper", "with space", "\u202egood", "x".repeat(65)]) mkdirSync(join(inbox, name));
    mkdirSync(Buffer.concat([Buffer.from(join(inbox, "bad")), Buffer.of(0xff)]));
    const seen = await look();
    expect(seen.batches.map(({ folder }) => folder)).toEqual(["good"]);
    expect(seen.oddCount).toBe(5);
    expect(seen.odd.every(({ refusal }) => refusal.code === "MEDIA-NAME")).toBe(true);
    expect(seen.odd.every(({ refusal }) => /^[\x20-\x7e]+$/.test(refusal.message))).toBe(true);
  });

  it("T1: what is no folder is odd; what desktops leave is nothing", async () => {
    mkdirSync(inbox, { recursive: true });
    writeFileSync(join(inbox, "file"), "");
    writeFileSync(join(inbox, ".DS_Store"), "");
    symlinkSync("/etc", join(inbox, "link"));
    execFileSync("mkfifo", [join(inbox, "pipe")]);
    const seen = await look();
    expect(seen.odd.map(({ name }) => name).sort()).toEqual(["file", "link", "pipe"]);
    expect(seen.odd.every(({ refusal }) => refusal.code === "MEDIA-KIND")).toBe(true);
  });

  it.each([["coldseal"], ["coldseal/inbox"], ["coldseal/control"]])("T1: a link for %s leads nowhere", async (path) => {
    const elsewhere = await mkdtemp(join(tmpdir(), "coldseal-elsewhere-"));
    mkdirSync(join(elsewhere, "inbox/secret"), { recursive: true });
    mkdirSync(join(elsewhere, "in"));
    if (path.includes("/")) mkdirSync(join(stick, "coldseal"));
    symlinkSync(elsewhere, join(stick, path));
    await expect(look()).rejects.toMatchObject({ code: "MEDIA-KIND" });
    await rm(elsewhere, { recursive: true });
  });

  it("T4: sparse files beyond every number are only counted", async () => {
    batch("b", { one: "", two: "" });
    truncateSync(join(inbox, "b/documents/one"), 2 ** 43);
    truncateSync(join(inbox, "b/documents/two"), 2 ** 43);
    expect((await look()).batches).toMatchObject([{ bytes: 2 ** 44 + 3 }]);
  });

  it("T4: folders a hundred deep are not entered", async () => {
    batch("b", {});
    mkdirSync(join(inbox, "b/documents", ...Array.from({ length: 100 }, () => "d")), { recursive: true });
    expect((await look()).batches).toMatchObject([{ files: 1 }]);
  });

  it("T4: MEDIA-LIMIT: an inbox of more entries than its cap", async () => {
    await inMemory();
    mkdirSync(inbox, { recursive: true });
    for (let n = 0; n <= limits.inboxEntries; n++) closeSync(openSync(join(inbox, `.ds_store${n}`), "w"));
    await expect(look()).rejects.toMatchObject({ code: "MEDIA-LIMIT" });
  }, 180_000);

  /** Moves the test's stick to memory where there is such a folder: so many files are made much faster there. */
  async function inMemory(): Promise<void> {
    if (!existsSync("/dev/shm")) return;
    await rm(stick, { recursive: true });
    stick = await mkdtemp("/dev/shm/coldseal-stick-");
    inbox = join(stick, "coldseal/inbox");
  }

  it("T4: MEDIA-TIME when looking takes too long", async () => {
    batch("b", {});
    await expect(scan(stick, new Watch(-1, () => undefined))).rejects.toMatchObject({ code: "MEDIA-TIME" });
  });
});

describe("control files", () => {
  const control = (name: string) => join(stick, "coldseal/control/in", name);
  beforeEach(() => mkdirSync(control(""), { recursive: true }));

  it("MEDIA-LIMIT: more than one scan reports are counted, and come when the first by name are taken away", async () => {
    const names = Array.from(
      { length: limits.controlReported + 2 },
      (_, at) => `ack-${String(at).padStart(6, "0")}.p7m`,
    );
    for (const name of names.toReversed()) writeFileSync(control(name), "");
    const first = await look();
    expect(first.controlCount).toBe(names.length);
    expect(first.control.map(({ name }) => name)).toEqual(names.slice(0, limits.controlReported));
    for (const { name } of first.control) rmSync(control(name));
    const rest = await look();
    expect(rest.control.map(({ name }) => name)).toEqual(names.slice(limits.controlReported));
    expect(rest.controlCount).toBe(2);
  });

  it("MEDIA-LIMIT: more control files than a folder may hold keep no batch waiting", async () => {
    batch("b", { one: "1" });
    for (let at = 0; at <= limits.inboxEntries; at++) closeSync(openSync(control(`${at}`), "w"));
    const { batches, control: some, controlCount } = await look();
    expect([batches.length, some.length, controlCount]).toEqual([1, limits.controlReported, limits.inboxEntries + 1]);
  });

  it("MEDIA-LIMIT: are listed with their sizes and read as a whole", async () => {
    writeFileSync(control("policy.p7m"), "P");
    writeFileSync(control("empty"), "");
    expect((await look()).control).toEqual([
      { name: "empty", size: 0 },
      { name: "policy.p7m", size: 1 },
    ]);
    expect(await readControl(stick, "policy.p7m")).toEqual(Uint8Array.of(0x50));
    expect(await readControl(stick, "empty")).toEqual(new Uint8Array(0));
  });

  it.each<[string, string, () => void]>([
    ["MEDIA-LIMIT", "large", () => writeFileSync(control("large"), new Uint8Array(limits.control + 1))],
    ["MEDIA-KIND", "link", () => symlinkSync("/etc/hostname", control("link"))],
    ["MEDIA-KIND", "pipe", () => execFileSync("mkfifo", [control("pipe")])],
    ["MEDIA-KIND", "folder", () => mkdirSync(control("folder"))],
    ["MEDIA-NAME", "../in/policy.p7m", () => undefined],
    ["MEDIA-READ", "nothing", () => undefined],
  ])("%s: %s", async (code, name, make) => {
    make();
    await expect(readControl(stick, name)).rejects.toMatchObject({ code });
  });
});
