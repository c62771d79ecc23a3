import { beforeAll, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import {
  type AcknowledgementWanted,
  acknowledgementBytes,
  checkAcknowledgement,
  mostAcknowledged,
  readAcknowledgement,
} from "../../../manifests/log/acknowledgement.ts";
import { emptyRoot } from "../../../manifests/log/tree-proof.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { makePolicy } from "../../bundle/signed.ts";
import { fingerprint, issue } from "../../pki/authority.ts";
import { type AcknowledgementOf, acknowledger, ledgerRoot, oids, TestLedger } from "./test-ledger.ts";

const box = { appliance: "box-1", genesis: "ab".repeat(32) };
const digestOf = (number: number) => number.toString(16).padStart(2, "0").repeat(32);
const empty = { root: emptyRoot, size: 0 };

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await TestLedger.make();
  await ledger.fill(3);
  await ledger.hold(box, { number: 1, digest: digestOf(1) }, { number: 2, digest: digestOf(2) });
  await ledger.fill(5);
  await ledger.hold({ ...box, appliance: "box-2" }, { number: 3, digest: digestOf(3) });
  await ledger.hold(box, { number: 3, digest: digestOf(3) });
  await ledger.fill(1);
});

function wanted(change: Partial<AcknowledgementWanted["policy"]> = {}, from = empty): AcknowledgementWanted {
  return { policy: { ...makePolicy(), ledger: ledger.rules(), ...change }, genesis: box.genesis, from };
}

async function checked(of: Partial<AcknowledgementOf> = {}, by = wanted()) {
  return checkAcknowledgement(nodeHost, await ledger.acknowledgement({ box, ...of }), by);
}

async function refusalOf(promise: Promise<unknown>): Promise<Refusal> {
  const fault = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (fault instanceof Refusal) return fault;
  throw fault ?? new Error("nothing was refused");
}

const codeOf = async (of: Partial<AcknowledgementOf>, by?: AcknowledgementWanted) =>
  (await refusalOf(checked(of, by))).code;

