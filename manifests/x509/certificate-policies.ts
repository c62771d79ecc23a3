/**
 * Certificate policies along a path (RFC 5280 6.1): under which of them all of it was issued, where a CA or the verifier asks for one. Kept as the graph of RFC
 * 9618, which has a node for each policy and certificate. The tree that RFC 5280 tells of has one for each way to it: two policies that are mapped to each other double it with every certificate (CVE-2023-0464).
 */

import { equal } from "../encoding/bytes.ts";
import { oid } from "../encoding/oid.ts";
import { Refusal } from "../refusal.ts";
import type { Certificate } from "./certificate.ts";
import { anyPolicy, type PolicyMapping } from "./policy-extensions.ts";

/** RFC 5280 6.1.1 c, e, f, g. */
export interface PolicyInputs {
  /** what the verifier accepts; `[anyPolicy]` unless said */
  readonly accepted?: readonly string[];
  /** the path must be valid under one of them, whatever the CAs ask for */
  readonly explicit?: boolean;
  readonly inhibitMapping?: boolean;
  readonly inhibitAny?: boolean;
}

interface Node {
  readonly policy: string;
  /** what the next certificate may name to be under this one */
  expected: readonly string[];
  readonly parents: readonly Node[];
}

/** One certificate's nodes, by their policies. */
type Level = Map<string, Node>;

/** How many more certificates may come until each begins to hold (RFC 5280 6.1.2 d, e, f). */
interface Counters {
  explicit: number;
  mapping: number;
  any: number;
}

/**
 * Gives the policies that the path is valid under and the verifier accepts, which may be any (`anyPolicy`) or none. `path` is leaf first, with its root, whose own policies do not count; what a
 * root requires or inhibits does (RFC 5937). Refuses PATH-CONSTRAINT where one is required and there is none, and a mapping from or to any policy; PATH-CRITICAL a root that maps.
 */
export function checkCertificatePolicies(path: readonly Certificate[], inputs: PolicyInputs = {}): readonly string[] {
  const [root, ...below] = [...path].reverse() as [Certificate, ...Certificate[]];
  const counters = startCounters(root, below.length, inputs);
  let levels: Level[] | undefined = [new Map([[anyPolicy, { policy: anyPolicy, expected: [anyPolicy], parents: [] }]])];
  for (const [at, certificate] of below.entries()) {
    const isLeaf = at === below.length - 1;
    const last: Level | undefined = levels?.at(-1);
    const level = last && nextLevel(last, certificate, counters.any > 0 || (!isLeaf && isSelfIssued(certificate)));
    if (level && level.size > 0) levels?.push(level);
    else levels = undefined;
    // 6.1.3 f
    if (counters.explicit === 0 && !levels) throw noPolicy(certificate);
    if (isLeaf) break;
    if (certificate.policyMappings) {
      checkMappings(certificate, certificate.policyMappings);
      if (level && !mapLevel(level, last as Level, certificate.policyMappings, counters.mapping > 0))
        levels = undefined;
    }
    if (!isSelfIssued(certificate)) countDown(counters);
    constrain(counters, certificate);
  }
  return wrapUp(path[0] as Certificate, levels, counters, inputs.accepted ?? [anyPolicy]);
}

/** 6.1.2 d, e, f, with what the root asks for. */
function startCounters(
  root: Certificate,
  length: number,
  { explicit, inhibitAny, inhibitMapping }: PolicyInputs,
): Counters {
  if (root.policyMappings && root.criticalOids.includes(oid.policyMappings)) {
    throw new Refusal("PATH-CRITICAL", "a root's policy mappings are not understood", { about: root.subjectText });
  }
  const start = (now: boolean | undefined) => (now ? 0 : length + 1);
  const counters = { explicit: start(explicit), mapping: start(inhibitMapping), any: start(inhibitAny) };
  constrain(counters, root);
  return counters;
}

