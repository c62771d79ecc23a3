import { afterEach, expect, it } from "vitest";
import { importPolicy } from "../../appliance/signer/import-policy.ts";
import { verdictLines } from "../../desk/verdict-lines.ts";
import { bundleWords } from "../../desk/verdict-words.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { plain } from "../../host/terminal/style.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import { mergeSignedData } from "../../manifests/cms/write.ts";
import { canonicalBytes } from "../../manifests/encoding/canonical-json.ts";
import { policyJson } from "../../manifests/records/policy.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import { memorySource } from "../bundle/memory-source.ts";
import { type Issued, issue } from "../pki/authority.ts";
import { following, fromNow, listOf, makeBatch, oids, policyFor, root } from "./signer/people.ts";
import { filesOf, manifestIn, TestBox } from "./signer/test-box.ts";

const holder = (id: string) => issue(root, { name: id, eku: [oids.operator] });
const recovery = [holder("rec1"), holder("rec2")];
const officers = [holder("new1"), holder("new2")];
let box: TestBox | undefined;
afterEach(() => box?.remove());

const named = (
  people: readonly Issued[],
  ids: readonly string[],
  roles: readonly ("operator" | "officer" | "recovery")[],
) =>
  people.map(({ certificate }, at) => ({
    id: ids[at] ?? "",
    name: `Person ${ids[at]}`,
    roles: [...roles],
    certificates: [certificate],
  }));

it("POLICY-SIGNERS, HONEST: a policy by recovery holders comes into force, and every later manifest and verdict says so", async () => {
  const holders = named(recovery, ["rec1", "rec2"], ["recovery"]);
  const { people } = policyFor({ sealing: new Uint8Array(1), audit: new Uint8Array(2) });
  const thresholds = { policy: 2, recovery: 2, seal: 2 };
  box = await TestBox.make({ people: [...people, ...holders], thresholds });
  await box.unlock();
  const next = following(box.policy, {
    people: [...named(officers, ["new1", "new2"], ["operator", "officer"]), ...holders],
  });
  const content = canonicalBytes(policyJson(next));
  const what = { eContentType: oids.policy, content, signingTime: fromNow(-1) };
  const signed = await Promise.all(
    [...recovery, ...officers].map((one) => signContent(nodeHost, one.signingKey, what)),
  );
  const p7m = mergeSignedData(signed.map((one) => readSignedData(one)));
  expect(await importPolicy(box.box, p7m)).toBe(2);
  const batch = await makeBatch(listOf(2, "a"));
  await box.authorised(batch, ...officers);
  await box.seal(batch);
  const files = new Map(await filesOf(box, 1));
  expect(manifestIn(files).policy.recovered).toEqual([2]);
  const trust = { roots: [root.certificate], genesis: box.config.genesis };
  const verdict = await verifyBundle(nodeHost, memorySource({ files }), trust);
  expect([verdict.ok, verdict.findings]).toEqual([true, []]);
  expect(verdictLines(bundleWords(verdict), plain).join("\n")).toContain(
    "BREAK GLASS policy 2 was signed by recovery holders",
  );
  await box.restart();
  expect(box.box.policies.inForce.recovered).toEqual([2]);
});
