/** `coldseal ledger anchor`, `queue` and `evidence` as processes, with OpenSSL's time-stamp authority, up to `coldseal verify`; and a process that is killed. */

import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openLedger } from "../../../ledger/ledger-folder.ts";
import { utcOf } from "../../../manifests/encoding/shape.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, keeperOf, layBundle, type Stick } from "../../bundle/chain.ts";
import { root } from "../../bundle/people.ts";
import { pem } from "../../pki/authority.ts";
import { openTsa, type TestTsa } from "../../pki/openssl-tsa.ts";
import { makeTsa } from "../../pki/tsa.ts";
import { type FreeTsa, freeTsa } from "../../time/free-tsa.ts";
import { type TestLedger, testLedger } from "../ingest/on-real-ledger.ts";

let bundles: readonly Bundle[];
let tsa: TestTsa;
let free: FreeTsa;
let box: TestLedger;
beforeAll(async () => {
  bundles = await chainOf(3, (number) => ({ documents: { "a.pdf": `a ${number}`, "b.pdf": `b ${number}` } }));
  [tsa, free] = await Promise.all([openTsa(), freeTsa()]);
});
beforeEach(async () => {
  box = await testLedger();
  await box.enrol((bundles[0] as Bundle).genesis);
  writeFileSync(join(box.dir, "ca.crt"), pem(root.certificate));
});
afterEach(() => box.end());
afterAll(() => {
  tsa?.end();
  free?.end();
});

const coldseal = (...words: readonly string[]) =>
  new Promise<{ status: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, ["desk/main.ts", ...words], (fault, out, err) => {
      resolve({ status: fault ? Number(fault.code) : 0, out, err });
    });
  });
const inOneLine = (text: string) => text.replace(/\s+/g, " ");
const named = () => (bundles[0] as Bundle).manifest.appliance;

async function taken(...numbers: readonly number[]): Promise<void> {
  const stick: Stick = new Map();
  for (const number of numbers) layBundle(stick, `coldseal/outbox/batch-${number}`, bundles[number - 1] as Bundle);
  await box.ingest(stick);
}

/** Writes files below the test's folder. */
function put(name: string, files: ReadonlyMap<string, Uint8Array>): string {
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(box.dir, name, path)), { recursive: true });
    writeFileSync(join(box.dir, name, path), bytes);
  }
  return join(box.dir, name);
}

