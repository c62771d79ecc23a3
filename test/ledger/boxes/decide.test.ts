/** A dispute in a real ledger, settled by two keepers: which manifest stays, what is lost for ever, and that the chain goes on; and what settles nothing. */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { manifestAnswers } from "../../../ledger/answers/manifests.ts";
import { goOn } from "../../../ledger/boxes/chain-manifest.ts";
import { decisionAbout, settleBy } from "../../../ledger/boxes/decide.ts";
import { type DecisionRecord, decisionRecordBytes, signedDecision } from "../../../ledger/boxes/decision-record.ts";
import { type KnownBox, knownBoxes } from "../../../ledger/boxes/known-box.ts";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import { appendAs } from "../../../ledger/ingest/ingest-into.ts";
import { takeOver } from "../../../ledger/log/tree-head.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import type { Bundle } from "../../bundle/build.ts";
import { bundleAt, chainOf, digestOf, layBundle, other, type Stick } from "../../bundle/chain.ts";
import { oids, op1, root } from "../../bundle/people.ts";
import { type Issued, issue } from "../../pki/authority.ts";
import { inShort, type TestLedger, testLedger } from "../ingest/on-real-ledger.ts";

const keepers = ["k1", "k2", "k3"].map((name) => issue(root, { name })) as [Issued, Issued, Issued];
const now = "2026-11-22T10:00:00Z";

let bundles: readonly Bundle[];
let fork: Bundle;
let box: TestLedger;
beforeAll(async () => {
  bundles = await chainOf(4);
  fork = await bundleAt({ number: 2, previous: digestOf(bundles[0] as Bundle) }, { manifest: other });
});
beforeEach(async () => {
  box = await testLedger();
  await box.enrol((bundles[0] as Bundle).genesis, { keepers: keepers.map(({ certificate }) => certificate) });
  await box.ingest(stickOf(bundles.slice(0, 3)));
  expect(inShort(await box.ingest(stickOf([fork])))).toEqual(["disputed 2"]);
  expect(inShort(await box.ingest(stickOf(bundles.slice(3))))).toEqual(["waits 4"]);
});
afterEach(() => box.end());

function stickOf(some: readonly Bundle[]): Stick {
  const stick: Stick = new Map();
  for (const bundle of some) layBundle(stick, `coldseal/outbox/b-${digestOf(bundle).slice(0, 8)}`, bundle);
  return stick;
}

async function known(): Promise<KnownBox> {
  const [one] = await box.ledger.db.reading((sql) => knownBoxes(sql, now));
  return one as KnownBox;
}

async function about(keep: string | null, number = 2): Promise<DecisionRecord> {
  const { enrolled } = await known();
  return box.ledger.db.reading((sql) =>
    decisionAbout(sql, enrolled, { keep, number, reason: "the other one is forged" }, now),
  );
}

function signedBy(record: DecisionRecord, ...signers: readonly Issued[]): Promise<Uint8Array[]> {
  const content = decisionRecordBytes(record);
  return Promise.all(
    signers.map(({ signingKey }) =>
      signContent(nodeHost, signingKey, { eContentType: oids.ledgerDecision, content, signingTime: now }),
    ),
  );
}

/** Settles, and lets the chain go on; what happened. */
async function settled(record: DecisionRecord, ...signers: readonly Issued[]) {
  const append = appendAs(await takeOver(box.ledger.db));
  const one = await known();
  const signed = await signedDecision(one, await signedBy(record, ...signers));
  const result = await box.ledger.db.writing((sql) => settleBy(sql, append, one, signed, now));
  const after: string[] = [];
  for (;;) {
    const taken = await box.ledger.db.writing((sql) => goOn(sql, append, one, now));
    if (!taken) return { ...result, after };
    after.push(`${taken.kind} ${taken.number}`);
  }
}

async function standings() {
  const { enrolled } = await known();
  const all = await box.ledger.db.reading((sql) => manifestAnswers(sql, enrolled, 1, 9));
  return all.map(({ digest, number, standing, via }) => ({ number, digest, standing, via }));
}

