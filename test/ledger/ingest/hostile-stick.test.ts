/** Sticks that somebody made to hurt: nothing is followed, opened or read that is no plain file within bounds, and what is right beside it comes in. */

import { execFileSync } from "node:child_process";
import {
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bundleFolder } from "../../../host/bundle-folder.ts";
import { findOnStick } from "../../../ledger/ingest/on-stick.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, keeperOf, layBundle, type Stick } from "../../bundle/chain.ts";
import { inShort, type TestLedger, testLedger } from "./on-real-ledger.ts";

let bundles: readonly Bundle[];
let box: TestLedger;
beforeAll(async () => {
  bundles = await chainOf(2);
});
beforeEach(async () => {
  box = await testLedger();
  await box.enrol((bundles[0] as Bundle).genesis);
});
afterEach(() => box.end());

function laid(name = "stick"): string {
  const stick: Stick = new Map();
  for (const [at, bundle] of bundles.entries()) layBundle(stick, `coldseal/outbox/batch-${at + 1}`, bundle);
  return box.stick(stick, name);
}

const first = "coldseal/outbox/batch-1";

/** Below the folder of seals. */
function sealName(folder: string): string {
  return `0000/${readdirSync(join(folder, "0000"))[0]}`;
}

/** Below the record. */
function sealIn(stick: string): string {
  return `seals/${sealName(join(stick, first, "seals"))}`;
}

function put(folder: string, path: string, length = 1, count = 1): void {
  mkdirSync(folder, { recursive: true });
  for (let at = 0; at < count; at++) writeFileSync(join(folder, at === 0 ? path : `${path}-${at}`), "x".repeat(length));
}

/** What an ingest left: place and code. */
async function leftOn(stick: string) {
  const all = await box.ingest(stick);
  return all.flatMap(({ place, result }) => (result.kind === "left" ? [[place, result.refusal.code]] : []));
}

/** A manifest's entries are its own and one a line of its list. */
const recordsOf = (some: readonly Bundle[]) =>
  some.reduce((sum, { manifest }) => sum + 1 + manifest.documents.sealed, 0);