describe("coldseal ledger anchor, queue, evidence", () => {
  it("LEDGER-TIME: from ingest to a bundle, a box's stick and one seal, each of which verifies with its time", async () => {
    await taken(1, 2);
    expect(await coldseal("ledger", "queue", box.folder)).toMatchObject({
      status: 0,
      out: expect.stringContaining("2 manifests wait"),
    });
    const none = await coldseal("ledger", "anchor", box.folder);
    expect([none.status, none.err]).toEqual([2, expect.stringContaining("no time-stamp authority was set")]);
    const dead = "http://127.0.0.1:1/";
    const anchored = await coldseal("ledger", "anchor", box.folder, "--tsa", dead, tsa.url, "--tsa-ca", tsa.ca);
    expect([anchored.status, anchored.err]).toEqual([0, ""]);
    expect(anchored.out).toMatch(
      /127\.0\.0\.1:1\/ gave none: TSA-ANSWER[^\n]*\nround 1: 2 manifests with 4 seals existed by 20/,
    );
    const { out } = await coldseal("--json", "ledger", "queue", box.folder);
    expect(JSON.parse(out)).toMatchObject({
      alarm: false,
      waiting: { manifests: 0 },
      rounds: 1,
      authorities: [{ url: dead, reason: expect.any(String) }, { failing: null }],
    });
    expect((await coldseal("ledger", "anchor", box.folder)).out).toBe("nothing waits for evidence of time\n");

    const stick = join(box.dir, "control");
    mkdirSync(stick);
    expect((await coldseal("ledger", "evidence", box.folder, named(), "--stick", stick)).status).toBe(0);
    expect(readdirSync(join(stick, "coldseal/control/in"))).toEqual(["2.ers"]);
    const again = await coldseal("ledger", "evidence", box.folder, named(), "--stick", stick);
    expect([again.status, again.out]).toEqual([0, expect.stringContaining("There already")]);
    writeFileSync(join(stick, "coldseal/control/in/1.ers"), "another box's");
    const other = await coldseal("ledger", "evidence", box.folder, named(), "--stick", stick, "--number", "1");
    expect([other.status, other.err]).toEqual([1, expect.stringContaining("MEDIA-TAKEN")]);

    const documents = put("documents", (bundles[0] as Bundle).documents);
    const bundle = put("bundle", (bundles[0] as Bundle).files);
    for (const word of ["Written", "There already"]) {
      expect((await coldseal("ledger", "evidence", box.folder, "--bundle", bundle)).out).toContain(
        `${word}: ${join(bundle, "evidence/0001.ers")}`,
      );
    }
    const whole = await coldseal(
      "verify",
      bundle,
      "--ca",
      join(box.dir, "ca.crt"),
      "--tsa-ca",
      tsa.ca,
      "--documents",
      documents,
    );
    expect([whole.status, inOneLine(whole.out)]).toEqual([
      0,
      expect.stringMatching(/existed by 20.*evidence\/0001\.ers, the batch's/),
    ]);
    expect(await coldseal("ledger", "verify", box.folder)).toMatchObject({ status: 0 });
  });

  it("LEDGER-TIME: one seal comes with its line, the batch's record and no other document's name, and holds with its own time beside it", async () => {
    await taken(1);
    await coldseal("ledger", "anchor", box.folder, "--tsa", tsa.url, "--tsa-ca", tsa.ca);
    const documents = put("documents", (bundles[0] as Bundle).documents);
    const document = join(documents, "b.pdf");
    const to = join(box.dir, "handed");
    const given = await coldseal("--json", "ledger", "evidence", box.folder, "--document", document, "--to", to);
    expect(given.status).toBe(0);
    const files = JSON.parse(given.out).files as string[];
    expect(files.map((file) => file.slice(to.length + 1)).sort()).toEqual([
      "000002-b.pdf.ers",
      "authorization.p7m",
      "inclusion.json",
      "manifest.p7m",
      "policy/0001.p7m",
      "seals/0000/000002-b.pdf.p7s",
    ]);
    for (const file of files) expect(readFileSync(file, "latin1")).not.toContain("a.pdf");
    const [seal, record] = [join(to, "seals/0000/000002-b.pdf.p7s"), join(to, "000002-b.pdf.ers")];
    const words = ["--ca", join(box.dir, "ca.crt"), "--tsa-ca", tsa.ca, "--genesis", (bundles[0] as Bundle).genesis];
    const extended = join(box.dir, "extended");
    expect((await coldseal("extend", seal, "--to", extended, "--tsa", tsa.url, "--tsa-ca", tsa.ca)).status).toBe(0);
    writeFileSync(seal, readFileSync(join(extended, readdirSync(extended)[0] as string)));
    const held = JSON.parse((await coldseal("--json", "verify", seal, document, ...words, "--evidence", record)).out);
    expect(held).toMatchObject({
      ok: true,
      manifest: "lists it",
      quorum: "pinned to genesis",
      provenTime: expect.any(String),
    });
    expect(held.times.map(({ batch, discounted }: { batch?: true; discounted: null }) => [batch, discounted])).toEqual([
      [undefined, null],
      [true, null],
    ]);
    const told = inOneLine((await coldseal("verify", seal, document, ...words, "--evidence", record)).out);
    expect(told).toMatch(/\(signature-time-stamp 1\).*000002-b\.pdf\.ers, the batch's\)/);
    // Without the line nothing says what the record is over; another seal's line is over something else.
    const alone = join(box.dir, "alone.p7s");
    writeFileSync(alone, readFileSync(seal));
    const nothing = JSON.parse(
      (await coldseal("--json", "verify", alone, document, ...words, "--evidence", record)).out,
    );
    expect(nothing.findings).toMatchObject([
      { code: "TIME-IMPRINT", expected: expect.stringContaining("inclusion.json") },
    ]);
    const another = join(box.dir, "another");
    await coldseal("ledger", "evidence", box.folder, "--document", join(documents, "a.pdf"), "--to", another);
    const foreign = JSON.parse(
      (await coldseal("--json", "verify", seal, document, ...words, "--evidence", join(another, "000001-a.pdf.ers")))
        .out,
    );
    expect([foreign.ok, foreign.findings]).toMatchObject([false, [{ code: "TIME-IMPRINT" }]]);
  });

  it("LEDGER-GAP: a seal that is known by its digest only is said to be missing; what was never sealed, and what waits, is refused", async () => {
    await box.ingest(keeperOf(bundles.slice(0, 1)));
    const document = join(put("documents", (bundles[0] as Bundle).documents), "a.pdf");
    const to = join(box.dir, "handed");
    const words = ["ledger", "evidence", box.folder, "--to", to, "--document"];
    const early = await coldseal(...words, document);
    expect([early.status, early.err, existsSync(to)]).toEqual([3, expect.stringContaining("LEDGER-TIME"), false]);
    await coldseal("ledger", "anchor", box.folder, "--tsa", tsa.url, "--tsa-ca", tsa.ca);
    const given = await coldseal(...words, document);
    expect([given.status, given.out, existsSync(join(to, "seals"))]).toEqual([
      0,
      expect.stringContaining("THE SEAL IS MISSING"),
      false,
    ]);
    const never = await coldseal(...words, "00".repeat(32));
    expect([never.status, never.err]).toEqual([1, expect.stringContaining("LEDGER-GAP")]);
    const usage = await coldseal("ledger", "evidence", box.folder, "--to", to);
    expect([usage.status, usage.err]).toEqual([2, expect.stringContaining("USAGE")]);
  });

  it("TIME-ORDER: what ends soon alarms, is renewed by a token and by another hash, and verifies in a bundle as before", async () => {
    const notAfter = utcOf(Date.now() + 30 * 86_400_000);
    const short = await openTsa(makeTsa({ notAfter }));
    try {
      await taken(1);
      await coldseal("ledger", "anchor", box.folder, "--tsa", short.url, "--tsa-ca", short.ca);
      const due = await coldseal("ledger", "queue", box.folder);
      expect([due.status, due.out]).toEqual([
        1,
        expect.stringMatching(/ALARM: round 1 is to be renewed since .* a certificate ends/),
      ]);
      const renewed = await coldseal("ledger", "anchor", box.folder, "--renew", "--tsa", tsa.url);
      expect([renewed.status, renewed.out]).toEqual([0, expect.stringContaining("1 round renewed at 20")]);
      expect((await coldseal("ledger", "queue", box.folder)).status).toBe(0);
      const ends = await coldseal("ledger", "anchor", box.folder, "--renew", "--hash-ends", "sha256=2026-12-31");
      expect([ends.status, ends.err]).toEqual([2, expect.stringContaining("--hash NAME")]);
      const another = await coldseal("--json", "ledger", "anchor", box.folder, "--renew", "--hash", "sha512");
      expect(JSON.parse(another.out)).toMatchObject({ ended: [], renewed: [{ rounds: [1] }], rounds: [] });
      const bundle = put("bundle", (bundles[0] as Bundle).files);
      await coldseal("ledger", "evidence", box.folder, "--bundle", bundle);
      const words = ["--ca", join(box.dir, "ca.crt"), "--tsa-ca", tsa.ca];
      const held = JSON.parse((await coldseal("--json", "verify", bundle, ...words)).out);
      expect(held).toMatchObject({ ok: true, times: [{ batch: true, renewals: 2, discounted: null }] });
      expect(await coldseal("ledger", "verify", box.folder)).toMatchObject({ status: 0 });
    } finally {
      short.end();
    }
  });

  it.each([
    ["an address that is none", ["--tsa", "tsa.example"]],
    ["a password in an address", ["--tsa", "http://me:secret@127.0.0.1/"]],
    ["hours that are none", ["--alarm-hours", "soon"]],
    ["an end that is no date", ["--hash-ends", "sha256=2035"]],
    ["a hash that nobody knows", ["--renew", "--hash", "md5"]],
    ["a hash without a renewal", ["--hash", "sha512"]],
  ])("USAGE: %s", async (_what, words) => {
    const { err, status } = await coldseal("ledger", "anchor", box.folder, ...words);
    expect([status, err]).toEqual([2, expect.stringContaining("USAGE")]);
  });

  it("NOTHING-LOST: killed at any moment, what waits is anchored by the next run, once", async () => {
    await taken(1, 2, 3);
    const words = ["desk/main.ts", "ledger", "anchor", box.folder, "--tsa", free.url, "--tsa-ca", tsa.ca];
    let token: (() => void) | undefined;
    free.behaviour = (right) => {
      token?.();
      return right;
    };
    for (const delay of [0, 2, 5, 10, 20]) {
      const child = spawn(process.execPath, words, { stdio: "ignore" });
      const ended = new Promise<void>((done) => child.once("exit", () => done()));
      await Promise.race([ended, new Promise<void>((asked) => (token = () => setTimeout(asked, delay)))]);
      child.kill("SIGKILL");
      await ended;
    }
    const asked = free.asked;
    expect((await coldseal("ledger", "anchor", box.folder)).status).toBe(0);
    expect(asked).toBeGreaterThan(0);
    const ledger = await openLedger(box.folder);
    try {
      const rows = await ledger.db.reading((sql) =>
        sql.all<{ n: number }>("SELECT count(*) AS n FROM anchor_ways GROUP BY manifest"),
      );
      expect(rows.map(({ n }) => n)).toEqual([1, 1, 1]);
    } finally {
      ledger.close();
    }
    expect((await coldseal("ledger", "verify", box.folder)).status).toBe(0);
  });
});