describe("a decision of keepers", () => {
  it("LEDGER-FORK: the one in the chain stays; the other never enters; what waited goes on; the decision is an entry", async () => {
    const digest = digestOf(bundles[1] as Bundle);
    const record = await about(digest);
    expect(record.lose).toEqual([digestOf(fork)]);
    const before = (await box.records()).length;
    expect(await settled(record, keepers[0], keepers[2])).toEqual({ entry: before, fresh: true, after: ["chained 4"] });
    const entry = (await box.records())[before];
    expect(entry).toMatchObject({ type: "decision", number: 2, appliance: "box-1" });
    expect(await standings()).toContainEqual({ number: 2, digest: digestOf(fork), standing: "lost", via: null });
    expect(inShort(await box.ingest(stickOf([fork])))).toEqual(["known 2"]);
    expect((await box.records()).some((one) => one.type === "manifest" && one.digest === digestOf(fork))).toBe(false);
  });

  it("LEDGER-FORK: the same decision again changes nothing", async () => {
    const record = await about(digestOf(bundles[1] as Bundle));
    const first = await settled(record, keepers[0], keepers[1]);
    const size = (await box.records()).length;
    expect(await settled(record, keepers[1], keepers[2])).toEqual({ entry: first.entry, fresh: false, after: [] });
    expect(await box.records()).toHaveLength(size);
  });

  it("LEDGER-FORK: where the other one stays it enters, and what followed the first is in dispute in its turn", async () => {
    const before = await box.records();
    const { after } = await settled(await about(digestOf(fork)), keepers[0], keepers[1]);
    expect(after).toEqual(["disputed 3"]);
    const all = await standings();
    expect(all.map(({ number, standing, via }) => `${number} ${standing} ${via}`)).toEqual([
      "1 chained link",
      "2 lost null",
      "2 chained decision",
      "3 disputed null",
      "4 waits null",
    ]);
    // What was appended stays appended.
    expect((await box.records()).slice(0, before.length)).toEqual(before);
    const kept = await settled(await about(digestOf(bundles[2] as Bundle), 3), keepers[0], keepers[1]);
    expect(kept.after).toEqual(["chained 4"]);
    expect((await standings()).map(({ standing }) => standing)).toEqual([
      "chained",
      "lost",
      "chained",
      "chained",
      "chained",
    ]);
    const records = (await box.records()).map((one) => JSON.stringify(one));
    expect(new Set(records).size).toBe(records.length);
    expect(await checkLedger(box.ledger, [])).toMatchObject({ findings: [] });
  });

  const wrong: readonly (readonly [string, string, (record: DecisionRecord) => Promise<Uint8Array[]>])[] = [
    ["QUORUM", "one keeper alone", (record) => signedBy(record, keepers[0])],
    ["PERSON-TWICE", "one keeper twice", (record) => signedBy(record, keepers[0], keepers[0])],
    ["PERSON-UNKNOWN", "somebody who was not named", (record) => signedBy(record, keepers[0], op1)],
    [
      "LEDGER-BOX",
      "another box's",
      (record) => signedBy({ ...record, genesis: "11".repeat(32) }, keepers[0], keepers[1]),
    ],
    [
      "CMS-DIGEST",
      "signatures over two decisions",
      async (record) => [
        ...(await signedBy(record, keepers[0])),
        ...(await signedBy({ ...record, reason: "other" }, keepers[1])),
      ],
    ],
    ["CMS-FORM", "no signature at all", async () => []],
  ];
  it.each(wrong)("%s: %s settles nothing", async (code, _, sign) => {
    const p7ms = await sign(await about(digestOf(fork)));
    await expect(signedDecision(await known(), p7ms)).rejects.toMatchObject({ code });
    expect(await box.ledger.db.reading((sql) => sql.all("SELECT * FROM decisions"))).toEqual([]);
  });

  it("LEDGER-FORK: one that was written before another manifest of the number came settles nothing", async () => {
    const record = await about(digestOf(fork));
    const third = await bundleAt(
      { number: 2, previous: digestOf(bundles[0] as Bundle) },
      { manifest: (one) => ({ ...one, reported: { by: "a third" } }) },
    );
    expect(inShort(await box.ingest(stickOf([third])))).toEqual(["disputed 2"]);
    await expect(settled(record, keepers[0], keepers[1])).rejects.toMatchObject({ code: "LEDGER-FORK" });
    await expect(about(digestOf(fork), 1)).rejects.toMatchObject({ code: "LEDGER-FORK" });
    await expect(about("22".repeat(32))).rejects.toMatchObject({ code: "LEDGER-FORK" });
  });

  it("LEDGER-FORK: what OpenSSL signs, as the command says, decides", async () => {
    const record = await about(digestOf(bundles[1] as Bundle));
    const content = join(box.dir, "decision.json");
    writeFileSync(content, decisionRecordBytes(record));
    const p7ms = keepers.slice(0, 2).map((keeper, at) => opensslSigned(content, keeper, join(box.dir, `keeper-${at}`)));
    const signed = await signedDecision({ ...(await known()), trust: { roots: [] } }, p7ms);
    expect(signed.keepers).toHaveLength(2);
    expect(signed.record).toEqual(record);
  });
});

function opensslSigned(content: string, { certificate, key }: Issued, at: string): Uint8Array {
  writeFileSync(
    `${at}.crt`,
    `-----BEGIN CERTIFICATE-----\n${Buffer.from(certificate).toString("base64")}\n-----END CERTIFICATE-----\n`,
  );
  writeFileSync(`${at}.key`, key.export({ type: "pkcs8", format: "pem" }));
  const words = `cms -sign -binary -nodetach -cades -nosmimecap -md sha256 -econtent_type ${oids.ledgerDecision} -outform DER`;
  execFileSync("openssl", [
    ...words.split(" "),
    "-in",
    content,
    "-signer",
    `${at}.crt`,
    "-inkey",
    `${at}.key`,
    "-out",
    `${at}.p7m`,
  ]);
  return new Uint8Array(readFileSync(`${at}.p7m`));
}
