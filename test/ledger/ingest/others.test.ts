/** What boxes and ceremonies leave beside manifests, on a real store: signed refusals, closing records, transcripts, custody logs; and the order by which a box was made anew. */

import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { gapAnswer } from "../../../ledger/answers/gaps.ts";
import { checkBoxes } from "../../../ledger/boxes/check-boxes.ts";
import { enrolledBoxes } from "../../../ledger/boxes/enrolled.ts";
import { Findings } from "../../../ledger/check/findings.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import { base64, hex } from "../../../manifests/encoding/bytes.ts";
import { orderBytes } from "../../../manifests/records/order.ts";
import { type RefusalFile, refusalFileBytes } from "../../../manifests/records/refusal-record.ts";
import { readTranscript, type Transcript } from "../../../manifests/records/transcript.ts";
import type { Bundle } from "../../bundle/build.ts";
import { bundleAt, chainOf, digestOf, keeperOf, layBundle, type Stick } from "../../bundle/chain.ts";
import { closingFor, emergencyBundle, signClosing } from "../../bundle/emergency.ts";
import { audit, issuer, oids, op1, op2, op3, sealing, stranger } from "../../bundle/people.ts";
import { signedBy, times } from "../../bundle/signed.ts";
import { event, logOf, outside, person, usualEvents } from "../../manifests/records/custody-lines.ts";
import { chainedTranscript, transcriptContent } from "../../manifests/records/transcript-content.ts";
import { refusalRecord } from "../../manifests/verify/refusal-record.ts";
import type { Issued } from "../../pki/authority.ts";
import { tamper } from "../tampering.ts";
import { inShort, type TestLedger, testLedger } from "./on-real-ledger.ts";

let bundles: readonly Bundle[];
let genesis: string;
let box: TestLedger;
beforeAll(async () => {
  bundles = await chainOf(3);
  genesis = (bundles[0] as Bundle).genesis;
});
beforeEach(async () => {
  box = await testLedger();
  await box.enrol(genesis);
});
afterEach(() => box.end());

const last = async () => (await box.records()).at(-1);

describe("a signed refusal", () => {
  const signed = (change: Partial<RefusalFile> = {}, by: Issued = audit) =>
    signContent(nodeHost, by.signingKey, {
      eContentType: oids.refusal,
      content: refusalFileBytes({ ...refusalRecord, policyDigest: genesis, ...change }),
      signingTime: times.manifest,
      extraCertificates: [issuer.certificate],
    });
  const on = async (p7m: Promise<Uint8Array>) => {
    const stick = keeperOf(bundles.slice(0, 1));
    stick.set("coldseal/outbox/refused-1/refusal.p7m", await p7m);
    return inShort(await box.ingest(stick)).slice(2);
  };

  it("LEDGER-BOX: enters once, whoever brings it again", async () => {
    const p7m = signed();
    expect(await on(p7m)).toEqual(["refusal entered"]);
    expect(await last()).toMatchObject({
      type: "refusal",
      appliance: "box-1",
      genesis,
      digest: hex(sha256(refusalFileBytes({ ...refusalRecord, policyDigest: genesis }))),
    });
    const size = (await box.records()).length;
    expect(inShort(await box.ingest(new Map([["coldseal/outbox/again/refusal.p7m", await p7m]])))).toEqual([
      "refusal known",
    ]);
    expect(await box.records()).toHaveLength(size);
  });

  it.each([
    ["LEDGER-BOX", { policyDigest: "cd".repeat(32) }, audit],
    ["MANIFEST-BIND", { appliance: "box-2" }, audit],
    ["PATH-USAGE", {}, sealing],
    ["HONEST", { signed: false }, audit],
  ] as const)("%s: another one is refused", async (code, change, by) => {
    expect(await on(signed(change, by))).toEqual([`refusal refused ${code}`]);
    expect(await last()).toMatchObject({ type: "seal" });
  });

  it("HONEST: one that nobody signed is told, and is no evidence", async () => {
    const stick: Stick = new Map([
      ["coldseal/outbox/refused-1/refusal.json", refusalFileBytes({ ...refusalRecord, signed: false })],
    ]);
    expect(inShort(await box.ingest(stick))).toEqual(["refusal unsigned"]);
    expect(await box.records()).toEqual([]);
  });
});

