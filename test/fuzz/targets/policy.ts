import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import { equal, hex } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes, readCanonical } from "../../../manifests/encoding/canonical-json.ts";
import { type Policy, policyJson, readPolicy } from "../../../manifests/records/policy.ts";
import { policyArc, walkPolicyChain } from "../../../manifests/records/policy-chain.ts";
import { checkPolicyRules } from "../../../manifests/records/policy-rules.ts";
import { oids, operators } from "../../bundle/people.ts";
import { makePolicy, policyBytes, signedBy, times } from "../../bundle/signed.ts";
import { TestLedger } from "../../manifests/log/test-ledger.ts";
import { mutateFiles, packFiles, unpackFiles } from "../files.ts";
import { mutateJson } from "../mutate-json.ts";
import { Broken, type Target } from "../target.ts";

const rules = async () => (await TestLedger.make()).rules({ outstanding: { hours: 24, manifests: 5 } });

export const policyTarget: Target = {
  name: "policy",
  seeds: async () => [
    policyBytes(makePolicy()),
    policyBytes(makePolicy({ revoked: ["00".repeat(32)] })),
    policyBytes(makePolicy({ ledger: await rules(), version: 2 })),
  ],
  mutate: mutateJson,
  run: (input) => {
    const policy = readPolicy(input);
    checkPolicyRules(policy);
    return policy;
  },
  after: (input, policy) => {
    if (!equal(canonicalBytes(policyJson(policy as Policy)), input))
      throw new Broken("a policy reads to other members");
    readCanonical(input);
  },
};

/** Three policies, each a file. */
export const policyChain: Target = {
  name: "policy-chain",
  seeds: async () => {
    const files = new Map<string, Uint8Array>();
    let previous: string | null = null;
    for (let number = 1; number <= 3; number++) {
      const ledger = number === 2 ? { ledger: await rules(), version: 2 as const } : {};
      const content: Uint8Array = policyBytes(makePolicy({ number, previous, ...ledger }));
      const signers = number === 1 ? operators : operators.slice(0, 2);
      files.set(`${number}`, await signedBy(signers, oids.policy, content, times.policy));
      previous = hex(sha256(content));
    }
    const alone = makePolicy({ people: makePolicy().people.slice(0, 1), thresholds: { policy: 1, seal: 1 } });
    const [first] = operators;
    if (!first) throw new Error("no operators");
    const what = { eContentType: oids.policy, content: policyBytes(alone), signingTime: times.policy };
    return [packFiles(files), packFiles(new Map([["1", await signContent(nodeHost, first.signingKey, what)]]))];
  },
  mutate: (random, input, other) => packFiles(mutateFiles(random, input, other)),
  run: async (input) => {
    const files = [...unpackFiles(input).values()];
    for (const file of files) policyArc(file);
    return (await walkPolicyChain(nodeHost, files, undefined)).number;
  },
};