/** 6.1.3 d and e; an empty level where the certificate names no policy. */
function nextLevel(last: Level, { certificatePolicies = [] }: Certificate, anyCounts: boolean): Level {
  const level: Level = new Map();
  const expecting = new Map<string, Node[]>();
  for (const node of last.values()) {
    for (const policy of node.expected) {
      const nodes = expecting.get(policy);
      if (nodes) nodes.push(node);
      else expecting.set(policy, [node]);
    }
  }
  const any = last.get(anyPolicy);
  const add = (policy: string, parents: readonly Node[]) => level.set(policy, { policy, expected: [policy], parents });
  for (const policy of certificatePolicies) {
    if (policy === anyPolicy) continue;
    const parents = expecting.get(policy) ?? (any && [any]);
    if (parents) add(policy, parents);
  }
  if (!certificatePolicies.includes(anyPolicy) || !anyCounts) return level;
  for (const [policy, parents] of expecting) if (!level.has(policy)) add(policy, parents);
  return level;
}

/** 6.1.4 a */
function checkMappings({ subjectText: about }: Certificate, mappings: readonly PolicyMapping[]): void {
  if (mappings.some(({ issuerDomain, subjectDomain }) => issuerDomain === anyPolicy || subjectDomain === anyPolicy)) {
    throw new Refusal("PATH-CONSTRAINT", "an issuer maps any policy, which nobody may", { about });
  }
}

/** 6.1.4 b; whether anything is left. */
function mapLevel(level: Level, last: Level, mappings: readonly PolicyMapping[], allowed: boolean): boolean {
  const mapped = new Map<string, Set<string>>();
  for (const { issuerDomain, subjectDomain } of mappings) {
    mapped.set(issuerDomain, (mapped.get(issuerDomain) ?? new Set()).add(subjectDomain));
  }
  const any = last.get(anyPolicy);
  for (const [policy, subjects] of mapped) {
    const node = level.get(policy);
    if (!allowed) level.delete(policy);
    else if (node) node.expected = [...subjects];
    else if (any && level.has(anyPolicy)) level.set(policy, { policy, expected: [...subjects], parents: [any] });
  }
  return level.size > 0;
}

/** 6.1.4 h */
function countDown(counters: Counters): void {
  counters.explicit = Math.max(0, counters.explicit - 1);
  counters.mapping = Math.max(0, counters.mapping - 1);
  counters.any = Math.max(0, counters.any - 1);
}

/** 6.1.4 i and j */
function constrain(counters: Counters, { inhibitAnyPolicy, policyConstraints }: Certificate): void {
  const { requireExplicitPolicy, inhibitPolicyMapping } = policyConstraints ?? {};
  counters.explicit = Math.min(counters.explicit, requireExplicitPolicy ?? counters.explicit);
  counters.mapping = Math.min(counters.mapping, inhibitPolicyMapping ?? counters.mapping);
  counters.any = Math.min(counters.any, inhibitAnyPolicy ?? counters.any);
}

/** 6.1.5 a, b, g */
function wrapUp(
  leaf: Certificate,
  levels: readonly Level[] | undefined,
  counters: Counters,
  accepted: readonly string[],
): readonly string[] {
  const asked = Math.max(0, counters.explicit - 1) === 0 || leaf.policyConstraints?.requireExplicitPolicy === 0;
  const valid = levels ? authorityPolicies(levels) : new Set<string>();
  const both = accepted.includes(anyPolicy)
    ? [...valid]
    : valid.has(anyPolicy)
      ? accepted
      : accepted.filter((one) => valid.has(one));
  if (asked && both.length === 0) throw noPolicy(leaf);
  return both;
}

/** The policies as the first CA below the root knows them (RFC 9618 5.2): of nodes that hang on any policy and that a node of the leaf hangs on. */
function authorityPolicies(levels: readonly Level[]): ReadonlySet<string> {
  const leaves = levels.at(-1) as Level;
  const found = new Set<string>();
  const seen = new Set<Node>(leaves.values());
  // A set that grows is iterated to its end: each node once, however many ways lead to it.
  for (const node of seen) {
    if (node.policy !== anyPolicy && node.parents.some(({ policy }) => policy === anyPolicy)) found.add(node.policy);
    for (const parent of node.parents) seen.add(parent);
  }
  if (leaves.has(anyPolicy)) found.add(anyPolicy);
  return found;
}

function isSelfIssued({ issuer, subject }: Certificate): boolean {
  return equal(issuer, subject);
}

function noPolicy({ subjectText: about }: Certificate): Refusal {
  return new Refusal(
    "PATH-CONSTRAINT",
    "a certificate policy is required, and the whole path is under none that is accepted",
    { about },
  );
}
