/** What later records take back of what was sealed: compromises, revocations, re-sealing lists, policies; on a real store, and the rule alone. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../../host/crypto-host.ts";
import { findSeals } from "../../../ledger/answers/find.ts";
import { recordAnswers } from "../../../ledger/answers/records.ts";
import { rangesIn } from "../../../ledger/answers/standing/box-words.ts";
import type { Lists } from "../../../ledger/answers/standing/issuers-words.ts";
import { type Asked, type BoxWords, marksOf, takenBy } from "../../../ledger/answers/standing/marks.ts";
import { boxNamed } from "../../../ledger/boxes/enrolled.ts";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import { base64, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { type OrderKind, orderBytes } from "../../../manifests/records/order.ts";
import type { Policy } from "../../../manifests/records/policy.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import type { Bundle } from "../../bundle/build.ts";
import { bundleAt, chainOf, digestOf, layBundle, outboxOf, type Stick } from "../../bundle/chain.ts";
import { issuer, oids, op1, op2, op3, people, root, sealing, stranger } from "../../bundle/people.ts";
import { makePolicy, policyBytes, signedBy } from "../../bundle/signed.ts";
import { chainedTranscript } from "../../manifests/records/transcript-content.ts";
import { type Issued, issue } from "../../pki/authority.ts";
import { makeCrl } from "../../pki/crl.ts";
import { inShort, type TestLedger, testLedger } from "../ingest/on-real-ledger.ts";
import { tamper } from "../tampering.ts";

const now = "2026-11-29T08:00:00Z";
const key = hex(sha256(sealing.spki));

let bundles: readonly Bundle[];
let genesis: string;
let box: TestLedger;
beforeAll(async () => {
  bundles = await chainOf(3);
  genesis = (bundles[0] as Bundle).genesis;
  box = await testLedger();
  await box.enrol(genesis);
  await box.ingest(outboxOf(bundles));
});
afterAll(() => box.end());

/** Times at which the manifests were made, by the box's clock. */
const made = (number: number) => bundles[number - 1]?.manifest.created as string;

let orders = 6;
async function order(kind: OrderKind, what: Json, by: readonly Issued[] = [op1, op2]): Promise<Uint8Array> {
  const content = orderBytes({
    appliance: "box-1",
    created: "2026-11-21T09:00:00Z",
    expires: "2026-11-21T10:00:00Z",
    kind,
    number: ++orders,
    policyDigest: genesis,
    previous: "12".repeat(32),
    what,
  });
  return signedBy(by, oids.order, content, "2026-11-21T09:00:00Z");
}

const revoke = (since: string | null, revocation = "keyCompromise", by?: readonly Issued[]) =>
  order("revoke-key", { reason: "The safe was open.", revocation, since, spki: base64(sealing.spki) }, by);

const bring = async (files: Readonly<Record<string, Uint8Array>>) =>
  inShort(
    await box.ingest(new Map(Object.entries(files).map(([path, bytes]) => [`coldseal/box/box-1/${path}`, bytes]))),
  );

/** Of the document of that number: whether it counts, and what is said. */
async function asked(number: number, own?: Lists) {
  const digest = hex(sha256(utf8(`%PDF-1.7 ${number}`)));
  const wanted = own ? { own } : {};
  const { seals } = await box.ledger.db.reading((sql) => findSeals(sql, [digest], now, wanted));
  return seals.map(({ counts, marks, why }) => ({ counts, why, what: marks.map(({ what }) => what) }));
}

const counting = async () => [await asked(1), await asked(2), await asked(3)].map(([one]) => one?.counts);

