/** Renewing a ledger's evidence of time: by another token, by another hash, or not in time. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { anchorWaiting } from "../../../ledger/anchor/anchor-waiting.ts";
import { checkAnchors } from "../../../ledger/anchor/check-anchors.ts";
import { renewals } from "../../../ledger/anchor/due.ts";
import { recordsOf } from "../../../ledger/anchor/records.ts";
import { rehashRounds } from "../../../ledger/anchor/rehash.ts";
import { renewRounds } from "../../../ledger/anchor/renew-rounds.ts";
import { lastTokens } from "../../../ledger/anchor/stored-chains.ts";
import { Findings } from "../../../ledger/check/findings.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { utcOf } from "../../../manifests/encoding/shape.ts";
import { manifestBytes } from "../../../manifests/records/manifest.ts";
import { checkEvidence } from "../../../manifests/time/check-evidence.ts";
import { lineGroup } from "../../../manifests/verify/seal-evidence.ts";
import { recordGroup } from "../../../manifests/verify/time-evidence.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf } from "../../bundle/chain.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { makeRoot } from "../../pki/authority.ts";
import { makeTsa } from "../../pki/tsa.ts";
import { type FreeTsa, freeTsa } from "../../time/free-tsa.ts";
import { type AnchoredLedger, anchoredLedger } from "./anchored-ledger.ts";

const soon = utcOf(Date.now() + 30 * 86_400_000);
let bundles: readonly Bundle[];
let box: AnchoredLedger;
let short: FreeTsa;
let long: FreeTsa;
beforeAll(async () => {
  bundles = await chainOf(3, (number) => ({ documents: { "a.pdf": `a ${number}`, "b.pdf": `b ${number}` } }));
  [short, long] = await Promise.all([freeTsa(makeTsa({ name: "ends soon", notAfter: soon })), freeTsa()]);
});
beforeEach(async () => {
  box = await anchoredLedger((bundles[0] as Bundle).genesis);
  short.behaviour = undefined;
  long.behaviour = undefined;
  // three rounds of one manifest each
  for (const one of bundles) {
    await box.take(one);
    await box.anchor([short.url]);
  }
});
afterEach(() => box.end());
afterAll(() => {
  short?.end();
  long?.end();
});

const last = () => box.ledger.db.reading(lastTokens);
const rounds = [1, 2, 3];
const only = (...those: readonly number[]) => ({ rounds: those, giveUp: false });
const all = only(...rounds);

/** How many time-stamps each manifest's records have: all of them lead to what they are over. */
async function stamps(manifest: number, round = manifest): Promise<readonly number[]> {
  const bundle = bundles[manifest - 1] as Bundle;
  const records = await box.ledger.db.reading((sql) => recordsOf(sql, round, manifest));
  const lines = new TextDecoder().decode(bundle.files.get("documents.jsonl")).trimEnd().split("\n");
  const groups = [
    recordGroup(nodeHost, memorySource(bundle)),
    ...lines.map((line) => lineGroup(nodeHost, manifestBytes(bundle.manifest), utf8(line))),
  ];
  const all = await Promise.all(groups.map((group, at) => checkEvidence(nodeHost, records(at), group)));
  return all.map(({ length }) => length);
}

async function findings() {
  const found = new Findings();
  await box.ledger.db.reading((sql) => checkAnchors(sql, found));
  return found.list;
}

