/** What the manifest says, held against the files that its digests name. A difference is the manifest's own contradiction. */

import { equal, fromHex, hex } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import type { PastAuthorization } from "../records/authorization.ts";
import { sealingKeyOf } from "../records/emergency.ts";
import type { Manifest } from "../records/manifest.ts";
import type { Policy } from "../records/policy.ts";
import type { PolicyInForce } from "../records/policy-chain.ts";
import type { Submitter } from "../records/request-envelope.ts";
import { Refusal } from "../refusal.ts";
import type { Certificate } from "../x509/certificate.ts";
import type { ReadList } from "./list-file.ts";
import type { CheckedPolicies } from "./policy-files.ts";
import type { ReadComposition, ReadRequest } from "./request-file.ts";

/**
 * Refuses with MANIFEST-BIND, PATH-REVOKED, POLICY-PROFILE, MODE or HONEST a manifest that does not fit the policy in force, or the one that
 * its batch was approved under: the same unless the manifest says otherwise.
 */
export async function checkAgainstPolicies(
  host: Host,
  manifest: Manifest,
  { approved, inForce }: Pick<CheckedPolicies, "approved" | "inForce">,
): Promise<void> {
  if (inForce) await checkAgainstPolicy(host, manifest, inForce);
  if (approved) await checkAgainstApproved(host, manifest, approved);
}

/** Whose manifest it is, and by which key it is signed. */
async function checkAgainstPolicy(
  host: Host,
  manifest: Manifest,
  { policy, number, digest }: PolicyInForce,
): Promise<void> {
  same("policy", manifest.policy.number, number);
  same("policy's digest", manifest.policy.digest, hex(digest));
  same("appliance", policy.appliance, manifest.appliance);
  await checkKey(host, manifest, "audit", { policy, spki: policy.keys.audit });
  if (manifest.acknowledged && !policy.ledger) {
    throw new Refusal("HONEST", "the manifest tells of a ledger that its policy does not name");
  }
  if (policy.notBefore !== undefined && manifest.created < policy.notBefore) {
    throw new Refusal("HONEST", "the manifest is earlier than its policy could come into force", {
      expected: `from ${policy.notBefore} on`,
      got: manifest.created,
    });
  }
}

/** What was sealed, and how. */
async function checkAgainstApproved(
  host: Host,
  manifest: Manifest,
  { policy, number, digest }: PolicyInForce,
): Promise<void> {
  const named = approvedUnder(manifest);
  same("policy that was approved under", named.number, number);
  same("digest of the policy that was approved under", named.digest, hex(digest));
  await checkKey(host, manifest, "sealing", { policy, spki: sealingKeyOf(policy, manifest.mode) });
  if (manifest.profile.suite !== policy.profile.suite || manifest.documents.digestAlgorithm !== policy.profile.digest) {
    throw new Refusal("POLICY-PROFILE", "the manifest names another profile than the policy");
  }
  if (!policy.modes.includes(manifest.mode)) {
    throw new Refusal("MODE", "the policy does not allow the manifest's mode", { got: manifest.mode });
  }
  // Where another policy came into force before the abort, that one may have allowed what this one forbids.
  const sameThroughout = manifest.policy.approvedUnder === undefined;
  if (sameThroughout && policy.network === "fatal" && manifest.labels.network !== "absent") {
    throw new Refusal("HONEST", "the box sealed with a network link that its policy forbids");
  }
}

async function checkKey(
  host: Host,
  { keys }: Manifest,
  name: "audit" | "sealing",
  { policy, spki }: { readonly policy: Policy; readonly spki: Uint8Array | undefined },
): Promise<void> {
  const expected = spki && (await host.digest("sha256", spki));
  if (!expected || !equal(expected, fromHex(keys[name].key))) {
    throw new Refusal("MANIFEST-BIND", `the manifest names another ${name} key than the policy`);
  }
  if (policy.revoked.includes(keys[name].certificate)) {
    throw new Refusal("PATH-REVOKED", `the policy revokes the ${name} certificate`);
  }
}

/** Digest and number of the policy that the approvals name. */
function approvedUnder({ policy }: Manifest): { readonly digest: string; readonly number: number } {
  return policy.approvedUnder ?? policy;
}

