import { nodeHost } from "../../../host/crypto-host.ts";
import { base64 } from "../../../manifests/encoding/bytes.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { gapsBetween } from "../../../manifests/records/number-ranges.ts";
import { type OrderKind, orderBytes } from "../../../manifests/records/order.ts";
import { verifyChain } from "../../../manifests/verify/chain/chain.ts";
import { auditOf, bundleAt, chainOf, digestOf, layBundle, type Stick } from "../../bundle/chain.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { audit, oids, op1, op2, root, sealing } from "../../bundle/people.ts";
import { signedBy, times } from "../../bundle/signed.ts";
import { mutateFiles, packFiles, unpackFiles } from "../files.ts";
import { Broken, type Target } from "../target.ts";
import { checkFindings } from "../verdicts.ts";

const bundles = await chainOf(3);
const genesis = bundles[0]?.genesis as string;

function ordered(kind: OrderKind, what: Json): Promise<Uint8Array> {
  const { approval: created, expires } = times;
  const order = { appliance: "box-1", created, expires, kind, number: 1, policyDigest: genesis, previous: null, what };
  return signedBy([op1, op2], oids.order, orderBytes(order));
}

/** A box that was made anew after number 3, the policy beside it, and number 7, which follows the order. */
async function madeAnew(): Promise<Stick> {
  const order = await ordered("recover", {
    journal: { evidence: 30, head: "0a".repeat(32), sequence: 36 },
    keys: { audit: base64(audit.spki), sealing: base64(sealing.spki) },
    manifests: {
      digest: null,
      last: 5,
      missing: [
        { from: 4, to: 4 },
        { from: 6, to: 6 },
      ],
      next: 7,
    },
    orders: { last: 0, unstated: [] },
    reason: "a fuzz",
    software: { digest: "0b".repeat(32), version: "0.1.0" },
    token: { counter: 4, uri: "pkcs11:serial=1" },
  });
  const stick = auditOf([
    ...bundles,
    await bundleAt({ number: 7, previous: digestOf({ files: new Map([["manifest.p7m", order]]) }) }),
  ]);
  stick.set("box/box-1/orders/0001.p7m", order);
  stick.set("box/box-1/policies/policy-0001.p7m", bundles[0]?.files.get("policy/0001.p7m") as Uint8Array);
  return stick;
}

/** A folder of records: whatever lies there, each number is seen or missing, and what holds has no finding. */
export const chainTarget: Target = {
  name: "chain",
  seeds: async () => {
    const mixed = auditOf(bundles.slice(1));
    const [first] = bundles;
    const files = [...(first?.files ?? [])].filter(([path]) => !path.startsWith("seals/"));
    layBundle(mixed, "outbox/batch-1", { files: new Map(files) });
    mixed.set(
      "orders/0001.p7m",
      await ordered("reseal", { key: base64(sealing.spki), manifests: [1], reason: "x", since: null }),
    );
    return [auditOf(bundles), mixed, await madeAnew()].map(packFiles);
  },
  mutate: (random, input, other) => packFiles(mutateFiles(random, input, other)),
  run: async (input) => {
    const source = memorySource({ files: unpackFiles(input) }, 997);
    const trust = { roots: [root.certificate], genesis, at: "2026-11-21T10:00:00Z" };
    const verdict = await verifyChain(nodeHost, source, trust);
    const { findings, findingsCount, gaps, last, ok, seen } = verdict;
    checkFindings({ ok: findings.length === 0, findings });
    if (ok !== (findingsCount === 0)) throw new Broken("it holds, and something was found, or the other way round");
    const known = Math.max(last, ...gaps.map(({ to }) => to));
    const sum = (ranges: typeof seen) => ranges.reduce((total, { from, to }) => total + to - from + 1, 0);
    if (sum(gaps) !== sum(gapsBetween(seen, known))) throw new Broken("a number is neither seen nor missing, or both");
    return verdict;
  },
};