describe("renewing a ledger's evidence of time", () => {
  it("TIME-ORDER: it is due before a certificate ends, and alarms then; one token renews all rounds, and every record grows by it", async () => {
    expect((await box.queue()).renewals).toMatchObject({
      due: [{ round: 1, by: "token", ends: soon }, {}, {}],
      next: {},
    });
    expect((await box.queue()).alarm).toBe(true);
    const asked = long.asked;
    const work = await box.work({ urls: [long.url] });
    const { ended, renewed } = await renewRounds(work, all);
    expect([ended, renewed.length, renewed[0]?.rounds, long.asked - asked]).toEqual([[], 1, rounds, 1]);
    for (const one of rounds) expect(await stamps(one)).toEqual([2, 2, 2]);
    expect(await box.queue()).toMatchObject({ alarm: false, renewals: { due: [], lapsed: [] } });
    await renewRounds(work, only(2));
    expect([await stamps(1), await stamps(2)]).toEqual([
      [2, 2, 2],
      [3, 3, 3],
    ]);
    expect(await findings()).toEqual([]);
  });

  it("TIME-IMPRINT: by another hash over all that it is over, each record with its own chains before, and renewed again after", async () => {
    const work = await box.work({ urls: [long.url] });
    await renewRounds(work, only(1));
    const told: number[] = [];
    const { renewed } = await rehashRounds(work, "sha512", all, (one) => told.push(...one.rounds));
    expect([renewed.length, told]).toEqual([3, rounds]);
    expect((await last()).map(({ chain, hash, position }) => [chain, position, hash])).toEqual([
      [2, 1, "sha512"],
      [2, 1, "sha512"],
      [2, 1, "sha512"],
    ]);
    expect([await stamps(1), await stamps(2)]).toEqual([
      [3, 3, 3],
      [2, 2, 2],
    ]);
    await renewRounds(work, only(1, 2));
    await rehashRounds(work, "sha384", only(2), () => undefined);
    expect([await stamps(1), await stamps(2)]).toEqual([
      [4, 4, 4],
      [4, 4, 4],
    ]);
    expect((await rehashRounds(work, "sha384", only(2), () => undefined)).renewed).toEqual([]);
    expect(await findings()).toEqual([]);
  });

  it("TIME-ORDER: a token from before the one that it renews is not taken", async () => {
    short.behaviour = (right) => ({ ...right, time: utcOf(Date.now() - 60_000) });
    const work = await box.work({ urls: [short.url] });
    await expect(renewRounds(work, all)).rejects.toMatchObject({ code: "TSA-ANSWER" });
    expect((await last()).map(({ position }) => position)).toEqual([1, 1, 1]);
  });

  it("LEDGER-TIME: what was not renewed in time is lapsed, said, and what it is over waits and is anchored anew", async () => {
    const later = utcOf(Date.parse(soon) + 86_400_000);
    long.behaviour = (right) => ({ ...right, time: later });
    const work = await box.work({ urls: [long.url] }, later);
    const { ended, renewed } = await renewRounds(work, all);
    expect([ended.map(({ reason }) => reason.slice(0, 9)), renewed]).toEqual([rounds.map(() => "PATH-TIME"), []]);
    // Until a person says so: the clock may be wrong.
    expect(await box.queue(later)).toMatchObject({ alarm: true, waiting: { manifests: 0 }, renewals: { lapsed: [] } });
    expect((await renewRounds(work, { ...all, giveUp: true })).ended).toEqual(ended);
    expect(await box.queue(later)).toMatchObject({
      waiting: { manifests: 3 },
      renewals: { lapsed: [{ round: 3 }, {}, {}] },
    });
    expect(await anchorWaiting(work)).toMatchObject({ round: 4, manifests: 3 });
    for (const one of rounds) expect(await stamps(one, 4)).toEqual([1, 1, 1]);
    // What was once written stays, and leads where it did.
    expect([await stamps(1), await findings()]).toEqual([[1, 1, 1], []]);
  });

  it("LEDGER-TIME: an authority that is asked no more still vouches for what it stamped", async () => {
    const root = makeRoot({ name: "another time root" });
    const other = await freeTsa(makeTsa({ name: "new one" }, root));
    try {
      const work = await box.work({ urls: [other.url], roots: [root.certificate] });
      const { ended, renewed } = await renewRounds(work, all);
      expect([ended, renewed.length]).toEqual([[], 1]);
      expect([await stamps(3), await findings()]).toEqual([[2, 2, 2], []]);
      const dropped = await box.work({ urls: [long.url], roots: [root.certificate] });
      await expect(renewRounds(dropped, all)).rejects.toMatchObject({ code: "TSA-ANSWER" });
    } finally {
      other.end();
    }
  });

  it("TIME-ORDER: of a certificate and a hash the first to end says when, and by what, it is renewed", () => {
    const tokens = [
      { round: 1, hash: "sha256", ends: "2035-01-01T00:00:00Z" },
      { round: 2, hash: "sha512", ends: "2034-01-01T00:00:00Z" },
    ] as const;
    const settings = { hashEnds: { sha256: "2030-03-02T00:00:00Z" }, renewDays: 60 };
    expect(renewals(tokens, settings)).toEqual([
      { round: 1, hash: "sha256", due: "2030-01-01T00:00:00Z", ends: "2030-03-02T00:00:00Z", by: "hash" },
      { round: 2, hash: "sha512", due: "2033-11-02T00:00:00Z", ends: "2034-01-01T00:00:00Z", by: "token" },
    ]);
  });
});

describe("a ledger's evidence of time that somebody changed", () => {
  it.each([
    [
      "a token",
      "UPDATE anchor_tokens SET token = (SELECT token FROM anchor_tokens WHERE round = 2) WHERE round = 1",
      "round 1, manifest row 1",
    ],
    ["a way", "UPDATE anchor_ways SET way = x'00' WHERE round = 2", "round 2, manifest row 2"],
    [
      "a way of another length",
      `UPDATE anchor_ways SET way = x'${"00".repeat(32)}' WHERE round = 2`,
      "round 2, manifest row 2",
    ],
    ["its time", "UPDATE anchor_tokens SET latest = '2026-01-01T00:00:00Z' WHERE round = 3", "round 3, token 1.1"],
    ["its end", "UPDATE anchor_tokens SET ends = '2099-01-01T00:00:00Z' WHERE round = 3", "round 3, token 1.1"],
    [
      "a conflict",
      "INSERT INTO clock_conflicts VALUES (1, 1, '2026-01-01T00:00:00Z', 1, '2026-01-01T00:00:00Z')",
      "round 1, manifest row 1",
    ],
    [
      "a list",
      "UPDATE evidence SET bytes = (SELECT e.bytes FROM evidence e JOIN manifest_files f ON f.file = e.file WHERE f.manifest = 2 AND f.path = 'documents.jsonl') WHERE file = (SELECT file FROM manifest_files WHERE manifest = 1 AND path = 'documents.jsonl')",
      "round 1, manifest row 1",
    ],
    ["all tokens of a round", "DELETE FROM anchor_tokens WHERE round = 2", "round 2"],
  ])("LOG-RECORD: %s is found", async (_what, statement, where) => {
    expect(await findings()).toEqual([]);
    box.tamper(statement);
    expect((await findings()).map((one) => one.where)).toContain(where);
  });
});
