/** Health with all its parts: a probe, a time-stamp, and everything that turns it bad. */

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { anchorWaiting } from "../../../ledger/anchor/anchor-waiting.ts";
import { changeSettings } from "../../../ledger/anchor/settings.ts";
import { Health, type HealthAnswer } from "../../../ledger/serve/health.ts";
import { OpenStore } from "../../../ledger/serve/open-store.ts";
import { usualHealth } from "../../../ledger/serve/settings.ts";
import { utcOf } from "../../../manifests/encoding/shape.ts";
import { verifierKeyText } from "../../../manifests/log/verifier-key.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, outboxOf } from "../../bundle/chain.ts";
import { logKey } from "../../manifests/log/log-keys.ts";
import { openTsa, type TestTsa } from "../../pki/openssl-tsa.ts";
import { tsaRoot } from "../../pki/tsa.ts";
import { tamper } from "../tampering.ts";
import { aService, put, type TestService } from "./a-service.ts";

let test: TestService;
let tsa: TestTsa;
let third: Bundle;
let store: OpenStore;
let health: Health;
let limits = { ...usualHealth, checkSeconds: 0 };
const told: unknown[] = [];

beforeAll(async () => {
  const [first, second, last] = (await chainOf(3)) as [Bundle, Bundle, Bundle];
  third = last;
  test = await aService(first.genesis);
  tsa = await openTsa();
  store = new OpenStore(test.ledger.folder);
  const { folder } = test.ledger;
  const { origin } = test.ledger.ledger;
  const tell = (what: string, problem: object) => told.push({ what, ...problem });
  health = new Health({ folder, origin, store, settings: () => limits, told: tell });
  // The first one, whose probe is the only one of these tests.
  expect(await health.check()).toMatchObject({ healthy: false, probe: { problem: { code: "UNPUBLISHED" } } });
  health.start();
  await test.ledger.ingest(outboxOf([first]));
  await test.bringOut();
  await test.ledger.ingest(outboxOf([second]));
  await test.bringOut();
  const { db } = test.ledger.ledger;
  const now = () => utcOf(Date.now());
  const given = { roots: [tsaRoot.certificate], urls: [tsa.url] };
  const settings = await db.writing((sql) => changeSettings(sql, given, now()));
  await anchorWaiting({ db, settings, now, patience: 60_000 });
  while (!(await health.check()).healthy) await new Promise((done) => setTimeout(done, 20));
});
afterAll(async () => {
  await health.stop();
  await store.close();
  tsa.end();
  await test.end();
});
afterEach(async () => {
  limits = { ...usualHealth, checkSeconds: 0 };
  expect(await health.check()).toMatchObject({ healthy: true });
});

const published = (path: string) => join(test.ledger.folder, "published", path);
const probes = (path: string) => join(test.ledger.folder, "probe/published", path);

/** With a file changed or away meanwhile. */
async function without(path: string, change?: (bytes: Buffer) => Uint8Array): Promise<HealthAnswer> {
  const bytes = readFileSync(path);
  if (change) writeFileSync(path, change(bytes));
  else rmSync(path);
  const answer = await health.check();
  writeFileSync(path, bytes);
  return answer;
}

const flipped = (at: number) => (bytes: Buffer) => {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] as number) ^ 1;
  return changed;
};

