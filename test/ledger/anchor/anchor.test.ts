/** Evidence of time for a ledger, by authorities that are honest, lie, hang, answer errors, and come back. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { anchorWaiting } from "../../../ledger/anchor/anchor-waiting.ts";
import { askingOrder } from "../../../ledger/anchor/authorities.ts";
import { bundleRecord, lineRecord } from "../../../ledger/anchor/given-out.ts";
import { noteSeen } from "../../../ledger/anchor/queue.ts";
import { recordsOf } from "../../../ledger/anchor/records.ts";
import { findSeals } from "../../../ledger/answers/find.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { utcOf } from "../../../manifests/encoding/shape.ts";
import { manifestBytes } from "../../../manifests/records/manifest.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";
import { checkEvidence } from "../../../manifests/time/check-evidence.ts";
import { lineGroup } from "../../../manifests/verify/seal-evidence.ts";
import { recordGroup } from "../../../manifests/verify/time-evidence.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf } from "../../bundle/chain.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { oids } from "../../bundle/people.ts";
import { makeRoot } from "../../pki/authority.ts";
import { makeTsa, timeStampingOnly } from "../../pki/tsa.ts";
import { type Behaviour, type FreeTsa, freeTsa } from "../../time/free-tsa.ts";
import { type AnchoredLedger, anchoredLedger } from "./anchored-ledger.ts";

let bundles: readonly Bundle[];
let box: AnchoredLedger;
let first: FreeTsa;
let second: FreeTsa;
beforeAll(async () => {
  bundles = await chainOf(4, (number) => ({
    documents: { "a.pdf": `a ${number}`, "b.pdf": `b ${number}`, "c.pdf": `c ${number}` },
  }));
  [first, second] = await Promise.all([freeTsa(), freeTsa(makeTsa({ name: "another authority" }))]);
});
beforeEach(async () => {
  box = await anchoredLedger((bundles[0] as Bundle).genesis);
  first.behaviour = undefined;
  second.behaviour = undefined;
});
afterEach(() => box.end());
afterAll(() => {
  first?.end();
  second?.end();
});

const rows = (table: string) =>
  box.ledger.db.reading(async (sql) => (await sql.get<{ n: number }>(`SELECT count(*) AS n FROM ${table}`))?.n);
const linesOf = ({ files }: Bundle) =>
  new TextDecoder()
    .decode(files.get("documents.jsonl"))
    .trimEnd()
    .split("\n")
    .map((line) => new TextEncoder().encode(line));

describe("anchoring a ledger", () => {
  it("LEDGER-TIME: one token gives every manifest, and each line of its list, evidence that holds alone", async () => {
    await box.take(...bundles.slice(0, 3));
    expect((await box.queue()).waiting.manifests).toBe(3);
    const asked = first.asked;
    const [round, more] = await box.anchor([first.url]);
    expect([first.asked - asked, more, round]).toMatchObject([1, undefined, { manifests: 3, seals: 9, conflicts: [] }]);
    expect((await box.queue()).waiting).toMatchObject({ manifests: 0, since: null, alarm: false });
    for (const [at, bundle] of bundles.slice(0, 3).entries()) {
      const records = await box.ledger.db.reading((sql) => recordsOf(sql, 1, at + 1));
      expect(await checkEvidence(nodeHost, records(0), recordGroup(nodeHost, memorySource(bundle)))).toHaveLength(1);
      for (const [index, line] of linesOf(bundle).entries()) {
        const group = lineGroup(nodeHost, manifestBytes(bundle.manifest), line);
        expect(await checkEvidence(nodeHost, records(index + 1), group)).toHaveLength(1);
        // Of another line, or under another manifest, it is evidence of nothing.
        const others = [
          lineGroup(nodeHost, manifestBytes((bundles[3] as Bundle).manifest), line),
          lineGroup(nodeHost, manifestBytes(bundle.manifest), new Uint8Array([...line, 0x0a])),
        ];
        for (const wrong of others) {
          await expect(checkEvidence(nodeHost, records(index + 1), wrong)).rejects.toMatchObject({
            code: "TIME-IMPRINT",
          });
        }
      }
    }
  });

  it("LEDGER-TIME: what waits for a number before it is anchored on arrival, by a round of its own, and once", async () => {
    await box.take(bundles[1] as Bundle);
    expect(await box.anchor([first.url])).toHaveLength(1);
    expect(await box.anchor([first.url])).toEqual([]);
    await box.take(bundles[0] as Bundle);
    expect(await box.anchor([first.url])).toMatchObject([{ round: 2, manifests: 1 }]);
    expect([await rows("anchor_rounds"), await rows("anchor_ways"), await rows("anchor_tokens")]).toEqual([2, 2, 2]);
  });

  it("LEDGER-TIME: nothing is given out that waits, nor over another copy than the one that was stamped", async () => {
    const bundle = bundles[0] as Bundle;
    await box.take(bundle);
    const given = () => box.ledger.db.reading((sql) => bundleRecord(sql, memorySource(bundle)));
    const digest = hex(sha256(utf8("a 1")));
    const found = () => box.ledger.db.reading((sql) => findSeals(sql, [digest], utcOf(Date.now())));
    expect((await found()).seals).toMatchObject([{ proven: null }]);
    await expect(given()).rejects.toMatchObject({ code: "LEDGER-TIME" });
    await box.anchor([first.url]);
    expect((await given()).round).toBe(1);
    expect((await found()).seals).toMatchObject([{ counts: true, proven: expect.stringMatching(/^\d{4}-.*Z$/) }]);
    const files = new Map(bundle.files);
    files.set("authorization.p7m", bundles[1]?.files.get("authorization.p7m") as Uint8Array);
    const changed = box.ledger.db.reading((sql) => bundleRecord(sql, memorySource({ ...bundle, files })));
    await expect(changed).rejects.toMatchObject({ code: "TIME-IMPRINT" });
    const foreign = box.ledger.db.reading((sql) => bundleRecord(sql, memorySource(bundles[3] as Bundle)));
    await expect(foreign).rejects.toMatchObject({ code: "LEDGER-GAP" });
    const line = {
      digest: "00".repeat(32),
      index: 1,
      name: "a.pdf",
      seal: "seals/0000/000001-a.pdf.p7s",
      sealDigest: "00".repeat(32),
      size: 1,
    };
    const other = box.ledger.db.reading((sql) => lineRecord(sql, 1, line));
    await expect(other).rejects.toMatchObject({ code: "STORE" });
  });
});

const nobody = makeRoot({ name: "nobody's time" });
const wrong: readonly (readonly [string, Behaviour, RefusalCode | "HTTP" | "wait"])[] = [
  ["over something else", (right) => ({ ...right, digest: new Uint8Array(32) }), "TIME-IMPRINT"],
  ["by another hash", (right) => ({ ...right, hash: "sha512", digest: new Uint8Array(64) }), "TIME-IMPRINT"],
  ["with another nonce", (right) => ({ ...right, nonce: Uint8Array.of(1) }), "TSA-ANSWER"],
  ["without a nonce", (right) => ({ ...right, nonce: undefined }), "TSA-ANSWER"],
  [
    "of an authority that may stamp and do more",
    (right) => ({ ...right, by: makeTsa({ extensions: [{ ...timeStampingOnly, critical: false }] }) }),
    "TIME-TSA",
  ],
  ["of an authority under another root", (right) => ({ ...right, by: makeTsa({}, nobody) }), "PATH-ROOT"],
  [
    "of an authority that has ended",
    (right) => ({ ...right, by: makeTsa({ notAfter: "2026-01-01T00:00:00Z" }) }),
    "PATH-TIME",
  ],
  ["of a time to come", (right) => ({ ...right, time: utcOf(Date.now() + 3_600_000) }), "TSA-ANSWER"],
  ["of the box's own policy", (right) => ({ ...right, policy: oids.localTime }), "TIME-LOCAL"],
  ["that is garbage", { bytes: new TextEncoder().encode("<html>") }, "TSA-ANSWER"],
  ["that never ends", { bytes: new Uint8Array(1 << 20) }, "TSA-ANSWER"],
  ["that is an error", { status: 503 }, "HTTP"],
  ["that does not come", "hang", "wait"],
  ["that comes a byte at a time", "drip", "wait"],
];

describe("an authority that gives no token that counts", () => {
  it.each(wrong)(
    "LEDGER-TIME: an answer %s: the next one is asked, and it is said why",
    async (_what, behaviour, code) => {
      await box.take(bundles[0] as Bundle);
      first.behaviour = behaviour;
      const [round] = await box.anchor([first.url, second.url]);
      const why = { HTTP: "HTTP status 503", wait: "does not answer" }[code as "HTTP" | "wait"] ?? code;
      expect(round).toMatchObject({ url: second.url, failed: [{ url: first.url }] });
      const { authorities, lastToken } = await box.queue();
      expect(authorities).toMatchObject([
        { url: first.url, gave: null, reason: expect.stringContaining(why), failing: expect.any(String) },
        { url: second.url, gave: lastToken, failing: null },
      ]);
    },
  );

  it("LEDGER-TIME: while all fail everything waits, which alarms in time; after the outage all is anchored", async () => {
    await box.take(...bundles.slice(0, 2));
    first.behaviour = { status: 500 };
    second.behaviour = { bytes: new Uint8Array(0) };
    await expect(box.anchor([first.url, second.url])).rejects.toMatchObject({ code: "TSA-ANSWER" });
    expect([await rows("anchor_rounds"), await rows("anchor_tokens")]).toEqual([0, 0]);
    const soon = await box.queue();
    expect(soon).toMatchObject({
      alarm: false,
      waiting: { manifests: 2, alarm: false, first: [{ number: 1 }, { number: 2 }] },
    });
    const late = await box.queue(utcOf(Date.now() + 25 * 3_600_000));
    expect(late).toMatchObject({ alarm: true, waiting: { alarm: true, alarmHours: 24 } });
    expect(late.waiting.ageSeconds).toBeGreaterThan(24 * 3600);
    first.behaviour = undefined;
    second.behaviour = undefined;
    expect(await box.anchor([first.url, second.url])).toMatchObject([{ url: first.url, manifests: 2 }]);
    const { alarm, authorities, waiting } = await box.queue();
    expect([alarm, waiting.manifests, authorities[0]]).toMatchObject([false, 0, { failing: null, reason: null }]);
  });

  it("LEDGER-TIME: who failed a moment ago is asked after the others, and first again later", () => {
    const failed = {
      url: "a",
      gave: null,
      failing: "2026-11-29T09:00:00Z",
      asked: "2026-11-29T10:00:00Z",
      reason: "x",
    };
    const order = (now: string) => askingOrder(["a", "b"], [failed], now);
    expect([order("2026-11-29T10:05:00Z"), order("2026-11-29T10:10:00Z"), order("2026-11-29T09:59:00Z")]).toEqual([
      ["b", "a"],
      ["a", "b"],
      ["a", "b"],
    ]);
  });

  it("TIME-ORDER: a token from before the box's claim, less its accuracy, counts; the clocks' conflict is shown and alarms until somebody saw it", async () => {
    const future = await chainOf(1, () => ({
      manifest: (right) => ({
        ...right,
        created: utcOf(Date.now() - 60_000),
        clock: { ...right.clock, claimedErrorSeconds: 30 },
      }),
    }));
    const bundle = future[0] as Bundle;
    await box.take(bundle);
    first.behaviour = (right) => ({ ...right, time: utcOf(Date.now() - 3_600_000) });
    const [round] = await box.anchor([first.url]);
    expect(round?.conflicts).toMatchObject([{ number: 1, claimed: bundle.manifest.created, errorSeconds: 30 }]);
    const { alarm, conflicts, waiting } = await box.queue();
    expect([alarm, conflicts.length, waiting.manifests]).toEqual([true, 1, 0]);
    expect(await box.ledger.db.writing((sql) => noteSeen(sql, utcOf(Date.now())))).toBe(1);
    expect(await box.queue()).toMatchObject({ alarm: false, conflicts: [{ seen: expect.any(String) }] });
  });

  it("BUSY: of two runs over the same manifests one keeps its round, and the other writes nothing", async () => {
    await box.take(bundles[0] as Bundle);
    const work = await box.work({ urls: [first.url] });
    const done = await Promise.allSettled([anchorWaiting(work), anchorWaiting(work)]);
    expect(done.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(done.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "BUSY" } });
    expect([await rows("anchor_rounds"), await rows("anchor_tokens"), await rows("anchor_ways")]).toEqual([1, 1, 1]);
  });

  it("USAGE: without authorities nothing is asked", async () => {
    await expect(box.work({ urls: [] })).rejects.toMatchObject({ code: "USAGE" });
    await expect(box.work({ urls: [first.url], roots: [] })).rejects.toMatchObject({ code: "USAGE" });
  });
});
