/** Acknowledgements out of a real store, after real ingest, held against the very check that the box makes. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { type Acknowledged, acknowledge } from "../../../ledger/acknowledge/acknowledge.ts";
import { acknowledgementName, putOntoStick } from "../../../ledger/acknowledge/onto-stick.ts";
import { enrol } from "../../../ledger/boxes/enrolled.ts";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import type { Signed } from "../../../ledger/checkpoints/signed.ts";
import { ingestInto } from "../../../ledger/ingest/ingest-into.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { documentationArc } from "../../../manifests/encoding/oid.ts";
import { checkAcknowledgement } from "../../../manifests/log/acknowledgement.ts";
import { emptyRoot, type TreeHead } from "../../../manifests/log/tree-proof.ts";
import { verifierKeyText } from "../../../manifests/log/verifier-key.ts";
import type { Manifest } from "../../../manifests/records/manifest.ts";
import type { Policy } from "../../../manifests/records/policy.ts";
import type { LedgerRules } from "../../../manifests/records/policy-ledger.ts";
import type { Bundle } from "../../bundle/build.ts";
import { bundleAt, chainOf, digestOf, layBundle, other, type Stick } from "../../bundle/chain.ts";
import { oids, op1, op2, root } from "../../bundle/people.ts";
import { policyBytes, signedBy, times } from "../../bundle/signed.ts";
import { logKey } from "../../manifests/log/log-keys.ts";
import { codeOf } from "../../manifests/time/code-of.ts";
import { issue, makeRoot } from "../../pki/authority.ts";
import { aLog, noSigner, origin, type TestLog, type TestWitness } from "../checkpoints/a-log.ts";
import { tamper } from "../tampering.ts";

const empty: TreeHead = { size: 0, root: emptyRoot };

let log: TestLog;
let witness: TestWitness;
let certificate: Uint8Array;
let rules: LedgerRules;
let sticks = 0;
beforeEach(async () => {
  log = await aLog();
  witness = await log.witness("witness.example/1");
  certificate = await log.keys.certify();
  const checkpointKey = verifierKeyText(log.log);
  rules = { acknowledgement: certificate, checkpointKey, cosignatures: 1, origin, witnesses: [witness.vkey] };
});
afterEach(() => log.end());

/** A policy that names this ledger. */
const naming =
  (change: Partial<LedgerRules> = {}) =>
  (policy: Policy): Policy => ({ ...policy, version: 2, ledger: { ...rules, ...change } });

async function anotherLedger(): Promise<Partial<LedgerRules>> {
  const name = "another.example.org/boxes";
  return { origin: name, checkpointKey: verifierKeyText((await logKey(name)).vkey) };
}

const box = (to: number, policy = naming()) => chainOf(to, () => ({ policy }));

/** A stick with the policy after the first, which names another ledger than that. */
async function policyAfter({ genesis, policy }: Bundle, ledger: LedgerRules): Promise<readonly [Policy, Stick]> {
  const next: Policy = { ...policy, ledger, number: 2, previous: genesis };
  const p7m = await signedBy([op1, op2], oids.policy, policyBytes(next), times.policy);
  return [next, new Map([["coldseal/policies/policy-0002.p7m", p7m]])];
}

/** The number after `before`, with what the box says that it took. */
const reporting = (before: Bundle, number: number, acknowledged: Manifest["acknowledged"], policy = naming()) =>
  bundleAt(
    { number, previous: digestOf(before) },
    { policy, manifest: (manifest) => ({ ...manifest, ...(acknowledged ? { acknowledged } : {}) }) },
  );

async function enrolled(bundle: Bundle): Promise<void> {
  const { genesis } = bundle;
  const usual = {
    genesis,
    arc: documentationArc,
    roots: [root.certificate],
    authorities: [],
    keepers: [],
    gapHours: 72,
  };
  await log.ledger.db.writing((sql) => enrol(sql, usual, "2026-11-22T08:00:00Z"));
}

const ingest = (...bundles: readonly Bundle[]) => ingestWith(new Map(), ...bundles);