describe("HEALTH: is proven", () => {
  it("of the newest entry, by the published tiles; of the newest time-stamp; of a probe in a log of its own", async () => {
    expect(await health.check()).toMatchObject({
      healthy: true,
      entry: { healthy: true, index: 3, size: 4, problem: null, ageSeconds: expect.any(Number), cosignatures: 0 },
      token: { healthy: true, stamped: expect.stringMatching(/Z$/), waitsTooLong: false },
      probe: { healthy: true, index: 0, made: expect.stringMatching(/Z$/), problem: null },
    });
    // No probe enters the record.
    expect((await test.ledger.records()).some(({ appliance }) => appliance === "probe")).toBe(false);
    expect(await test.ledger.records()).toHaveLength(4);
    const probe = join(test.ledger.folder, "probe");
    expect(readFileSync(join(probe, "published/checkpoint"), "utf8")).toMatch(/^ledger.example.org\/test\/probe\n1\n/);
    const keys = (folder: string) => readFileSync(join(folder, "signer/keys.json"), "utf8");
    expect(keys(probe)).not.toBe(keys(test.ledger.folder));
    expect(existsSync(join(probe, "passphrase"))).toBe(true);
  });

  it.each<[string, string, ((bytes: Buffer) => Uint8Array) | undefined, RegExp]>([
    ["a tile is damaged", "tile/0/000.p/4", flipped(40), /LOG-PROOF/],
    ["the newest entry's hash is damaged", "tile/0/000.p/4", flipped(127), /LOG-PROOF/],
    ["a tile is withheld", "tile/0/000.p/4", undefined, /LOG-RECORD/],
    ["a tile is cut", "tile/0/000.p/4", (bytes) => bytes.subarray(0, 96), /LOG-FORM/],
    [
      "the entries are damaged",
      "tile/entries/000.p/4",
      (bytes) => Buffer.from(bytes.toString().replace(/seal(?!.*seal)/, "sial")),
      /LOG-PROOF/,
    ],
    ["the entries are withheld", "tile/entries/000.p/4", undefined, /LOG-RECORD/],
    ["the checkpoint is withheld", "checkpoint", undefined, /UNPUBLISHED/],
    [
      "the checkpoint's signature is damaged",
      "checkpoint",
      (bytes) => Buffer.from(bytes.toString().replace(/(.)\n$/, (_, one: string) => `${one === "A" ? "B" : "A"}\n`)),
      /LOG-NOTE/,
    ],
    ["the checkpoint's root is another", "checkpoint", flipped(30), /LOG-/],
    ["the place is another log's", "origin", () => Buffer.from("other\n"), /STORE/],
  ])("turns bad when %s", async (_, path, change, code) => {
    const answer = await without(published(path), change);
    expect(answer).toMatchObject({ healthy: false, token: { healthy: true }, probe: { healthy: true } });
    expect(answer.entry.problem?.code).toMatch(code);
  });

  it.each(["tile/0/000.p/1", "tile/entries/000.p/1", "checkpoint"])(
    "turns bad when the probe's %s is damaged or withheld",
    async (path) => {
      for (const change of [flipped(20), undefined]) {
        const answer = await without(probes(path), change);
        expect(answer).toMatchObject({ healthy: false, entry: { healthy: true }, probe: { healthy: false } });
        expect(answer.probe.problem?.code).toMatch(/^(LOG-|UNPUBLISHED)/);
      }
    },
  );

  it("turns bad when a place shows an older checkpoint than it had", async () => {
    const older = await test.ledger.ledger.db.reading((sql) =>
      sql.get<{ note: Uint8Array }>("SELECT note FROM checkpoints ORDER BY size LIMIT 1"),
    );
    const answer = await without(published("checkpoint"), () => older?.note as Uint8Array);
    expect(answer).toMatchObject({ healthy: false, entry: { problem: { code: "LOG-HEAD" } } });
  });

  it("turns bad when too few witnesses cosigned what is published", async () => {
    const { vkey } = await logKey("witness.example.org/w", "cosignature/v1");
    const text = verifierKeyText(vkey);
    const witnesses = [{ by: "others", url: "http://127.0.0.1:1", vkey: text }];
    put(
      test.ledger.folder,
      "witnesses.json",
      JSON.stringify({ cosignatures: 1, type: "ledger-witnesses", version: 1, witnesses }),
    );
    expect(await health.check()).toMatchObject({ healthy: false, entry: { problem: { code: "LOG-NOTE" } } });
    rmSync(join(test.ledger.folder, "witnesses.json"));
  });

  it("turns bad when anything is older than its limit", async () => {
    for (const [limit, part] of [
      ["entrySeconds", "entry"],
      ["tokenSeconds", "token"],
      ["probeSeconds", "probe"],
    ] as const) {
      limits = { ...usualHealth, checkSeconds: 0, [limit]: -1 };
      const answer = await health.check();
      expect(answer).toMatchObject({ healthy: false, [part]: { healthy: false, limitSeconds: -1, problem: null } });
    }
  });

  it("turns bad when the newest time-stamp does not lead to what it is over", async () => {
    const rounds = await test.ledger.ledger.db.reading((sql) =>
      sql.all<{ way: Uint8Array; manifest: number }>("SELECT way, manifest FROM anchor_ways ORDER BY manifest"),
    );
    const fresh = () => {
      const { folder } = test.ledger;
      return new Health({
        folder,
        origin: test.ledger.ledger.origin,
        store,
        settings: () => limits,
        told: () => undefined,
      });
    };
    expect((await fresh().check()).token).toMatchObject({ healthy: true });
    const first = rounds[0] as { way: Uint8Array; manifest: number };
    const way = Buffer.from(first.way);
    way[way.length - 1] = (way.at(-1) as number) ^ 1;
    tamper(test.ledger, `UPDATE anchor_ways SET way = x'${way.toString("hex")}' WHERE manifest = ${first.manifest}`);
    const answer = await fresh().check();
    tamper(
      test.ledger,
      `UPDATE anchor_ways SET way = x'${Buffer.from(first.way).toString("hex")}' WHERE manifest = ${first.manifest}`,
    );
    expect(answer.token).toMatchObject({ healthy: false, problem: { code: "TIME-IMPRINT" } });
  });

  it("STORE: turns bad when the probe cannot be made, and says so in the log", async () => {
    const folder = join(test.ledger.dir, "other");
    cpSync(test.ledger.folder, folder, { recursive: true, filter: (path) => !path.includes("probe") });
    mkdirSync(join(folder, "probe"));
    put(folder, "probe/other", "in the way");
    const other = new Health({
      folder,
      origin: test.ledger.ledger.origin,
      store,
      settings: () => limits,
      told: (what, problem) => told.push({ what, ...problem }),
    });
    other.start();
    await other.stop();
    expect(told).toMatchObject([{ what: "probe", code: "STORE" }]);
    expect((await other.check()).probe).toMatchObject({ healthy: false, problem: { code: "STORE" } });
    expect(readdirSync(test.ledger.folder)).toContain("probe");
  });

  it("what is stored and not published is told, and turns bad after its limit", async () => {
    limits = { ...limits, unpublishedSeconds: 3600 };
    await test.ledger.ingest(outboxOf([third]));
    expect((await health.check()).entry).toMatchObject({ healthy: true, unpublished: { entries: 2 } });
    limits = { ...limits, unpublishedSeconds: -1 };
    expect(await health.check()).toMatchObject({ healthy: false, entry: { healthy: false, problem: null } });
    await test.bringOut();
    expect((await health.check()).entry).toMatchObject({ index: 5, unpublished: { entries: 0, ageSeconds: null } });
  });
});