describe("a closing record", () => {
  it("CLOSING: enters with the emergency that it closes; one that lists another manifest does not", async () => {
    const bundle = await emergencyBundle();
    const own = await testLedger();
    try {
      await own.enrol(bundle.genesis);
      const stick: Stick = new Map();
      layBundle(stick, "coldseal/outbox/emergency", bundle);
      const right = await closingFor(bundle);
      const wrong = await closingFor(bundle, {
        manifests: right.manifests.map((one) => ({ ...one, digest: "11".repeat(32) })),
      });
      stick.set("coldseal/closings/0001.p7m", await signClosing(wrong));
      stick.set("coldseal/closings/0002.p7m", await signClosing(right));
      stick.set("coldseal/closings/0003.p7m", await signClosing(right, sealing));
      const all = inShort(await own.ingest(stick));
      expect(all).toEqual(["chained 1", "closing refused CLOSING", "closing entered", "closing refused PATH-USAGE"]);
      expect((await own.records()).at(-1)).toMatchObject({ type: "closing", genesis: bundle.genesis });
    } finally {
      own.end();
    }
  });
});

describe("a transcript", () => {
  const people = [op1, op2, stranger].map(({ certificate }, at) => ({
    id: ["op1", "op2", "guest"][at] as string,
    certificate,
  }));
  const on = async (signers: readonly Issued[], names: readonly string[], run: "live" | "rehearsal" = "live") => {
    const content = await transcriptContent(
      people.filter(({ id }) => names.includes(id)),
      { run },
    );
    const stick = keeperOf(bundles.slice(0, 1));
    stick.set("coldseal/transcripts/2026-001-genesis.p7m", await signedBy(signers, oids.transcript, content));
    return inShort(await box.ingest(stick)).slice(2);
  };

  it("TRANSCRIPT: enters when as many people of a policy signed it as the policy asks of officers", async () => {
    expect(await on([op1, op2], ["op1", "op2"])).toEqual(["transcript entered"]);
    expect(await last()).toMatchObject({ type: "transcript", appliance: "box-1" });
  });

  it.each([
    ["LEDGER-BOX", "by one of them and a guest", [op1, stranger], ["op1", "guest"], "live"],
    ["TRANSCRIPT", "that one who was there did not sign", [op1], ["op1", "op2"], "live"],
    ["TRANSCRIPT", "of a rehearsal that does not hold", [op1], ["op1", "op2"], "rehearsal"],
  ] as const)("%s: one %s is refused", async (code, _, signers, names, run) => {
    expect(await on(signers, names, run)).toEqual([`transcript refused ${code}`]);
  });

  it("TRANSCRIPT: one of a rehearsal is left: it is no record of a box", async () => {
    expect(await on([op1, op2], ["op1", "op2"], "rehearsal")).toEqual(["transcript practised"]);
    expect((await box.records()).filter(({ type }) => type === "transcript")).toEqual([]);
  });
});