async function ingestWith(stick: Stick, ...bundles: readonly Bundle[]): Promise<void> {
  for (const [at, bundle] of bundles.entries()) layBundle(stick, `coldseal/outbox/batch-${at}`, bundle);
  const path = join(log.dir, `stick-${++sticks}`);
  for (const [name, bytes] of stick) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), bytes);
  }
  const told = await ingestInto(log.ledger, [path]);
  expect(told.filter(({ result }) => result.kind === "refused")).toEqual([]);
}

async function published(): Promise<Signed> {
  const out = await log.bringOut({ cosignatures: 1, witnesses: [witness] });
  if (!out.published) throw out.waiting;
  return out.published;
}

const acknowledged = (checkpoint: Signed, signer = log.signer): Promise<readonly Acknowledged[]> =>
  acknowledge({ ledger: log.ledger, checkpoint, certificate, signer });

/** As the box checks it. */
async function taken(one: Acknowledged | undefined, bundle: Bundle, from: TreeHead) {
  if (one?.kind !== "acknowledged") throw new Error(`not acknowledged: ${JSON.stringify(one)}`);
  const wanted = { policy: bundle.policy, genesis: bundle.genesis, from };
  const { acknowledgement } = await checkAcknowledgement(nodeHost, one.file, wanted);
  return {
    number: acknowledgement.number,
    named: acknowledgement.acknowledged.map(({ number, digest }) => [number, digest]),
    from: acknowledgement.consistency.map(({ size }) => size),
  };
}

const digests = (bundles: readonly Bundle[]) => bundles.map((bundle) => [bundle.manifest.number, digestOf(bundle)]);

