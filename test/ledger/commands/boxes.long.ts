/** The ledger's commands about boxes, as processes: what they print, in words and as JSON, and how they end. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../../host/crypto-host.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import type { Bundle } from "../../bundle/build.ts";
import { bundleAt, chainOf, digestOf, other, outboxOf } from "../../bundle/chain.ts";
import { root } from "../../bundle/people.ts";
import { issue } from "../../pki/authority.ts";
import { projectRoot } from "../../structure/source-files.ts";
import { initWords } from "../store/engine.ts";

let dir: string;
let bundles: readonly Bundle[];
let genesis: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-ledger-boxes-"));
  const documents = { "contract.pdf": "%PDF-1.7 one", "Übersicht.pdf": "two" };
  bundles = await chainOf(3, (number) => (number === 1 ? { documents } : {}));
  genesis = (bundles[0] as Bundle).genesis;
  writeFileSync(join(dir, "root.crt"), root.certificate);
  for (const name of ["k1", "k2"]) writeFileSync(join(dir, `${name}.crt`), issue(root, { name }).certificate);
  writeFileSync(join(dir, "one.pdf"), "%PDF-1.7 one");
  writeFileSync(join(dir, "none.pdf"), "nobody sealed this");
  lay("first", [bundles[0] as Bundle]);
  lay("third", [bundles[2] as Bundle]);
  lay("second", [bundles[1] as Bundle]);
  lay("fork", [await bundleAt({ number: 2, previous: digestOf(bundles[0] as Bundle) }, { manifest: other })]);
  await coldseal("init", "ledger", "--origin", "ledger.example.org/boxes", ...initWords(dir));
});
afterAll(() => rmSync(dir, { recursive: true }));

function lay(name: string, some: readonly Bundle[]): void {
  const stick = outboxOf(some);
  for (const [path, bytes] of stick) {
    mkdirSync(dirname(join(dir, name, path)), { recursive: true });
    writeFileSync(join(dir, name, path), bytes);
  }
}

function coldseal(
  ...words: readonly string[]
): Promise<{ readonly status: number; readonly out: string; readonly err: string }> {
  return new Promise((done) => {
    execFile(
      process.execPath,
      [join(projectRoot, "desk/main.ts"), "ledger", ...words],
      { cwd: dir },
      (fault, out, err) => done({ status: fault ? Number(fault.code) : 0, out, err }),
    );
  });
}

const enrol = (...more: readonly string[]) =>
  coldseal("enrol", "ledger", "--ca", "root.crt", "--genesis", genesis, ...more);

// One after another: each goes on where the one before ended.
describe("the ledger's commands about boxes", () => {
  it("LEDGER-BOX: before a box is enrolled nothing of it comes in", async () => {
    const { err, out, status } = await coldseal("ingest", "ledger", "first");
    expect([status, out.trim().split("\n").at(-1)]).toEqual([1, "nothing changed; known before: 0; refused: 1"]);
    expect(err).toMatch(/^LEDGER-BOX: 1 record was refused.*everything else was taken/s);
  });

  it("LEDGER-BOX: enrol pins a box; the same again changes nothing, anything else is refused", async () => {
    const keepers = ["--keeper", "k1.crt", "k2.crt"];
    expect(await enrol(...keepers)).toMatchObject({ status: 0, out: expect.stringContaining("enrolled") });
    const again = await enrol(...keepers, "--json");
    expect(JSON.parse(again.out)).toMatchObject({ genesis, fresh: false });
    expect((await enrol()).err).toMatch(/^LEDGER-BOX:/);
    expect(await enrol(...keepers, "--gap-hours", "x")).toMatchObject({
      status: 2,
      err: expect.stringMatching(/^USAGE:/),
    });
    expect(await coldseal("enrol", "ledger", "--ca", "one.pdf", "--genesis", genesis)).toMatchObject({ status: 2 });
    const wrong = await coldseal("enrol", "ledger", "--ca", "root.crt", "--genesis", "abc");
    expect([wrong.status, wrong.err.slice(0, 11)]).toEqual([1, "LEDGER-BOX:"]);
  });

  it("LEDGER-GAP: ingest tells what came in and what waits; gaps and list show it", async () => {
    const json = await coldseal("ingest", "ledger", "first", "third", "--json");
    expect(json.status).toBe(0);
    expect(JSON.parse(json.out)).toMatchObject({
      counts: { chained: 1, waits: 1 },
      told: [
        { result: { kind: "chained", number: 1, entry: 0, entries: 3 } },
        { result: { kind: "waits", number: 3, next: 2 } },
      ],
    });
    const gaps = await coldseal("gaps", "ledger");
    expect([gaps.status, gaps.out]).toEqual([
      0,
      expect.stringMatching(/^box-1, genesis .*\n.*\n2 +\S+Z +a later one is here\n$/),
    ]);
    const list = JSON.parse((await coldseal("list", "ledger", "--json")).out);
    expect(list.boxes).toMatchObject([
      { appliance: "box-1", genesis, chained: 1, seals: 2, sealsVerified: 2, waiting: 1, missing: 1, disputes: 0 },
    ]);
  });

  it("LEDGER-GAP: ingest ends with 1 where a record's folder was left, and says why", async () => {
    lay("partial", [bundles[0] as Bundle]);
    mkdirSync(join(dir, "partial/coldseal/audit/7"), { recursive: true });
    writeFileSync(join(dir, "partial/coldseal/audit/7/authorization.p7m"), "x");
    const { err, out, status } = await coldseal("ingest", "ledger", "partial");
    expect([status, out.trim().split("\n").at(-1)]).toEqual([
      1,
      "nothing changed; known before: 1; refused: 0; left: 1",
    ]);
    expect(out).toMatch(/^LEFT: .*LEDGER-GAP.*audit\/7/m);
    expect(err).toMatch(/^LEDGER-GAP: 1 place was left, the first .*audit\/7.*everything else was\s+taken/s);
    const json = await coldseal("ingest", "ledger", "partial", "--json");
    expect(JSON.parse(json.out)).toMatchObject({
      counts: { known: 1, left: 1 },
      told: [{}, { what: "place", result: { kind: "left", refusal: { code: "LEDGER-GAP" } } }],
    });
  });

  it("LEDGER-FORK: a fork ends ingest and gaps with 4, and stands in list and show", async () => {
    await coldseal("ingest", "ledger", "second");
    const fork = await coldseal("ingest", "ledger", "fork");
    expect([fork.status, fork.err.slice(0, 12)]).toEqual([4, "LEDGER-FORK:"]);
    expect(fork.out).toContain("IN DISPUTE");
    expect((await coldseal("gaps", "ledger", "box-1")).status).toBe(4);
    const show = await coldseal("show", "ledger", genesis.slice(0, 10), "2");
    expect([show.status, show.out]).toEqual([
      0,
      expect.stringMatching(/in the log, entry 3.*in dispute.*IN DISPUTE since/s),
    ]);
    const list = await coldseal("list", "ledger", "box-1");
    expect(list.out.split("\n").filter((line) => /IN DISPUTE|disputed/.test(line))).toHaveLength(2);
    expect(list.out).not.toContain("others:");
    const later = await coldseal("list", "ledger", "box-1", "--from", "2");
    expect(later.out).toMatch(/\nnumbers 2 to (\d+) of up to \1; others: --from N/);
  });

  it("find: a file that was sealed, and its digest; names are escaped; one that was not", async () => {
    const found = await coldseal("find", "ledger", "one.pdf");
    expect([found.status, found.out]).toEqual([
      0,
      expect.stringMatching(
        /^SEALED: contract.pdf.*document 1 of manifest 1\n.*entry 1 of the log.*approved +Operator 1/s,
      ),
    ]);
    const name = await coldseal("find", "ledger", hex(sha256(new TextEncoder().encode("two"))));
    expect(name.out).toContain("\\u{dc}bersicht.pdf");
    const second = hex(sha256(new TextEncoder().encode("%PDF-1.7 2")));
    const disputed = await coldseal("find", "ledger", second, "--json");
    expect(disputed.status).toBe(1);
    expect(JSON.parse(disputed.out).seals.map((one: { counts: boolean }) => one.counts)).toEqual([false, false]);
    expect(await coldseal("find", "ledger", "none.pdf")).toMatchObject({
      status: 1,
      out: expect.stringMatching(/^NOT FOUND.*\n.*SHA-256 [0-9a-f]{64}\nlooked at 1 box: box-1 to number \d/),
    });
    expect(await coldseal("find", "ledger", "absent.pdf")).toMatchObject({
      status: 2,
      err: expect.stringMatching(/^USAGE:/),
    });
  });

  it("LEDGER-FORK: decide writes what keepers sign, and says how; never over a file, and nothing that is not in dispute", async () => {
    const keep = digestOf(bundles[1] as Bundle);
    const words = [
      "decide",
      "ledger",
      "box-1",
      "2",
      "--keep",
      keep,
      "--reason",
      "the other is forged",
      "--to",
      "decision.json",
    ];
    const written = await coldseal(...words);
    expect([written.status, written.out]).toEqual([0, expect.stringContaining("openssl cms -sign")]);
    expect(await coldseal(...words)).toMatchObject({ status: 2, err: expect.stringMatching(/^USAGE:/) });
    const other = await coldseal(
      "decide",
      "ledger",
      "box-1",
      "1",
      "--keep",
      keep,
      "--reason",
      "x",
      "--to",
      "other.json",
    );
    expect([other.status, other.err.slice(0, 12)]).toEqual([4, "LEDGER-FORK:"]);
    const unsigned = await coldseal("decide", "ledger", "box-1", "2", "--signed", "decision.json");
    expect(unsigned.status).not.toBe(0);
  });

  it("LEDGER-BOX: a box that nobody enrolled, and a number of which nothing is here", async () => {
    expect(await coldseal("list", "ledger", "box-9")).toMatchObject({
      status: 1,
      err: expect.stringMatching(/^LEDGER-BOX:/),
    });
    expect(await coldseal("show", "ledger", "box-1", "9")).toMatchObject({
      status: 1,
      err: expect.stringMatching(/^LEDGER-GAP:/),
    });
    expect(await coldseal("show", "ledger", "box-1", "nine")).toMatchObject({ status: 2 });
  });
});
