import { beforeAll, describe, expect, it } from "vitest";
import { chainWords } from "../../../desk/chain-words.ts";
import { digestOf, nodeHost } from "../../../host/crypto-host.ts";
import type { HashName } from "../../../manifests/cms/suite.ts";
import type { LogTrust } from "../../../manifests/log/checkpoint.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import { verifyChain } from "../../../manifests/verify/chain/chain.ts";
import { logProofPath, mostLogProofs } from "../../../manifests/verify/log-proofs.ts";
import { verifySeal } from "../../../manifests/verify/seal.ts";
import { type Bundle, buildBundle } from "../../bundle/build.ts";
import { chainOf, layBundle, type Stick } from "../../bundle/chain.ts";
import { type LogChanges, logProofFile, logTrust, origin } from "../../bundle/log.ts";
import { memorySource } from "../../bundle/memory-source.ts";

let bundle: Bundle;
let trusted: LogTrust;
beforeAll(async () => {
  bundle = await buildBundle();
  trusted = await logTrust();
});

const name = "contract 0113.pdf";
const sealFile = "seals/0000/000001-contract-0113.pdf.p7s";

const withProofs = (...proofs: readonly Uint8Array[]): Bundle => ({
  ...bundle,
  files: new Map([...bundle.files, ...proofs.map((bytes, at) => [logProofPath(at + 1), bytes] as const)]),
});
const verified = (made: Bundle, log?: LogTrust) =>
  verifyBundle(nodeHost, memorySource(made), {
    roots: made.roots,
    genesis: made.genesis,
    ...(log ? { log } : {}),
  });
const sealVerified = (
  proof: Uint8Array,
  { log = trusted, alone = false }: { readonly log?: LogTrust; readonly alone?: boolean } = {},
) => {
  const file = (path: string) => bundle.files.get(path) as Uint8Array;
  const document = bundle.documents.get(name) as Uint8Array;
  const beside = {
    manifest: file("manifest.p7m"),
    list: once(file("documents.jsonl")),
    authorization: file("authorization.p7m"),
    policies: [file("policy/0001.p7m")],
  };
  const given = {
    seal: file(sealFile),
    documentDigest: async (hash: HashName) => digestOf(hash, document),
    logs: [{ name: "log", bytes: proof }],
    ...(alone ? {} : beside),
  };
  return verifySeal(nodeHost, given, { roots: bundle.roots, genesis: bundle.genesis, log });
};
async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
const codes = ({ findings }: { readonly findings: readonly { readonly file: string; readonly code: string }[] }) =>
  findings.map(({ code, file }) => `${file} ${code}`);

describe("a bundle whose manifest is in a log", () => {
  it("LOG-PROOF: says at which index, in which tree, and who cosigned it", async () => {
    const verdict = await verified(withProofs(await logProofFile(bundle)), trusted);
    expect(verdict.findings).toEqual([]);
    const { shown, ...asked } = verdict.log;
    expect(asked).toEqual({ log: origin, witnesses: 3, cosignatures: 2 });
    expect(shown).toEqual([
      {
        file: "evidence/log-0001.json",
        origin,
        size: 14,
        root: expect.stringMatching(/^[0-9a-f]{64}$/),
        manifest: 5,
        seal: null,
        cosigners: [
          { name: "witness.example/a", time: "2026-11-30T00:53:20Z" },
          { name: "witness.example/b", time: "2026-11-30T00:53:20Z" },
        ],
        discounted: null,
      },
    ]);
  });

  it("LOG-NOTE: without a log's key, and under another log's, the proof is told and does not count", async () => {
    const made = withProofs(await logProofFile(bundle));
    const bare = await verified(made);
    expect([bare.ok, bare.log.log, bare.log.shown[0]?.discounted]).toEqual([true, null, "no key of a log was given"]);
    const other = await verified(made, { ...trusted, log: { ...trusted.log, name: "ledger.example/other" } });
    expect([other.ok, other.log.shown[0]?.discounted]).toEqual([true, expect.stringContaining("another log")]);
    expect(other.log.shown[0]?.cosigners).toEqual([]);
  });

  it("HONEST: without a proof the verdict holds, and shows none", async () => {
    const { log, ok } = await verified(bundle, trusted);
    expect([ok, log.log, log.shown]).toEqual([true, origin, []]);
  });

  it("LOG-PROOF: what does not hold is found of its file, with and without keys", async () => {
    const wrong: readonly (readonly [string, LogChanges])[] = [
      ["LOG-PROOF", { checkpoint: (right) => ({ ...right, root: right.root.map((byte) => byte ^ 1) }) }],
      ["LOG-PROOF", { opened: (right) => ({ ...right, index: 6 }) }],
      ["LOG-PROOF", { opened: (right) => ({ ...right, salt: "00".repeat(32) }) }],
      ["LOG-PROOF", { record: (right) => ({ ...right, appliance: "box-2" }) }],
      ["LOG-PROOF", { record: (right) => ({ ...right, genesis: "00".repeat(32) }) }],
      ["LOG-PROOF", { record: (right) => (right.type === "manifest" ? { ...right, digest: "00".repeat(32) } : right) }],
      ["LOG-PROOF", { record: (right) => (right.type === "manifest" ? { ...right, number: 2 } : right) }],
      ["LOG-PROOF", { seals: [1] }],
      ["LOG-PROOF", { entries: ([right]) => [right as NonNullable<typeof right>], record: asRefusal }],
    ];
    for (const [code, changes] of wrong) {
      const made = withProofs(await logProofFile(bundle, changes));
      for (const log of [trusted, undefined]) {
        const verdict = await verified(made, log);
        expect(codes(verdict), String(Object.values(changes)[0])).toEqual([`evidence/log-0001.json ${code}`]);
        expect([verdict.ok, verdict.log.shown]).toEqual([false, []]);
      }
    }
    const few = await verified(withProofs(await logProofFile(bundle, { witnesses: [] })), trusted);
    expect(codes(few)).toEqual(["evidence/log-0001.json LOG-NOTE"]);
  });

  it("LOG-PROOF: several proofs are each looked at, and no more than sixteen", async () => {
    const proof = await logProofFile(bundle);
    const many = await verified(withProofs(...Array.from({ length: mostLogProofs + 1 }, () => proof)), trusted);
    expect(codes(many)).toEqual(["evidence/log-0017.json BUNDLE-FORM"]);
    expect(many.log.shown).toHaveLength(mostLogProofs);
    const two = await verified(withProofs(new Uint8Array(3), proof), trusted);
    expect(codes(two)).toEqual(["evidence/log-0001.json LOG-FORM"]);
    expect(two.log.shown).toHaveLength(1);
  });

  it("LOG-PROOF: of a manifest that does not hold nothing is shown", async () => {
    const files = new Map(withProofs(await logProofFile(bundle)).files);
    files.set(
      "manifest.p7m",
      (files.get("manifest.p7m") as Uint8Array).map((byte, at, all) => (at === all.length - 1 ? byte ^ 1 : byte)),
    );
    const { log, ok } = await verified({ ...bundle, files }, trusted);
    expect([ok, log.shown]).toEqual([false, []]);
  });
});