/** Refuses with MANIFEST-BIND a manifest that says other things of the request than the request itself. */
export async function checkAgainstRequest(
  host: Host,
  { request, documents, mode }: Manifest,
  read: ReadRequest,
  submitter: Certificate,
): Promise<void> {
  const { head } = read;
  if (request.kind !== "signed-request") {
    throw new Refusal("MANIFEST-BIND", "the manifest says that there was no request", { got: request.kind });
  }
  same("batch digest", request.digest, read.digest);
  same("batch", request.batch, head.batch);
  same("purpose", request.purpose, head.purpose);
  same("request's expiry", request.expires, head.expires);
  same("mode", mode, head.mode);
  same("count of documents", documents.count, read.count);
  same("sum of sizes", documents.bytes, read.bytes);
  same("digest algorithm", documents.digestAlgorithm, head.digestAlgorithm);
  same("submitter", request.submitter.name, submitter.subjectText);
  same("submitter's certificate", request.submitter.certificate, hex(await host.digest("sha256", submitter.der)));
  same("submitter's key", request.submitter.key, hex(await host.digest("sha256", submitter.spki)));
}

/** Refuses with MANIFEST-BIND a manifest that says other things of plain envelopes than they and their list. */
export function checkAgainstEnvelopes(
  { request, documents }: Manifest,
  read: ReadComposition,
  { submitter, identity }: { readonly submitter: Submitter; readonly identity: string },
): void {
  same("batch digest", request.digest, read.digest);
  same("identity of the batch", request.identity, identity);
  same("count of documents", documents.count, read.count);
  same("sum of sizes", documents.bytes, read.bytes);
  same("digest algorithm", documents.digestAlgorithm, read.head.digestAlgorithm);
  same("submitter", request.submitter.name, submitter.name);
  same("submitter's certificate", request.submitter.certificate, submitter.certificateSha256Hex);
  same("submitter's key", request.submitter.key, submitter.keySha256Hex);
}

/** Refuses with MANIFEST-BIND a manifest that says other things of the authorisation than the file itself. */
export function checkAgainstAuthorization(manifest: Manifest, past: PastAuthorization): void {
  const { challenge, approvers, completed } = past;
  same("challenge's digest", manifest.authorization.digest, past.challengeDigestHex);
  same("nonce", manifest.authorization.nonce, challenge.nonce);
  same("appliance", manifest.appliance, challenge.appliance);
  same("batch digest", manifest.request.digest, challenge.batchDigest);
  same("policy's digest", approvedUnder(manifest).digest, challenge.policyDigest);
  same("mode", manifest.mode, challenge.mode);
  same("emergency", manifest.emergency?.order ?? "none", challenge.emergency ?? "none");
  same("count of documents", manifest.documents.count, challenge.count);
  same("sum of sizes", manifest.documents.bytes, challenge.bytes);
  const named = manifest.authorization.approvers.map((one) =>
    [one.person, one.name, one.certificate, one.signed].join(),
  );
  const found = approvers.map((one) => [one.person, one.name, one.certificateSha256, one.signed].join());
  same("list of approvers", named.sort().join("; "), found.sort().join("; "));
  if (completed > manifest.created) {
    throw new Refusal("CLOCK", "an approval claims to be later than the manifest", {
      expected: `up to ${manifest.created}`,
      got: completed,
    });
  }
}

/** Refuses with MANIFEST-BIND a manifest that says other things of the list than the file itself. */
export function checkAgainstList({ documents, outcome }: Manifest, list: ReadList): void {
  same("Merkle root", documents.root, list.root);
  same("count of seals", documents.sealed, list.count);
  if (outcome === "sealed") same("sum of sizes", documents.bytes, list.bytes);
}

/** Refuses with CHALLENGE-MATCH an authorisation of another batch, policy, mode or size than these. */
export function checkChallengeAgainst({ challenge }: PastAuthorization, request: ReadComposition): void {
  const pairs: readonly (readonly [string, string | number, string | number])[] = [
    ["batch", request.digest, challenge.batchDigest],
    ["mode", request.head.mode, challenge.mode],
    ["count of documents", request.count, challenge.count],
    ["sum of sizes", request.bytes, challenge.bytes],
  ];
  for (const [what, expected, got] of pairs) {
    if (expected !== got) {
      const detail = { expected: `${expected}`, got: `${got}` };
      throw new Refusal("CHALLENGE-MATCH", `what was approved has another ${what}`, detail);
    }
  }
}

function same(what: string, manifest: string | number, found: string | number): void {
  if (manifest === found) return;
  const detail = { expected: `${found}`, got: `${manifest}` };
  throw new Refusal("MANIFEST-BIND", `the manifest says another ${what}`, detail);
}