// One after another: each goes on where the one before ended.
describe("what takes seals back", () => {
  it("LEDGER-ANSWER: nothing, by an order that too few or others signed", async () => {
    expect(await asked(2)).toEqual([{ counts: true, why: "it counts", what: [] }]);
    const few = await revoke(null, "keyCompromise", [op1]);
    const others = await revoke(null, "keyCompromise", [op1, stranger]);
    expect(await bring({ "orders/0007.p7m": few, "orders/0008.p7m": others })).toEqual([
      "order refused QUORUM",
      "order refused PERSON-UNKNOWN",
    ]);
    expect(await counting()).toEqual([true, true, true]);
  });

  it("LEDGER-ANSWER: a certificate that its issuer revoked, as a CRL says, where nothing proves that it is older", async () => {
    const { serial } = readCertificate(sealing.certificate);
    const crls = [makeCrl(issuer, { revoked: [serial] })];
    expect(await asked(1, { crls, ocsp: [] })).toMatchObject([
      { counts: false, what: ["revoked-certificate"], why: expect.stringContaining("revoked by its issuer") },
    ]);
    expect(await asked(1, { crls: [makeCrl(issuer)], ocsp: [] })).toMatchObject([{ counts: true }]);
  });

  it("LEDGER-ANSWER: not what was made before a key was revoked for another reason", async () => {
    expect(await bring({ "orders/0009.p7m": await revoke(null, "superseded") })).toEqual(["order taken"]);
    expect(await asked(3)).toEqual([{ counts: true, why: "it counts", what: ["revoked-key"] }]);
  });

  it("LEDGER-ANSWER: the transcript of a compromise ceremony alone, where no order came in", async () => {
    const people = [op1, op2].map(({ certificate }, at) => ({ id: `op${at + 1}`, certificate }));
    const step = (name: string, facts: Record<string, string>) => ({ step: name, facts, people: ["op1"] });
    const steps = [
      step("key", { key, purpose: "sealing" }),
      step("revoke", { kind: "revoke-key" }),
      step("report", { fall: "3, 9 to 12", stand: "1 to 2" }),
    ];
    const content = await chainedTranscript(people, steps, {
      ceremony: "compromise",
      archive: "2026-007",
      run: "live",
    });
    const p7m = await signedBy([op1, op2], oids.transcript, content);
    expect(await bring({ "transcripts/2026-007-compromise.p7m": p7m })).toEqual(["transcript entered"]);
    expect(await counting()).toEqual([true, true, false]);
    expect(await asked(3)).toMatchObject([{ why: expect.stringContaining("ceremony 2026-007") }]);
  });

  it("LEDGER-ANSWER: a compromise since some time what was made from then on; what is older stands, by whose clock is said", async () => {
    expect(await bring({ "orders/0010.p7m": await revoke(made(2)) })).toEqual(["order taken"]);
    expect(await counting()).toEqual([true, false, false]);
    expect(await asked(1)).toMatchObject([{ what: ["compromised", "revoked-key"] }]);
    expect(await asked(2)).toMatchObject([
      { why: expect.stringContaining(`seal made from ${made(2)} on does not count (order`) },
    ]);
  });

  it("SEAL-ONCE: a re-sealing list names its manifests, and the one that sealed them again", async () => {
    const what = { key: base64(sealing.spki), manifests: [2, 3], reason: "The safe was open.", since: made(2) };
    const again = await bundleAt(
      { number: 4, previous: digestOf(bundles[2] as Bundle) },
      { documents: { "contract 2.pdf": "%PDF-1.7 2" }, head: (head) => ({ ...head, batch: "batch-2" }) },
    );
    const stick: Stick = new Map([["coldseal/box/box-1/orders/0011.p7m", await order("reseal", what)]]);
    layBundle(stick, "coldseal/outbox/again", again);
    expect(inShort(await box.ingest(stick))).toEqual(["order taken", "chained 4"]);
    const [first, second] = await asked(2);
    expect(first).toMatchObject({ counts: false, what: expect.arrayContaining(["compromised", "resealed"]) });
    expect(second).toMatchObject({ what: expect.arrayContaining(["reseals"]) });
    expect(await asked(3)).toMatchObject([{ what: expect.arrayContaining(["may-be-resealed"]) }]);
  });

  it("LEDGER-ANSWER: a later policy's list what nothing proves to be older; an approver's certificate is told", async () => {
    const revoked = [issuer, op1].map(({ certificate }) => hex(sha256(certificate)));
    const next = policyBytes(makePolicy({ number: 2, previous: genesis, revoked }));
    const p7m = await signedBy([op2, op3], oids.policy, next, "2026-11-22T08:00:00Z");
    expect(await bring({ "policies/policy-0002.p7m": p7m })).toEqual(["policy taken"]);
    const [one] = await asked(1);
    expect(one).toMatchObject({
      counts: false,
      why: expect.stringMatching(/by policy 2, since 2026-11-22T08:00:00Z: this does not count/),
    });
    expect(one?.what.filter((what) => what === "revoked-certificate")).toHaveLength(3);
  });

  it("LEDGER-ANSWER: all of it is shown with the records beside manifests, and verifies", async () => {
    const shown = await box.ledger.db.reading(async (sql) => recordAnswers(sql, await boxNamed(sql, "box-1")));
    expect(shown.map(({ type }) => type)).toEqual(["transcript", "reseal", "revoked-key", "revoked-key"]);
    expect(shown.at(-1)).toMatchObject({
      entry: null,
      about: { key, revocation: "keyCompromise", since: made(2), people: "op1, op2" },
    });
    expect(await checkLedger(box.ledger, [])).toMatchObject({ findings: [] });
    tamper(
      box,
      "UPDATE revoked_keys SET digest = zeroblob(32) WHERE digest = (SELECT digest FROM revoked_keys ORDER BY digest LIMIT 1)",
    );
    expect((await checkLedger(box.ledger, [])).count).toBeGreaterThan(0);
  });
});