describe("a custody log", () => {
  const on = async (bytes: Uint8Array) => {
    const stick: Stick = new Map([["coldseal/custody/custody.jsonl", bytes]]);
    return inShort(await box.ingest(stick));
  };
  const people = [op1, op2].map(({ certificate }, at) => ({ id: `op${at + 1}`, certificate }));
  /** With the transcript of a ceremony that handed over what these lines say. */
  const witnessed = async (lines: readonly Uint8Array[], change: Partial<Transcript> = {}) => {
    const steps = lines.map((line, at) => ({
      facts: { "log line": hex(sha256(line)) },
      people: ["ada"],
      step: `hand-over-${at}`,
    }));
    const content = await chainedTranscript(people, steps, { ceremony: "custody", run: "live", ...change });
    const stick = keeperOf(bundles.slice(0, 1));
    stick.set("coldseal/transcripts/2026-004-custody.p7m", await signedBy([op1, op2], oids.transcript, content));
    return stick;
  };

  it("CUSTODY: one that no transcript vouches for is left, and does not shut out the true one", async () => {
    const all = await logOf(usualEvents);
    const stick = await witnessed(all.lines);
    await box.ingest(stick);
    const before = await box.records();
    // Anybody can copy the digest of an entry from the transcript.
    const content = readSignedData(stick.get("coldseal/transcripts/2026-004-custody.p7m") as Uint8Array).content;
    const { entries } = await readTranscript(nodeHost, content as Uint8Array);
    for (const ceremony of ["77".repeat(32), entries[1]?.previous as string]) {
      const forged = await logOf([event("token-1", outside("Nobody"), person("op3"), { ceremony })]);
      expect(await on(forged.bytes)).toEqual(["custody unvouched"]);
    }
    expect(await box.records()).toEqual(before);
    expect(await box.ledger.db.reading((sql) => sql.all("SELECT * FROM box_records WHERE type = 'custody'"))).toEqual(
      [],
    );
    expect(await on(all.bytes)).toEqual(["custody entered"]);
  });

  it.each([
    ["a line behind the last one that is named", 2, {}],
    ["a log that only another ceremony names", 3, { ceremony: "genesis" }],
    ["a log that only a practice run names", 3, { run: "rehearsal" }],
  ] as const)("CUSTODY: %s is left", async (_, named, change) => {
    const { bytes, lines } = await logOf(usualEvents);
    await box.ingest(await witnessed(lines.slice(0, named), change));
    expect(await on(bytes)).toEqual(["custody unvouched"]);
  });

  it("CUSTODY: the transcript may lie on a stick that is named later", async () => {
    const { bytes, lines } = await logOf(usualEvents);
    const first: Stick = new Map([["coldseal/custody/custody.jsonl", bytes]]);
    const all = inShort(await box.ingest(first, await witnessed(lines.slice(2))));
    expect(all.slice(-2)).toEqual(["transcript entered", "custody entered"]);
  });

  it("CUSTODY: `ledger verify` names one that nobody vouches for", async () => {
    const { bytes, lines } = await logOf(usualEvents);
    await box.ingest(await witnessed(lines));
    expect(await on(bytes)).toEqual(["custody entered"]);
    const found = async () => {
      const findings = new Findings();
      await box.ledger.db.reading((sql) => checkBoxes(sql, "2027-01-01T00:00:00Z", findings));
      return findings.list.map(({ what }) => what);
    };
    expect(await found()).toEqual([]);
    tamper(box.ledger, "DELETE FROM box_records WHERE type = 'transcript'");
    expect(await found()).toContain("no transcript that is here vouches for it");
  });

  it("CHAIN: grows: a longer one enters, an older copy changes nothing, another one is refused", async () => {
    const all = await logOf(usualEvents);
    await box.ingest(await witnessed(all.lines));
    const first = await logOf(usualEvents.slice(0, 1));
    expect(await on(first.bytes)).toEqual(["custody entered"]);
    expect(await on(all.bytes)).toEqual(["custody entered"]);
    expect(await on(first.bytes)).toEqual(["custody known"]);
    expect(await on(all.bytes)).toEqual(["custody known"]);
    const [supplied] = usualEvents;
    const other = await logOf([{ ...(supplied as (typeof usualEvents)[number]), to: person("op3") }]);
    expect(await on(other.bytes)).toEqual(["custody refused CHAIN"]);
    expect((await box.records()).filter(({ type }) => type === "custody")).toHaveLength(2);
  });

  it("LEDGER-BOX: one of a box that nothing is known of is refused; one of a dry run is left", async () => {
    const { bytes } = await logOf(usualEvents);
    expect(await on(bytes)).toEqual(["custody refused LEDGER-BOX"]);
    await box.ingest(keeperOf(bundles.slice(0, 1)));
    const dry = await logOf([event("token-1", usualEvents[0]?.from as never, person("op1"), { run: "dry" })]);
    expect(await on(dry.bytes)).toEqual(["custody practised"]);
  });
});