describe("a hostile stick", () => {
  const kinds: readonly (readonly [string, (path: string) => void])[] = [
    ["a link to another file", (path) => symlinkSync("/etc/passwd", path)],
    ["a link to the right file elsewhere", (path) => symlinkSync(`${path}.moved`, path)],
    ["a pipe", (path) => execFileSync("mkfifo", [path])],
    ["a folder", (path) => mkdirSync(path)],
    ["a file with two links", (path) => linkSync(`${path}.moved`, path)],
  ];
  for (const file of ["documents.jsonl", "policy/0001.p7m"]) {
    it.each(kinds)(`T1: %s in the place of ${file} is refused`, async (_, put) => {
      const stick = laid();
      const path = join(stick, first, file);
      renameSync(path, `${path}.moved`);
      put(path);
      // What was moved away has no place there either.
      if (!file.includes("/")) renameSync(`${path}.moved`, join(box.dir, "moved"));
      const [told] = await box.ingest(stick);
      expect(told?.result).toMatchObject({ kind: "refused", refusal: { code: "MEDIA-KIND" } });
      expect(readdirSync(join(box.folder, "copies"))).toEqual([]);
    });
  }

  it.each(kinds.filter(([what]) => what !== "a folder"))("T1: %s in the place of a seal is refused", async (_, put) => {
    const stick = laid();
    const path = join(stick, first, sealIn(stick));
    renameSync(path, `${path}.moved`);
    put(path);
    const [told] = await box.ingest(stick);
    expect(told?.result).toMatchObject({ kind: "refused", refusal: { code: "MEDIA-KIND" } });
    expect(readdirSync(join(box.folder, "copies"))).toEqual([]);
  });

  it.each([
    ["MEDIA-KIND", "a folder where a seal is", (folder: string) => mkdirSync(join(folder, "0000/000000-folder"))],
    ["MEDIA-LIMIT", "a seal of 64 KiB and a byte", (folder: string) => put(folder, "0000/000000-x", 65_537)],
    ["MEDIA-LIMIT", "a seal without end", (folder: string) => truncateSync(join(folder, sealName(folder)), 2 ** 40)],
    ["MEDIA-LIMIT", "more files than a thousand", (folder: string) => put(folder, "0000/000000-x", 0, 1000)],
    ["BUNDLE-FORM", "a file that is none of the list's", (folder: string) => put(folder, "0000/000000-x", 10)],
    ["BUNDLE-FORM", "a file beside the folders", (folder: string) => put(folder, "x", 10)],
    ["BUNDLE-FORM", "an empty file beside the folders", (folder: string) => put(folder, "x", 0)],
    ["BUNDLE-FORM", "an empty folder more", (folder: string) => mkdirSync(join(folder, "0001"))],
    ["BUNDLE-FORM", "no seals at all", (folder: string) => rmSync(folder, { recursive: true })],
  ] as const)("%s: among seals, %s is refused, and what is beside it comes in", async (code, _, change) => {
    const stick = laid();
    change(join(stick, first, "seals"));
    expect(inShort(await box.ingest(stick))).toEqual([`refused ${code}`, "waits 2"]);
    expect(readdirSync(join(box.folder, "copies"))).toEqual([]);
  });

  it("T1: a folder that is a link is not entered, and told: nothing is found behind it", async () => {
    const stick = laid("elsewhere");
    const other = join(box.dir, "links");
    mkdirSync(join(other, "coldseal"), { recursive: true });
    symlinkSync(join(stick, "coldseal/outbox"), join(other, "coldseal/outbox"));
    expect(await leftOn(other)).toEqual([["coldseal/outbox", "MEDIA-KIND"]]);
    expect(await box.records()).toEqual([]);
  });

  const leftHere: readonly (readonly [string, string, string, (path: string) => void])[] = [
    ["a record that is a link", "coldseal/audit/7", "MEDIA-KIND", (path) => symlinkSync("/etc", path)],
    ["a broken link", "coldseal/audit/7", "MEDIA-KIND", (path) => symlinkSync("nowhere", path)],
    ["a link beside transcripts", "coldseal/transcripts/old", "MEDIA-KIND", (path) => symlinkSync("/etc", path)],
    ["a pipe", "coldseal/outbox/batch-9", "MEDIA-KIND", (path) => execFileSync("mkfifo", [path])],
    [
      "a number of the keeper's without manifest.p7m",
      "coldseal/audit/7",
      "LEDGER-GAP",
      (path) => put(path, "authorization.p7m"),
    ],
    ["an answer without one", "coldseal/outbox/batch-9", "LEDGER-GAP", (path) => put(path, "batch.p7m")],
    ["an answer called like a kind", "coldseal/outbox/orders", "LEDGER-GAP", (path) => put(path, "batch.p7m")],
    ["a folder too far down", "1/2/3/4/5/6/7/8/audit", "MEDIA-LIMIT", (path) => put(`${path}/1`, "manifest.p7m")],
  ];
  it.each(leftHere)("LEDGER-GAP: %s is told, and what is beside it comes in", async (_, place, code, lay) => {
    const stick = laid();
    mkdirSync(dirname(join(stick, place)), { recursive: true });
    lay(join(stick, place));
    expect(await leftOn(stick)).toEqual([[place, code]]);
    expect(await box.records()).toHaveLength(recordsOf(bundles));
  });

  it("T4: a folder that holds more names than are listed is told, and what is beside it comes in", async () => {
    const stick = laid();
    const source = bundleFolder(stick, { mostNames: 10 });
    for (let at = 0; at < 11; at++) put(join(stick, "coldseal/audit"), `file-${at}`);
    const { left, manifests } = await findOnStick(source);
    source.close();
    expect(left.map(({ path, refusal }) => [path, refusal.code])).toEqual([["coldseal/audit", "BUNDLE-FORM"]]);
    expect(manifests).toEqual([first, "coldseal/outbox/batch-2"]);
  });

  it.each(["constructor", "__proto__", "toString"])("T2: a folder called %s is a folder like others", async (name) => {
    const stick = laid();
    put(join(stick, name), "note.txt");
    expect(inShort(await box.ingest(stick))).toEqual(["chained 1", "chained 2"]);
  });

  it("what lies where no record belongs is passed over: other files, empty folders, what is for the box", async () => {
    const stick = laid();
    for (const place of ["photos/2026", "coldseal/box/box-1", "coldseal/control/in", "coldseal/inbox/batch-9"])
      put(join(stick, place), "x");
    for (const place of ["coldseal/audit/7", "coldseal/outbox/batch-9"])
      mkdirSync(join(stick, place), { recursive: true });
    symlinkSync("/etc", join(stick, "coldseal/inbox/batch-9/link"));
    expect(inShort(await box.ingest(stick))).toEqual(["chained 1", "chained 2"]);
  });

  it("T4: a file without end is refused before it is read, and what is beside it comes in", async () => {
    const stick = laid();
    const list = join(stick, first, "documents.jsonl");
    truncateSync(list, 2 ** 40);
    const all = await box.ingest(stick);
    expect(inShort(all)).toEqual(["refused MEDIA-LIMIT", "waits 2"]);
  });

  it("T4: a manifest without end is not read", async () => {
    const stick = laid();
    truncateSync(join(stick, first, "manifest.p7m"), 2 ** 32);
    expect(inShort(await box.ingest(stick))).toEqual(["refused BUNDLE-FORM", "waits 2"]);
  });

  it("T4: more files than a bundle has are refused, not copied", async () => {
    const stick = laid();
    for (let at = 0; at < 40; at++) writeFileSync(join(stick, first, "certificates", `x-${at}.der`), "x");
    expect(inShort(await box.ingest(stick))).toEqual(["refused MEDIA-LIMIT", "waits 2"]);
  });

  it("T4: folders without end are looked into to a bound", async () => {
    const stick = laid();
    mkdirSync(join(stick, Array.from({ length: 30 }, () => "deep").join("/")), { recursive: true });
    expect(inShort(await box.ingest(stick))).toEqual(["chained 1", "chained 2", "place left"]);
  });

  it("T2: names that a terminal would take for a command are data, whatever folder they are", async () => {
    const stick = laid();
    renameSync(join(stick, first), join(stick, "coldseal/outbox/\u001b[2J\u202etxt"));
    writeFileSync(join(stick, "coldseal/outbox/\u0007bell"), "x");
    expect(inShort(await box.ingest(stick))).toEqual(["chained 1", "chained 2"]);
  });

  it("a batch that waits in the inbox, a plain envelope called manifest.p7m among it, is nobody's record", async () => {
    const stick = laid();
    mkdirSync(join(stick, "coldseal/inbox/plain"), { recursive: true });
    writeFileSync(join(stick, "coldseal/inbox/plain/manifest.p7m"), "no manifest");
    expect(inShort(await box.ingest(stick))).toEqual(["chained 1", "chained 2"]);
  });

  it("what is no record in the keeper's folders is passed over or refused, and hinders nothing", async () => {
    const stick = box.stick(keeperOf(bundles));
    writeFileSync(join(stick, "coldseal/audit/1/note.txt"), "the keeper's own");
    writeFileSync(join(stick, "coldseal/audit/policy/0002.p7m"), "no policy");
    mkdirSync(join(stick, "coldseal/audit/9"));
    writeFileSync(join(stick, "coldseal/audit/9/manifest.p7m"), "no manifest");
    const all = inShort(await box.ingest(stick));
    expect(all.filter((one) => one.startsWith("chained"))).toEqual(["chained 1", "chained 2"]);
    expect(all.filter((one) => one.includes("refused"))).toHaveLength(2);
  });

  it("STORE: where no private copy can be made the ingest ends, nothing is lost, and the same again goes on", async () => {
    const stick = laid();
    await box.ingest(stick);
    rmSync(join(box.folder, "copies"), { recursive: true });
    writeFileSync(join(box.folder, "copies"), "no folder");
    await expect(box.ingest(stick)).rejects.toMatchObject({ code: "STORE" });
    rmSync(join(box.folder, "copies"));
    expect(inShort(await box.ingest(stick))).toEqual(["known 1", "known 2"]);
  });
});
