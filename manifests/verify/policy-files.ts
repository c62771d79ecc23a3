/** policy/NNNN.p7m: the chain, file by file, so that each wrong one is named. */

import { hex } from "../encoding/bytes.ts";
import type { OwnOids } from "../encoding/oid.ts";
import type { Host } from "../host.ts";
import { verifyAllSigners } from "../records/authorization.ts";
import type { Manifest } from "../records/manifest.ts";
import { policyPath } from "../records/names.ts";
import { type PolicyInForce, readSignedPolicy, verifyGenesis, verifyNextPolicy } from "../records/policy-chain.ts";
import type { Findings } from "./findings.ts";
import type { Trust } from "./trust.ts";

export interface CheckedPolicies {
  /** in force for the manifest; undefined when its content is not vouched for */
  readonly inForce: PolicyInForce | undefined;
  /** that the batch was approved under, so vouched for too: an earlier one where the manifest says so, else the one in force */
  readonly approved: PolicyInForce | undefined;
  /** all that hold by their own checks, by rising numbers: also those that an emergency was declared under */
  readonly known: readonly PolicyInForce[];
  /** whether the chain holds from a genesis digest that the verifier was given */
  readonly pinned: boolean;
}

/** Checks policies 1 to `files.length`; `undefined` stands for a file that could not be read. Never throws. */
export async function checkPolicyFiles(
  host: Host,
  oids: OwnOids,
  files: readonly (Uint8Array | undefined)[],
  context: { readonly trust: Trust; readonly manifest: Manifest | undefined; readonly findings: Findings },
): Promise<CheckedPolicies> {
  const { findings, trust, manifest } = context;
  const links: (Link | undefined)[] = [];
  for (const [at, p7m] of files.entries()) {
    links.push(p7m && (await checkOne(host, oids, { number: at + 1, p7m, previous: links.at(-1) }, findings)));
  }
  const [first, last] = [links[0], links.at(-1)];
  if (first?.holds && trust.genesis !== undefined && first.read.genesis !== trust.genesis) {
    const detail = { expected: trust.genesis, got: first.read.genesis };
    findings.add(policyPath(1), "POLICY-CHAIN", "this is not the genesis policy that was pinned", detail);
  }
  if (manifest) bindToManifest(files.length, first, last, manifest, findings);
  const sound = files.length > 0 && files.every((_, at) => !findings.blames(policyPath(at + 1)));
  const inForce = vouched(last, manifest?.policy.digest);
  const earlier = manifest?.policy.approvedUnder;
  const approved = earlier ? vouched(links[earlier.number - 1], earlier.digest) : inForce;
  const known = links.flatMap((link) => (link?.holds ? [link.read] : []));
  return { inForce, approved, known, pinned: sound && trust.genesis !== undefined };
}

/** Its own check held, or the manifest names its very content. */
function vouched(link: Link | undefined, named: string | undefined): PolicyInForce | undefined {
  return link && (link.holds || hex(link.read.digest) === named) ? link.read : undefined;
}

/** A policy as read, and whether its own check held. */
interface Link {
  readonly read: PolicyInForce;
  readonly holds: boolean;
}

interface Step {
  readonly number: number;
  readonly p7m: Uint8Array;
  readonly previous: Link | undefined;
}

async function checkOne(host: Host, oids: OwnOids, step: Step, findings: Findings): Promise<Link | undefined> {
  const file = policyPath(step.number);
  const held = await findings.check(file, () => verifyStep(host, oids, step));
  if (held) return { read: held, holds: true };
  try {
    const { policy, digest } = await readSignedPolicy(host, step.p7m, oids);
    const genesis = step.previous?.read.genesis ?? hex(digest);
    const recovered = step.previous?.read.recovered ?? [];
    return { read: { policy, digest, number: policy.number, genesis, recovered }, holds: false };
  } catch {
    return undefined; // already found
  }
}

async function verifyStep(host: Host, oids: OwnOids, { number, p7m, previous }: Step): Promise<PolicyInForce> {
  if (number === 1) return verifyGenesis(host, oids, p7m);
  const { policy, digest, data } = await readSignedPolicy(host, p7m, oids);
  // A predecessor that does not hold is used only when this policy vouches for its content.
  if (previous && (previous.holds || policy.previous === hex(previous.read.digest))) {
    return verifyNextPolicy(host, oids, previous.read, p7m, undefined);
  }
  await verifyAllSigners(host, data, policy.limits.minimumRsaBits);
  return { policy, digest, number, genesis: previous?.read.genesis ?? "", recovered: previous?.read.recovered ?? [] };
}

function bindToManifest(
  count: number,
  first: Link | undefined,
  last: Link | undefined,
  manifest: Manifest,
  findings: Findings,
): void {
  const { digest, genesis, recovered = [] } = manifest.policy;
  if (last?.holds && last.read.recovered.join() !== recovered.join()) {
    const detail = { expected: last.read.recovered.join(", ") || "none", got: recovered.join(", ") || "none" };
    findings.add(
      policyPath(count),
      "HONEST",
      "the manifest says other things of break glass than the policies",
      detail,
    );
  }
  if (last?.holds && hex(last.read.digest) !== digest) {
    const detail = { expected: digest, got: hex(last.read.digest) };
    findings.add(policyPath(count), "POLICY-DIGEST", "this is not the policy that the manifest names", detail);
  }
  if (first?.holds && hex(first.read.digest) !== genesis) {
    const detail = { expected: genesis, got: hex(first.read.digest) };
    findings.add(policyPath(1), "POLICY-CHAIN", "this is not the genesis policy that the manifest names", detail);
  }
}
