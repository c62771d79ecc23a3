import { digestOf, nodeHost } from "../../../host/crypto-host.ts";
import type { HashName } from "../../../manifests/cms/suite.ts";
import { fromHex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { sequence } from "../../../manifests/encoding/der-write.ts";
import { localTimePath } from "../../../manifests/records/names.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { checkEvidence } from "../../../manifests/time/check-evidence.ts";
import { writeEvidenceRecord } from "../../../manifests/time/evidence-record.ts";
import { checkAnchored, checkLocalToken } from "../../../manifests/time/local-time.ts";
import { checkAnswers, tokenInResponse } from "../../../manifests/time/request.ts";
import { authorityPath, checkToken, type TimeStamp, tokenLimit } from "../../../manifests/time/token.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import { verifySeal } from "../../../manifests/verify/seal.ts";
import { checkNotBefore, proofOf } from "../../../manifests/verify/time-evidence.ts";
import { type Bundle, buildBundle } from "../../bundle/build.ts";
import { inclusionOf, lineRecord, linesOf } from "../../bundle/line-record.ts";
import { stampedBundle, stampOver } from "../../bundle/local-time.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { oids } from "../../bundle/people.ts";
import { rawToken } from "../../manifests/time/raw-token.ts";
import { treeOf } from "../../manifests/time/tree-of.ts";
import { issue } from "../../pki/authority.ts";
import { makeToken, makeTsa, tsa, tsaRoot } from "../../pki/tsa.ts";
import { mutateDer } from "../mutate-der.ts";
import { Broken, type Target } from "../target.ts";

const over = utf8("what was sealed");
const hashes = (hash: HashName) => ["document", "seal"].map((text) => digestOf(hash, utf8(text)));
const granted = (token: Uint8Array) => sequence(sequence(Uint8Array.of(2, 1, 0)), token);

/** A response of a time-stamp authority, and the token in it. */
export const timeStampTarget: Target = {
  name: "time-stamp",
  seeds: async () => {
    const sub = issue(tsaRoot, { name: "sub", ca: true });
    const by = makeTsa({}, sub);
    return [
      granted(await makeToken({ over, nonce: 7n, accuracySeconds: 1, authority: tsa.subject })),
      granted(await makeToken({ over, nonce: 7n, by, certificates: [sub.certificate], fraction: "5" })),
      Uint8Array.of(0x30, 9, 0x30, 7, 2, 1, 2, 3, 2, 7, 0x80),
    ];
  },
  mutate: mutateDer,
  run: async (input) => {
    const stamp = await checkToken(nodeHost, tokenInResponse(input), async (hash) => digestOf(hash, over));
    checkAnswers(stamp.info, Uint8Array.of(7));
    await authorityPath(nodeHost, stamp, { roots: [tsaRoot.certificate], seen: undefined });
    return stamp;
  },
  after: (_, read) => {
    const { info } = read as TimeStamp;
    if (Number.isNaN(Date.parse(info.time))) throw new Broken("a time that is none");
  },
};

let stamped: ReturnType<typeof stampedBundle> | undefined;

/** Made once: its tree is another each time, as its seals are. */
function ownBundle(): ReturnType<typeof stampedBundle> {
  stamped ??= stampedBundle();
  return stamped;
}

/** The box's own token over the tree of a batch. */
export const localTimeTarget: Target = {
  name: "local-time",
  seeds: async () => {
    const bundle = await ownBundle();
    return [bundle.files.get(localTimePath) as Uint8Array, await stampOver(bundle.manifest, { issuers: [] })];
  },
  mutate: mutateDer,
  run: async (input) => {
    const { files, genesis, manifest, roots } = await ownBundle();
    const tree = { oids, root: fromHex(manifest.documents.root), number: manifest.number };
    const stamp = await checkLocalToken(nodeHost, input, tree);
    await checkAnchored(nodeHost, [stamp], { policy: oids.audit, key: undefined });
    const source = memorySource({ files: new Map(files).set(localTimePath, input) });
    await verifyBundle(nodeHost, source, { roots, genesis });
    return stamp;
  },
  after: (input, read) => {
    const { info } = read as TimeStamp;
    if (info.policy !== oids.localTime || input.length > tokenLimit) throw new Broken("a token that no box writes");
  },
};

/** An evidence record over one group. */
export const evidenceRecordTarget: Target = {
  name: "evidence-record",
  seeds: async () => {
    const tree = await treeOf("sha256", [hashes("sha256"), hashes("sha256").toReversed()]);
    const first = { hash: "sha256", tree: tree.reduced(1), token: await rawToken(tree.root, {}) } as const;
    const token = await makeToken({ over: first.token, time: "2030-01-01T00:00:00Z" });
    return [writeEvidenceRecord([[first]]), writeEvidenceRecord([[first, { hash: "sha256", tree: [], token }]])];
  },
  mutate: mutateDer,
  run: async (input) => {
    const stamps = await checkEvidence(nodeHost, input, async (hash) => hashes(hash));
    const proof = await proofOf(nodeHost, { authorities: [tsaRoot.certificate] }, "evidence/0001.ers", stamps);
    checkNotBefore(proof, "2026-11-24T09:00:00Z", 0);
    return proof;
  },
  after: (_, read) => {
    const { time } = read as { readonly time: string };
    if (!/^20\d\d-/.test(time)) throw new Broken("a time that no seed had");
  },
};

let handedOver: Promise<Bundle> | undefined;

/** Made once, as its records are over its own seals. */
function handedBundle(): Promise<Bundle> {
  handedOver ??= buildBundle({ documents: { "a.pdf": "one", b: "two" } });
  return handedOver;
}

/** An evidence record of a ledger over a manifest and one line of its list, beside the seal that the line names. */
export const lineEvidenceTarget: Target = {
  name: "line-evidence",
  seeds: async () => [
    await lineRecord(await handedBundle()),
    await lineRecord(await handedBundle(), { time: "2026-11-20T10:00:00Z" }),
  ],
  mutate: mutateDer,
  run: async (input) => {
    const bundle = await handedBundle();
    const [line] = await linesOf(bundle);
    const seal = bundle.files.get(line?.seal ?? "") as Uint8Array;
    const given = {
      seal,
      documentDigest: async (hash: HashName) => digestOf(hash, utf8("one")),
      manifest: bundle.files.get("manifest.p7m") as Uint8Array,
      inclusion: await inclusionOf(bundle),
      evidence: [{ name: "a.ers", der: input }],
    };
    const { findings, times } = await verifySeal(nodeHost, given, {
      roots: bundle.roots,
      authorities: [tsaRoot.certificate],
    });
    const [wrong] = findings;
    // A time from before the manifest's counts, and is found as well.
    if (wrong && wrong.code !== "TIME-ORDER") throw new Refusal(wrong.code, wrong.message);
    return times;
  },
  after: (_, read) => {
    const [time] = read as readonly { readonly batch?: true; readonly stamped: string }[];
    if (!time?.batch || !["2026-11-24T09:00:00Z", "2026-11-20T10:00:00Z"].includes(time.stamped)) {
      throw new Broken("a time of the batch that no seed had");
    }
  },
};