describe("a seal whose entry is in a log", () => {
  it("LOG-PROOF: is shown with its manifest's, and with the manifest's alone", async () => {
    const both = await sealVerified(await logProofFile(bundle, { seals: [1] }));
    expect([both.findings, both.log.shown.map(({ manifest, seal }) => [manifest, seal])]).toEqual([[], [[5, 6]]]);
    const one = await sealVerified(await logProofFile(bundle));
    expect([one.findings, one.log.shown.map(({ manifest, seal }) => [manifest, seal])]).toEqual([[], [[5, null]]]);
    const alone = await sealVerified(await logProofFile(bundle, { seals: [1] }), { alone: true });
    expect([alone.findings, alone.log.shown.map(({ seal }) => seal)]).toEqual([[], [6]]);
  });

  it("LOG-PROOF: another seal's, another manifest's and another line are found", async () => {
    const renamed: LogChanges["record"] = (right) =>
      right.type === "seal" ? { ...right, line: { ...right.line, size: right.line.size + 1 } } : right;
    for (const [changes, alone, expected] of [
      [{ seals: [2] }, false, "log LOG-PROOF"],
      [{ seals: [2] }, true, "log LOG-PROOF"],
      [{ seals: [1], record: renamed }, false, "log LOG-PROOF"],
      [{ record: (right) => ({ ...right, appliance: "box-2" }) }, true, "log LOG-PROOF"],
      [{ record: (right) => (right.type === "manifest" ? { ...right, number: 2 } : right) }, true, "log LOG-PROOF"],
    ] as readonly (readonly [LogChanges, boolean, string])[]) {
      const verdict = await sealVerified(await logProofFile(bundle, changes), { alone });
      expect([verdict.ok, codes(verdict)]).toEqual([false, [expected]]);
    }
  });
});

describe("a chain of manifests in a log", () => {
  it("LOG-PROOF: says how many records a proof shows, and finds those that do not hold", async () => {
    const chain = await chainOf(3);
    const [first, second, third] = chain as readonly [Bundle, Bundle, Bundle];
    const stick: Stick = new Map();
    chain.forEach((one, at) => {
      layBundle(stick, `outbox/${at + 1}`, one);
    });
    const put = (at: number, bytes: Uint8Array) => stick.set(`outbox/${at}/${logProofPath(1)}`, bytes);
    put(1, await logProofFile(first));
    put(2, await logProofFile(second));
    const trust = { roots: first.roots, genesis: first.genesis };
    const judged = async (log?: LogTrust) =>
      verifyChain(nodeHost, memorySource({ files: stick }), { ...trust, ...(log ? { log } : {}) });
    const holds = await judged(trusted);
    expect([holds.ok, holds.log, holds.records.logged]).toEqual([true, origin, 2]);
    expect(chainWords(holds).rows).toContainEqual([
      "log",
      `2 of 3 records shown to be in ${origin}, by proofs beside them`,
    ]);
    const bare = await judged();
    expect([bare.ok, bare.log, bare.records.logged]).toEqual([true, null, 0]);
    put(3, await logProofFile(second));
    const wrong = await judged(trusted);
    expect([wrong.ok, codes(wrong), wrong.records.logged]).toEqual([
      false,
      [`outbox/3/${logProofPath(1)} LOG-PROOF`],
      2,
    ]);
    put(3, await logProofFile(third));
    expect((await judged(trusted)).records.logged).toBe(3);
  });
});

/** A record of something else, of the same digest and length of opening. */
function asRefusal(right: Parameters<NonNullable<LogChanges["record"]>>[0]): typeof right {
  if (right.type !== "manifest") return right;
  const { number: _, type: __, ...rest } = right;
  return { ...rest, type: "refusal" };
}