describe("a policy that asks for longer keys than one of those who signed it had", () => {
  it("LEDGER-ANSWER: takes back what it lists, since its last signature, by the lengths that its chain was verified by", async () => {
    const short = issue(root, { name: "op4", suite: "rsa-pkcs1-sha256", rsaBits: 2048, eku: [oids.operator] });
    const { certificate } = short;
    const first = (policy: Policy): Policy => ({
      ...policy,
      limits: { ...policy.limits, minimumRsaBits: 2048 },
      people: [...people, { id: "op4", name: "Operator 4", roles: ["officer"], certificates: [certificate] }],
    });
    const [bundle] = (await chainOf(1, () => ({ policy: first, founders: [op1, op2, op3, short] }))) as [Bundle];
    const revoked = [hex(sha256(certificate)), hex(sha256(issuer.certificate))];
    const next = policyBytes(makePolicy({ number: 2, previous: bundle.genesis, revoked }));
    const signed = await signedBy([short, op2, op3], oids.policy, next, "2026-11-22T08:00:00Z");
    const of = await testLedger();
    try {
      await of.enrol(bundle.genesis);
      const policies = new Map([["coldseal/box/box-1/policies/policy-0002.p7m", signed]]);
      expect(inShort(await of.ingest(outboxOf([bundle])))).toEqual(["chained 1"]);
      expect(inShort(await of.ingest(policies))).toEqual(["policy taken"]);
      const [digest] = [...bundle.documents.values()].map((bytes) => hex(sha256(bytes)));
      const { seals } = await of.ledger.db.reading((sql) => findSeals(sql, [digest as string], now));
      expect(seals).toMatchObject([
        { counts: false, why: expect.stringMatching(/by policy 2, since 2026-11-22T08:00:00Z/) },
      ]);
    } finally {
      of.end();
    }
  });
});