describe("a box that was made anew", () => {
  const made = (by: readonly Issued[] = [op1, op2], policyDigest = genesis) =>
    signedBy(
      by,
      oids.order,
      orderBytes({
        appliance: "box-1",
        created: times.approval,
        expires: times.expires,
        kind: "recover",
        number: 1,
        policyDigest,
        previous: null,
        what: {
          journal: { evidence: 30, head: "0a".repeat(32), sequence: 36 },
          keys: { audit: base64(audit.spki), sealing: base64(sealing.spki) },
          manifests: { digest: digestOf(bundles[2] as Bundle), last: 3, missing: [{ from: 4, to: 5 }], next: 6 },
          orders: { last: 0, unstated: [] },
          reason: "the disk was lost",
          software: { digest: "0b".repeat(32), version: "0.1.0" },
          token: { counter: 4, uri: "pkcs11:serial=1" },
        },
      }),
    );
  const following = async (order: Uint8Array) =>
    bundleAt({ number: 6, previous: digestOf({ files: new Map([["manifest.p7m", order]]) }) });
  const gaps = () =>
    box.ledger.db.reading(async (sql) => {
      const [one] = await enrolledBoxes(sql);
      return one ? gapAnswer(sql, one, "2027-01-01T00:00:00Z") : undefined;
    });

  it("LEDGER-GAP: the continuity record closes its gap, which is shown for ever and alarms nobody", async () => {
    const order = await made();
    const stick = keeperOf(bundles);
    stick.set("coldseal/box/box-1/orders/0007.p7m", order);
    layBundle(stick, "coldseal/outbox/after", await following(order));
    const all = inShort(await box.ingest(stick));
    expect(all).toEqual(["policy taken", "order taken", "chained 1", "chained 2", "chained 3", "chained 6"]);
    expect(await gaps()).toMatchObject({
      disputes: [],
      missing: [{ from: 4, to: 5, known: "explained", alarm: false }],
    });
    expect(inShort(await box.ingest(stick))).toEqual(["known 1", "known 2", "known 3", "known 6"]);
  });

  it("LEDGER-FORK: without the record it is in dispute; the record that comes later settles it", async () => {
    const order = await made();
    const stick = keeperOf(bundles);
    layBundle(stick, "coldseal/outbox/after", await following(order));
    expect(inShort(await box.ingest(stick)).at(-1)).toBe("waits 6");
    expect(await gaps()).toMatchObject({ missing: [{ from: 4, to: 5, known: "waits", alarm: true }] });
    const later: Stick = new Map([["coldseal/box/box-1/orders/0007.p7m", order]]);
    expect(inShort(await box.ingest(later))).toEqual(["order taken", "chained 6"]);
    expect(await gaps()).toMatchObject({ disputes: [], missing: [{ known: "explained", alarm: false }] });
  });

  it.each([
    ["QUORUM", [op1]],
    ["PERSON-UNKNOWN", [op1, stranger]],
    ["PERSON-TWICE", [op3, op3]],
  ] as const)("%s: a record that does not hold explains nothing", async (code, by) => {
    await box.ingest(keeperOf(bundles));
    const stick: Stick = new Map([["coldseal/box/box-1/orders/0007.p7m", await made(by)]]);
    expect(inShort(await box.ingest(stick))).toEqual([`order refused ${code}`]);
    expect(await box.ledger.db.reading((sql) => sql.all("SELECT * FROM continuity"))).toEqual([]);
  });
});