describe("an acknowledgement", () => {
  it("ACKNOWLEDGEMENT: names the box's manifests under a checkpoint that log and witnesses signed, from the first on", async () => {
    const { acknowledgement, checkpoint, signed } = await checked();
    expect(acknowledgement.acknowledged.map(({ digest, number }) => [number, digest])).toEqual([
      [1, digestOf(1)],
      [2, digestOf(2)],
      [3, digestOf(3)],
    ]);
    expect(acknowledgement.number).toBe(3);
    expect(checkpoint).toMatchObject({ origin: "ledger.example/log", size: ledger.size });
    expect(hex(checkpoint.root)).toBe(hex(ledger.head().root));
    expect(checkpoint.cosigners).toHaveLength(2);
    expect(signed).toBe("2026-11-20T12:00:00Z");
  });

  it("ACKNOWLEDGEMENT: leads on from every checkpoint that it has a proof for, and from the same one", async () => {
    const sizes = Array.from({ length: ledger.size - 1 }, (_, at) => at + 1);
    for (const size of sizes) await checked({ from: sizes }, wanted({}, ledger.head(size)));
    await checked({ from: [] }, wanted({}, ledger.head()));
  });

  it("ACKNOWLEDGEMENT: a smaller tree is refused, and where none of the proofs fits the size that is needed is said", async () => {
    const smaller = await refusalOf(checked({ size: 5, from: [3] }, wanted({}, ledger.head(7))));
    expect(smaller).toMatchObject({ code: "ACKNOWLEDGEMENT", expected: "a checkpoint of 7 entries or more", got: "5" });
    const none = await refusalOf(checked({ from: [3, 8] }, wanted({}, ledger.head(7))));
    expect(none).toMatchObject({ code: "ACKNOWLEDGEMENT", expected: "one from size 7", got: "from 3, 8" });
    expect((await refusalOf(checked({}, wanted({}, ledger.head(7))))).got).toBe("none");
  });

  it("LOG-PROOF: a ledger that shows the box another tree than before is found out, of the same size and of a larger one", async () => {
    const forked = (size: number) => ({ ...ledger.head(size), root: ledger.head(size - 1).root });
    expect(await codeOf({}, wanted({}, forked(ledger.size)))).toBe("LOG-PROOF");
    expect(await codeOf({ from: [7] }, wanted({}, forked(7)))).toBe("LOG-PROOF");
    const other = ledger.content({ box, from: [8] }).consistency.map(({ path }) => ({ path, size: 7 }));
    expect(await codeOf({ change: (one) => ({ ...one, consistency: other }) }, wanted({}, ledger.head(7)))).toBe(
      "LOG-PROOF",
    );
  });

  it("LOG-PROOF: a manifest, place, salt or path that is not the log's", async () => {
    const first = ledger.content({ box }).acknowledged[0];
    if (!first) throw new Error("nothing is acknowledged");
    const changes = [
      { digest: digestOf(9) },
      { index: first.index + 1 },
      { index: ledger.size },
      { salt: digestOf(1) },
      { path: first.path.slice(1) },
      { path: [...first.path, digestOf(1)] },
    ];
    for (const change of changes) {
      const acknowledged = [{ ...first, ...change }];
      expect(await codeOf({ change: (one) => ({ ...one, acknowledged }) }), JSON.stringify(change)).toBe("LOG-PROOF");
    }
    // Its number is in the entry too.
    expect(await codeOf({ change: (one) => ({ ...one, acknowledged: [{ ...first, number: 2 }] }) })).toBe("LOG-PROOF");
  });

  it("ACKNOWLEDGEMENT: another box's, another log's, and any where the policy names no ledger", async () => {
    expect(await codeOf({ change: (one) => ({ ...one, appliance: "box-2" }) })).toBe("ACKNOWLEDGEMENT");
    expect(await codeOf({ change: (one) => ({ ...one, genesis: "cd".repeat(32) }) })).toBe("ACKNOWLEDGEMENT");
    expect(await codeOf({ change: (one) => ({ ...one, origin: "other.example/log" }) })).toBe("ACKNOWLEDGEMENT");
    const { ledger: _, ...none } = wanted().policy;
    expect(await codeOf({}, { ...wanted(), policy: none })).toBe("ACKNOWLEDGEMENT");
    const other = await TestLedger.make("other.example/log");
    expect(await codeOf({}, wanted({ ledger: other.rules() }))).toBe("ACKNOWLEDGEMENT");
  });

  it("LOG-NOTE: a checkpoint of another key, and one that too few witnesses cosigned", async () => {
    const other = await TestLedger.make("other.example/log");
    await other.fill(20);
    expect(await codeOf({ change: (one) => ({ ...one, checkpoint: other.checkpoint() }) })).toBe("LOG-NOTE");
    expect(await codeOf({ witnesses: [] })).toBe("LOG-NOTE");
    expect(
      await codeOf({ witnesses: other.witnesses.slice(0, 1) }, wanted({ ledger: ledger.rules({ cosignatures: 2 }) })),
    ).toBe("LOG-NOTE");
    await checked({ witnesses: [] }, wanted({ ledger: ledger.rules({ cosignatures: 0 }) }));
    expect(
      await codeOf({}, wanted({ ledger: ledger.rules({ cosignatures: 0, witnesses: ["w+00000000+AAAA"] }) })),
    ).toBe("LOG-NOTE");
  });

  it("ACKNOWLEDGEMENT: only under the very certificate that the policy names, for acknowledgements, valid and not revoked", async () => {
    const again = issue(ledgerRoot, { name: "ledger", eku: [oids.acknowledging], key: acknowledger.key });
    expect(await codeOf({ by: again })).toBe("ACKNOWLEDGEMENT");
    const named = (certificate: Uint8Array) => wanted({ ledger: ledger.rules({ acknowledgement: certificate }) });
    const audit = issue(ledgerRoot, { name: "audit", eku: [oids.audit] });
    expect(await codeOf({ by: audit }, named(audit.certificate))).toBe("PATH-USAGE");
    const ended = issue(ledgerRoot, { name: "ended", eku: [oids.acknowledging], notAfter: "2026-01-01T00:00:00Z" });
    expect(await codeOf({ by: ended }, named(ended.certificate))).toBe("PATH-TIME");
    expect(await codeOf({}, wanted({ revoked: [fingerprint(acknowledger.certificate)] }))).toBe("PATH-REVOKED");
    const rsa = issue(ledgerRoot, { name: "rsa", eku: [oids.acknowledging], suite: "rsa-pkcs1-sha256", rsaBits: 2048 });
    const limits = { ...makePolicy().limits, minimumRsaBits: 2048 };
    await checked({ by: rsa }, { ...wanted(), policy: { ...named(rsa.certificate).policy, limits } });
    expect(await codeOf({ by: rsa }, named(rsa.certificate))).toBe("PATH-KEY");
  });

  it("CMS-TYPE: nothing else that the key signed, and no changed byte of it", async () => {
    expect(await codeOf({ eContentType: oids.statement })).toBe("CMS-TYPE");
    const p7m = await ledger.acknowledgement({ box });
    for (let at = 0; at < p7m.length; at += 97) {
      const changed = Uint8Array.from(p7m);
      changed[at] = (changed[at] as number) ^ 1;
      await refusalOf(checkAcknowledgement(nodeHost, changed, wanted()));
    }
    await refusalOf(checkAcknowledgement(nodeHost, p7m.subarray(0, -1), wanted()));
  });

  it("SHAPE: numbers and sizes rise, none is beyond its own number, and there are not too many", () => {
    const content = ledger.content({ box, from: [3, 7] });
    const bytes = acknowledgementBytes(content);
    expect(acknowledgementBytes(readAcknowledgement(bytes))).toEqual(bytes);
    const code = (change: Partial<typeof content>) => {
      try {
        acknowledgementBytes({ ...content, ...change });
      } catch (fault) {
        if (fault instanceof Refusal) return fault.code;
        throw fault;
      }
      return "none";
    };
    expect(code({ acknowledged: content.acknowledged.toReversed() })).toBe("ACKNOWLEDGEMENT");
    expect(code({ number: 2 })).toBe("ACKNOWLEDGEMENT");
    expect(code({ consistency: content.consistency.toReversed() })).toBe("ACKNOWLEDGEMENT");
    expect(code({ consistency: [{ path: [], size: 3 }] })).toBe("SHAPE");
    expect(code({ acknowledged: [] })).toBe("none");
    const [first] = content.acknowledged;
    if (!first) throw new Error("nothing is acknowledged");
    const many = Array.from({ length: mostAcknowledged + 1 }, (_, at) => ({ ...first, number: at + 1 }));
    expect(code({ acknowledged: many, number: many.length })).toBe("SHAPE");
    expect(code({ acknowledged: many.slice(1), number: many.length })).toBe("none");
  });
});