describe("acknowledging", () => {
  it("ACKNOWLEDGEMENT: names all that is in the chain, as the box checks it; the same again is the same file, and signs nothing", async () => {
    const bundles = await box(3);
    await enrolled(bundles[0] as Bundle);
    await ingest(...bundles);
    const checkpoint = await published();
    const [one] = await acknowledged(checkpoint);
    expect(one).toMatchObject({
      kind: "acknowledged",
      appliance: "box-1",
      number: 3,
      size: checkpoint.size,
      fresh: true,
    });
    expect(await taken(one, bundles[0] as Bundle, empty)).toEqual({ number: 3, named: digests(bundles), from: [] });
    expect(await acknowledged(checkpoint, noSigner)).toEqual([{ ...one, fresh: false }]);
    log.ledger = await log.ledger.reopened();
    expect(await acknowledged(checkpoint, noSigner)).toEqual([{ ...one, fresh: false }]);
  });

  it("ACKNOWLEDGEMENT: leads on from what the box reported and from each that was made since, whichever of them arrived", async () => {
    const [first, second, third] = (await box(3)) as unknown as [Bundle, Bundle, Bundle];
    await enrolled(first);
    await ingest(first);
    const one = await published();
    await acknowledged(one);
    await ingest(second);
    const two = await published();
    await acknowledged(two);
    // The box took the first of them before it made number 4.
    const fourth = await reporting(third, 4, { number: 1, size: one.size, root: hex(one.root) });
    await ingest(third, fourth);
    const three = await published();
    const [last] = await acknowledged(three);
    for (const from of [one, two]) {
      const got = await taken(last, first, from);
      expect(got).toEqual({ number: 4, named: digests([second, third, fourth]), from: [one.size, two.size] });
    }
    expect(await codeOf(taken(last, first, { size: two.size + 1, root: two.root }))).toBe("ACKNOWLEDGEMENT");
    expect(await codeOf(taken(last, first, { size: two.size, root: one.root }))).toBe("LOG-PROOF");

    const fifth = await reporting(fourth, 5, { number: 4, size: three.size, root: hex(three.root) });
    await ingest(fifth);
    const [next] = await acknowledged(await published());
    expect(await taken(next, first, three)).toEqual({ number: 5, named: digests([fifth]), from: [three.size] });
    // Under the older checkpoint nothing is outstanding.
    expect(await acknowledged(three, noSigner)).toMatchObject([{ kind: "nothing" }]);
  });

  it("ACKNOWLEDGEMENT: nothing behind a gap, nothing that came in after the checkpoint", async () => {
    const bundles = await box(4);
    await enrolled(bundles[0] as Bundle);
    await ingest(bundles[0] as Bundle, bundles[2] as Bundle);
    const one = await published();
    expect(await acknowledged(one)).toMatchObject([{ kind: "acknowledged", number: 1 }]);
    await ingest(bundles[1] as Bundle);
    expect(await acknowledged(one, noSigner)).toMatchObject([{ kind: "acknowledged", number: 1, fresh: false }]);
    expect(await acknowledged(await published())).toMatchObject([{ kind: "acknowledged", number: 3 }]);
  });

  it("LEDGER-FORK: nothing from a disputed number on", async () => {
    const bundles = await box(3);
    await enrolled(bundles[0] as Bundle);
    await ingest(...bundles);
    const [, , third] = bundles as [Bundle, Bundle, Bundle];
    const forked = await bundleAt(
      { number: 3, previous: third.manifest.previous },
      { policy: naming(), manifest: other },
    );
    await ingest(forked);
    const [one] = await acknowledged(await published());
    expect(await taken(one, third, empty)).toMatchObject({ number: 2, named: digests(bundles.slice(0, 2)) });
  });

  it.each([
    ["with another root", (one: Signed) => ({ number: 1, size: one.size, root: "ab".repeat(32) })],
    ["larger than any", (one: Signed) => ({ number: 1, size: 1000, root: hex(one.root) })],
  ])("LOG-HEAD: a box that took a checkpoint %s, which this log never had, gets nothing", async (_, took) => {
    const [first] = (await box(1)) as [Bundle];
    await enrolled(first);
    await ingest(first);
    await ingest(await reporting(first, 2, took(await published())));
    expect(await acknowledged(await published())).toMatchObject([{ kind: "refused", refusal: { code: "LOG-HEAD" } }]);
  });

  it("ACKNOWLEDGEMENT: what the box took of another ledger, which its policy named before, is not of this log: it gets all from the first number on", async () => {
    const former = naming(await anotherLedger());
    const [first] = (await box(1, former)) as [Bundle];
    await enrolled(first);
    const second = await reporting(first, 2, { number: 1, size: 1, root: "ab".repeat(32) }, former);
    const [policy, stick] = await policyAfter(first, rules);
    await ingest(first);
    await ingestWith(stick, second);
    const [one] = await acknowledged(await published());
    const got = await taken(one, { ...second, policy }, empty);
    expect(got).toEqual({ number: 2, named: digests([first, second]), from: [] });
  });

  it("ACKNOWLEDGEMENT: nothing for a box whose newest policy names another ledger, which is said", async () => {
    const [first] = (await box(1)) as [Bundle];
    await enrolled(first);
    await ingest(first);
    const one = await published();
    await acknowledged(one);
    const second = await reporting(first, 2, { number: 1, size: one.size, root: hex(one.root) });
    const another = { ...rules, ...(await anotherLedger()) };
    const [, stick] = await policyAfter(first, another);
    await ingestWith(stick, second);
    const why = `its policy names another ledger, ${another.origin}: it takes no acknowledgement of this one`;
    expect(await acknowledged(await published(), noSigner)).toMatchObject([{ kind: "nothing", why }]);
  });

  it("ACKNOWLEDGEMENT: as the box's own policy asks, else nothing is written: no ledger named, another certificate, more cosignatures", async () => {
    const stranger = issue(makeRoot({ name: "x" }), { name: "other ledger", eku: [oids.acknowledging] }).certificate;
    const chains = [
      await box(1, (policy) => policy),
      await box(1, naming({ acknowledgement: stranger })),
      await box(1, naming({ cosignatures: 0, witnesses: [] })),
      await box(1, naming({ checkpointKey: verifierKeyText((await logKey(origin)).vkey) })),
      await box(1),
    ];
    for (const chain of chains) {
      await enrolled(chain[0] as Bundle);
      await ingest(...chain);
    }
    const done = await acknowledged(await published());
    const short = done.map((one) => (one.kind === "refused" ? one.refusal.code : one.kind));
    expect(short).toEqual(["nothing", "ACKNOWLEDGEMENT", "acknowledged", "LOG-NOTE", "acknowledged"]);
    expect(done[0]).toMatchObject({ why: expect.stringContaining("names no ledger") });
  });
});

