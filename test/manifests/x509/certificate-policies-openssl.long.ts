import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Refusal } from "../../../manifests/refusal.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import { checkCertificatePolicies, type PolicyInputs } from "../../../manifests/x509/certificate-policies.ts";
import { anyPolicy } from "../../../manifests/x509/policy-extensions.ts";
import { Random } from "../../fuzz/random.ts";
import { type Extension, type Issued, issue, makeRoot, pem } from "../../pki/authority.ts";
import { isHere } from "../../verifiers/all.ts";
import { openssl } from "../../verifiers/openssl.ts";
import { constraints, inhibitAny, mappings, p, policies } from "./policy-chains.ts";

const dir = mkdtempSync(join(tmpdir(), "coldseal-policies-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const root = makeRoot({ name: "Root" });
const names = [p(1), p(2), p(3)];

/**
 * Leaf first, without the root: two to five certificates, some that issued themselves. Either any policy is never inhibited, or nothing is mapped that a certificate does not name: OpenSSL
 * 3.0 maps what a certificate names by any policy alone also where that counts no more, which RFC 5280 6.1.3 d 2 does not.
 */
function randomPath(random: Random, inhibits: boolean): readonly Issued[] {
  const path: Issued[] = [];
  for (let left = random.pick([1, 2, 2, 3, 3, 4]); left >= 0; left--) {
    const above = path[0] ?? root;
    const self = left > 0 && path.length > 0 && random.chance(0.2);
    const wanted = { name: `C${left}`, ca: left > 0, extensions: extensionsOf(random, left > 0, inhibits) };
    path.unshift(issue(above, self ? { ...wanted, subject: above.subject } : wanted));
  }
  return path;
}

function extensionsOf(random: Random, isCa: boolean, inhibits: boolean): readonly Extension[] {
  const some = names.filter(() => random.chance(0.6));
  const named = random.chance(0.4) ? [...some, anyPolicy] : some;
  const pairs = (inhibits ? some : names).flatMap((from) =>
    names.filter(() => random.chance(0.15)).map((to) => [from, to] as const),
  );
  const number = () => (random.chance(0.4) ? random.below(3) : undefined);
  const [explicit, mapping] = [number(), number()];
  return [
    ...(named.length > 0 && random.chance(0.95) ? [policies(...named)] : []),
    ...(isCa && pairs.length > 0 && random.chance(0.6) ? [mappings(...pairs)] : []),
    ...(isCa && (explicit ?? mapping) !== undefined && random.chance(0.5) ? [constraints(explicit, mapping)] : []),
    ...(isCa && inhibits && random.chance(0.3) ? [inhibitAny(random.below(3))] : []),
  ];
}

function randomInputs(random: Random, inhibits: boolean): PolicyInputs {
  const accepted = random.chance(0.5) ? [anyPolicy] : names.filter(() => random.chance(0.5));
  const [explicit, inhibitMapping, inhibitAny] = [
    random.chance(0.7),
    random.chance(0.1),
    inhibits && random.chance(0.2),
  ];
  return { accepted: accepted.length > 0 ? accepted : [anyPolicy], explicit, inhibitMapping, inhibitAny };
}

function ours(path: readonly Issued[], inputs: PolicyInputs): boolean {
  try {
    checkCertificatePolicies(
      [...path, root].map(({ certificate }) => readCertificate(certificate)),
      inputs,
    );
    return true;
  } catch (thrown) {
    if (thrown instanceof Refusal && thrown.code === "PATH-CONSTRAINT") return false;
    throw thrown;
  }
}

/** What `openssl verify` says, and why. */
function theirs(path: readonly Issued[], { accepted = [], explicit, inhibitAny: any, inhibitMapping }: PolicyInputs) {
  const file = (name: string, all: readonly Issued[]) => {
    writeFileSync(join(dir, name), all.map(({ certificate }) => pem(certificate)).join(""));
    return join(dir, name);
  };
  const [leaf, ...issuers] = path as [Issued, ...Issued[]];
  const asked = [
    ...(explicit ? ["-explicit_policy"] : []),
    ...(inhibitMapping ? ["-inhibit_map"] : []),
    ...(any ? ["-inhibit_any"] : []),
  ];
  const policy = accepted.flatMap((one) => ["-policy", one]);
  const trust = [
    "-no-CApath",
    "-no-CAstore",
    "-CAfile",
    file("root.pem", [root]),
    "-untrusted",
    file("others.pem", issuers),
  ];
  try {
    execFileSync("openssl", ["verify", "-policy_check", ...asked, ...policy, ...trust, file("leaf.pem", [leaf])], {
      stdio: "pipe",
    });
    return "holds";
  } catch (fault) {
    return `${(fault as { stderr: Buffer }).stderr}`;
  }
}

describe.skipIf(!isHere(openssl))("certificate policies, beside OpenSSL", () => {
  const rounds = 80;
  it(`T11: OpenSSL says of ${rounds} random paths what we say`, () => {
    const seed = Number(process.env.POLICY_SEED ?? 20_261_129);
    const differing: string[] = [];
    let held = 0;
    for (let round = 0; round < rounds; round++) {
      const random = new Random(seed + round);
      const inhibits = random.chance(0.5);
      const path = randomPath(random, inhibits);
      const inputs = randomInputs(random, inhibits);
      const [we, they] = [ours(path, inputs), theirs(path, inputs)];
      if (we) held += 1;
      const same = we ? they === "holds" : /policy|policies|mapping/i.test(they);
      if (!same) differing.push(`POLICY_SEED=${seed + round}: we ${we}, OpenSSL: ${they}, ${JSON.stringify(inputs)}`);
    }
    expect(differing).toEqual([]);
    expect(held).toBeGreaterThan(rounds / 10);
    expect(held).toBeLessThan((rounds * 9) / 10);
  }, 120_000);
});