describe("the rule alone", () => {
  const since = "2026-11-24T00:00:00Z";
  const takenBack = [{ by: "policy 2", certificate: "cc".repeat(32), policy: 2, since }];

  it("LEDGER-ANSWER: what is proven to be older than a revocation stands", () => {
    const marks = (proven: string | undefined) => marksOf(of({}, proven), words({ takenBack }));
    expect(takenBy(marks(undefined))).toMatch(/nothing proves that it existed before/);
    expect(takenBy(marks(since))).toMatch(/does not count/);
    expect(takenBy(marks("2026-11-23T23:59:59Z"))).toBeUndefined();
    expect(marks("2026-11-23T23:59:59Z")).toMatchObject([{ text: expect.stringContaining("so that it stands") }]);
  });

  it("LEDGER-ANSWER: of a compromise without a known time all falls, also what is proven to be older", () => {
    const compromised = [{ by: "order 7", fall: [], key, reason: null, since: null }];
    expect(takenBy(marksOf(of({}, "2026-11-20T13:00:00Z"), words({ compromised })))).toMatch(/nobody knows since when/);
    const timed = [{ by: "order 7", fall: [], key, reason: null, since }];
    expect(marksOf(of({}, "2026-11-20T13:00:00Z"), words({ compromised: timed }))).toMatchObject([
      { takes: false, text: expect.stringContaining("proven to have existed by 2026-11-20T13:00:00Z") },
    ]);
    expect(marksOf(of({}), words({ compromised: timed }))).toMatchObject([
      { takes: false, text: expect.stringContaining("no evidence of time says so") },
    ]);
  });

  it("LEDGER-ANSWER: what claims to be made by a key after it was revoked does not count", () => {
    const revoked = [{ by: "order 7", created: since, key, revocation: "superseded" }];
    expect(takenBy(marksOf(of({ created: "2026-11-24T00:00:01Z" }), words({ revoked })))).toMatch(/after that/);
    expect(takenBy(marksOf(of({ created: since }), words({ revoked })))).toBeUndefined();
  });

  it("EMERGENCY: a seal of an emergency says whether it was closed", () => {
    const emergency = {
      cause: "provider",
      earlierSeals: 0,
      order: "ee".repeat(32),
      since,
      text: { digest: "dd".repeat(32), language: "en" },
    } as const;
    expect(marksOf(of({ emergency }), words({}))).toMatchObject([{ what: "emergency-open", takes: false }]);
    const closings = [{ ended: since, entry: 9, lists: "listed" }] as const;
    expect(marksOf({ ...of({ emergency }), closings }, words({}))).toMatchObject([
      { what: "emergency-closed", takes: false },
    ]);
    const more = [...closings, { ended: since, entry: 11, lists: "not-listed" }] as const;
    expect(marksOf({ ...of({ emergency }), closings: more }, words({}))).toMatchObject([
      {
        what: "emergency-exceeded",
        takes: true,
        text: expect.stringContaining("entry 11 of the log, does not list this"),
      },
    ]);
  });

  it("LEDGER-ANSWER: ranges of a report are read as the ceremony writes them, and a piece that was cut off is left", () => {
    expect(rangesIn("none")).toEqual([]);
    expect(rangesIn("1 to 3, 7")).toEqual([
      { from: 1, to: 3 },
      { from: 7, to: 7 },
    ]);
    const long = `${"1, ".repeat(1365)}12`.slice(0, 4096).padEnd(4096, "3");
    expect(rangesIn(long).at(-1)).toEqual({ from: 1, to: 1 });
  });
});

function of(change: Partial<Asked["manifest"]>, proven?: string): Asked {
  const { manifest } = bundles[0] as Bundle;
  const certificate = "cc".repeat(32);
  const keys = { ...manifest.keys, sealing: { ...manifest.keys.sealing, certificate } };
  return {
    manifest: { ...manifest, keys, ...change },
    proven,
    paths: { sealing: [], audit: [] },
    sameBatch: [],
    closings: [],
  };
}

function words(some: Partial<BoxWords>): BoxWords {
  return { compromised: [], revoked: [], takenBack: [], reseals: [], ...some };
}