describe("acknowledgements that are kept", () => {
  it.each([
    ["another number", "UPDATE acknowledgements SET number = 1"],
    ["another checkpoint", "UPDATE acknowledgements SET size = (SELECT min(size) FROM checkpoints)"],
    ["a higher number that it begins after", "UPDATE acknowledgements SET reported = 1"],
    ["another file", "UPDATE acknowledgements SET file = (SELECT file FROM box_policies LIMIT 1)"],
  ])("LOG-RECORD: are found by the ledger's check where a row says %s", async (_, change) => {
    const bundles = await box(2);
    await enrolled(bundles[0] as Bundle);
    await ingest(bundles[0] as Bundle);
    await published();
    await ingest(bundles[1] as Bundle);
    await acknowledged(await published());
    const found = async () => (await checkLedger(log.ledger, log.places)).findings.map(({ where }) => where);
    expect(await found()).toEqual([]);
    log.ledger.close();
    tamper(log.ledger, change);
    log.ledger = await log.ledger.reopened();
    expect(await found()).toEqual(["acknowledgement 1"]);
  });
});

describe("acknowledgements that are gone", () => {
  it("LOG-RECORD: are found by their numbers, and by what the box says that it took", async () => {
    const [first] = (await box(1)) as [Bundle];
    await enrolled(first);
    await ingest(first);
    const one = await published();
    await acknowledged(one);
    await ingest(await reporting(first, 2, { number: 1, size: one.size, root: hex(one.root) }));
    await acknowledged(await published());
    const found = async () => (await checkLedger(log.ledger, log.places)).findings.map(({ what }) => what);
    expect(await found()).toEqual([]);
    tamper(log.ledger, "DELETE FROM acknowledgements WHERE acknowledgement = 1");
    const gone = `says that the box took an acknowledgement under ${one.size} entries, which is not here`;
    expect(await found()).toEqual(["1 are here where the last has number 2", gone]);
    tamper(log.ledger, "DELETE FROM acknowledgements");
    expect(await found()).toEqual([gone]);
  });
});

describe("a stick", () => {
  const genesis = "ab".repeat(32);
  let stick: string;
  beforeEach(() => {
    stick = mkdtempSync(join(tmpdir(), "coldseal-ack-"));
  });
  afterEach(() => rmSync(stick, { recursive: true, force: true }));

  it("CHECKED-OUT: gets it in control/in under the box's name, in the place of an older one", async () => {
    for (const bytes of [Uint8Array.of(1, 2, 3), Uint8Array.of(4)]) {
      const path = await putOntoStick(stick, genesis, bytes);
      expect(path).toBe(`coldseal/control/in/${acknowledgementName(genesis)}`);
      expect(new Uint8Array(readFileSync(join(stick, path)))).toEqual(bytes);
    }
    expect(acknowledgementName(genesis)).toMatch(/^ack[^/]*\.p7m$/);
  });

  it("MEDIA-KIND: no link on it is followed, MEDIA-WRITE: and nothing is written over what is no file", async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "coldseal-elsewhere-"));
    try {
      mkdirSync(join(stick, "coldseal"));
      symlinkSync(elsewhere, join(stick, "coldseal/control"));
      expect(await codeOf(putOntoStick(stick, genesis, Uint8Array.of(1)))).toBe("MEDIA-KIND");
      rmSync(join(stick, "coldseal/control"));
      mkdirSync(join(stick, "coldseal/control/in", acknowledgementName(genesis)), { recursive: true });
      expect(await codeOf(putOntoStick(stick, genesis, Uint8Array.of(1)))).toBe("MEDIA-WRITE");
      expect(await codeOf(putOntoStick(join(stick, "nowhere"), genesis, Uint8Array.of(1)))).toBe("MEDIA-READ");
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });
});
