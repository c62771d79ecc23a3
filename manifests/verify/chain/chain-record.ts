/** One record of a chain: a manifest with what stands beside it (authorisation, list, policies), verified as a whole bundle's are. */

import { hex } from "../../encoding/bytes.ts";
import type { Utc } from "../../encoding/shape.ts";
import type { Host } from "../../host.ts";
import { verifyPastAuthorization } from "../../records/authorization.ts";
import { listPath, policyPath } from "../../records/names.ts";
import type { PolicyInForce } from "../../records/policy-chain.ts";
import { Refusal } from "../../refusal.ts";
import { checkAgainstAuthorization, checkAgainstList, checkAgainstPolicies } from "../binding.ts";
import { type Finding, Findings } from "../findings.ts";
import { readListFile } from "../list-file.ts";
import { checkLogProofs } from "../log-proofs.ts";
import { type CheckedManifest, checkManifestFile } from "../manifest-file.ts";
import { type BundleSource, piecesOf, readSmall } from "../source.ts";
import { checkTimeEvidence, checkTimeOrder, provenTime } from "../time-evidence.ts";
import type { Trust } from "../trust.ts";
import type { ChainPolicies } from "./chain-policies.ts";

export interface ChainRecord {
  readonly findings: readonly Finding[];
  /** undefined where the manifest does not hold, or is not by the keys of the policy that it names: then it is no part of the chain */
  readonly checked: CheckedManifest | undefined;
  /** the policy that it names was at hand */
  readonly policy: boolean;
  /** the approvals: counted under that policy; there, and only the file that the manifest names, or of a manifest that does not hold; not there */
  readonly approvals: "counted" | "not counted" | "not presented";
  /** there; what it is, is a finding where it is not what the manifest names */
  readonly list: boolean;
  /** whether a proof beside it that counts shows it in the log whose key was given */
  readonly logged: boolean;
  /** by evidence of time beside it that counts */
  readonly proven: Utc | null;
}

/** Verifies the record in a folder. Hostile content never throws. Seals, documents and request are a whole bundle's matter: `verifyBundle`. */
export async function checkChainRecord(
  host: Host,
  source: BundleSource,
  trust: Trust,
  policies: ChainPolicies,
): Promise<ChainRecord> {
  const findings = new Findings();
  const names = (await findings.check("", () => source.list(""))) ?? [];
  const times = await checkTimeEvidence({ host, source, trust, findings });
  const proven = provenTime(times);
  const trusted = proven === null ? trust : { ...trust, proven };
  const checked = await findings.check("manifest.p7m", async () =>
    checkManifestFile(host, await readSmall(source, "manifest.p7m"), trusted),
  );
  if (!checked) {
    const approvals = names.includes("authorization.p7m") ? "not counted" : "not presented";
    const list = names.includes(listPath);
    return { findings: findings.all, checked, policy: false, approvals, list, logged: false, proven };
  }
  await checkTimeOrder(findings, times, checked.manifest);
  const { digest, approvedUnder } = checked.manifest.policy;
  if (names.includes("policy")) await takePolicies({ source, findings, policies }, checked);
  const inForce = policies.inForce(digest);
  const approved = approvedUnder ? policies.inForce(approvedUnder.digest) : inForce;
  const fits = await findings.check("manifest.p7m", async () => {
    await checkAgainstPolicies(host, checked.manifest, { approved, inForce });
    if (inForce) checkGenesis(checked, inForce);
    return true;
  });
  const { shown } = await checkLogProofs({ host, source, trust, findings }, checked);
  const list = names.includes(listPath);
  if (list) await findings.check(listPath, () => checkList(host, source, checked));
  const approvals = names.includes("authorization.p7m")
    ? ((await findings.check("authorization.p7m", () => checkApprovals(host, source, checked, approved))) ??
      "not counted")
    : "not presented";
  return {
    findings: findings.all,
    checked: fits ? checked : undefined,
    policy: inForce !== undefined,
    approvals,
    list,
    logged: shown.some(({ discounted }) => discounted === null),
    proven,
  };
}

/** The policies beside a manifest, where the one that it names is not known yet. */
async function takePolicies(
  {
    source,
    findings,
    policies,
  }: { readonly source: BundleSource; readonly findings: Findings; readonly policies: ChainPolicies },
  { manifest: { policy } }: CheckedManifest,
): Promise<void> {
  if (policies.inForce(policy.digest)) return;
  for (let number = 1; number <= Math.min(policy.number, 9999); number++) {
    const path = policyPath(number);
    const held = await findings.check(path, async () => {
      await policies.add(await readSmall(source, path));
      return true;
    });
    if (!held) return; // those after it follow nothing that holds
  }
}

function checkGenesis({ manifest }: CheckedManifest, { genesis, recovered }: PolicyInForce): void {
  if (manifest.policy.genesis !== genesis) {
    throw new Refusal("POLICY-CHAIN", "the manifest names another genesis policy than its policies follow", {
      expected: genesis,
      got: manifest.policy.genesis,
    });
  }
  const named = manifest.policy.recovered ?? [];
  if (named.join() !== recovered.join()) {
    const detail = { expected: recovered.join(", ") || "none", got: named.join(", ") || "none" };
    throw new Refusal("HONEST", "the manifest says other things of break glass than the policies", detail);
  }
}

async function checkList(host: Host, source: BundleSource, { manifest }: CheckedManifest): Promise<void> {
  const list = await readListFile(host, piecesOf(source, listPath));
  if (list.digest !== manifest.documents.digest) throw otherFile(manifest.documents.digest, list.digest);
  checkAgainstList(manifest, list);
}

async function checkApprovals(
  host: Host,
  source: BundleSource,
  { manifest, oids }: CheckedManifest,
  approved: PolicyInForce | undefined,
): Promise<ChainRecord["approvals"]> {
  const p7m = await readSmall(source, "authorization.p7m");
  const got = hex(await host.digest("sha256", p7m));
  if (got !== manifest.authorization.file) throw otherFile(manifest.authorization.file, got);
  if (!approved) return "not counted";
  const { policy, digest: policyDigest } = approved;
  checkAgainstAuthorization(manifest, await verifyPastAuthorization(host, oids, p7m, { policy, policyDigest }));
  return "counted";
}

function otherFile(expected: string, got: string): Refusal {
  return new Refusal("MANIFEST-BIND", "this is not the file that the manifest names", { expected, got });
}
