/** Policy number 1: public keys of the box, people with their certificates; signed by all of them. */

import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import { mergeSignedData } from "../../../manifests/cms/write.ts";
import { base64, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { ownOids } from "../../../manifests/encoding/oid.ts";
import { checkLedgerKeys } from "../../../manifests/records/ledger-rules.ts";
import { readPolicy } from "../../../manifests/records/policy.ts";
import { verifyGenesis } from "../../../manifests/records/policy-chain.ts";
import type { CeremonyFile } from "../../engine/ceremony-file.ts";
import { personKey, personOf } from "../../engine/people.ts";
import type { Stage, Step } from "../../engine/procedure.ts";
import { boxLayout } from "../layout.ts";
import { policyLines } from "../policy/policy-words.ts";
import { policyOf } from "../policy-part.ts";
import { certificateOf, signersOf } from "./begin.ts";
import type { GenesisParameters } from "./parameters.ts";
import { keyOf } from "./token.ts";

export function policyStep(parameters: GenesisParameters): Step {
  return {
    id: "policy",
    title: "Sign policy number 1",
    acts: "all officers and operators, with their own tokens",
    checks: "a witness",
    minutes: 10,
    script: [
      "The policy is shown whole: the box's public keys, everybody's certificate, roots, thresholds, limits and texts. Each compares it with what was reviewed.",
      "Its digest is shown as words, and written down or printed.",
      "Each types two groups of the digest from the paper, and signs with the own token.",
    ],
    wayBack: "Try again, or strike out the person whose token fails: the policy is then made without.",
    needs: ["people", "audit-key", "sealing-key"],
    perform: async (stage) => {
      const content = policyContent(stage, parameters);
      await checkLedgerKeys(nodeHost, readPolicy(content));
      const digest = hex(sha256(content));
      const label = "policy number 1";
      stage.scene.say(...policyLines(readPolicy(content)));
      stage.scene.show(label, digest);
      const people = signersOf(stage);
      const signed = await signedBy(stage, people, content, label, ownOids(parameters.arc).policy);
      await verifyGenesis(nodeHost, ownOids(parameters.arc), signed, digest);
      const layout = boxLayout(parameters.box);
      await makeFolder(layout.policies);
      await writeDurable(layout.genesis, signed);
      return { people, facts: { digest }, shown: [{ label, digest, confirmedBy: [...people] }] };
    },
  };
}

/** One SignedData with a SignerInfo of each; each has compared the digest with the paper first. */
export async function signedBy(
  stage: Stage,
  people: readonly string[],
  content: Uint8Array,
  label: string,
  eContentType: string,
): Promise<Uint8Array> {
  const digest = hex(sha256(content));
  const signed: Uint8Array[] = [];
  for (const id of people) {
    await stage.scene.compare(id, label, digest);
    const key = await personKey(stage.scene, personOf(stage.file, id));
    try {
      signed.push(await signContent(nodeHost, key, { eContentType, content, signingTime: stage.now() }));
    } finally {
      key.wipe();
    }
  }
  return mergeSignedData(signed.map((one) => readSignedData(one)));
}

/** Refuses CEREMONY-FILE, before anything is made, where the file's part of the policy makes none with all who are named. */
export function checkPolicyPart(file: CeremonyFile, parameters: GenesisParameters): void {
  const present = () => file.people.map(({ id }) => id);
  // Two keys that are not there yet: the policy's own rules ask only that they differ.
  const facts = (step: string) => ({ uri: "", spki: base64(utf8(step)) });
  policyContent({ file, facts, present }, parameters);
}

/** Canonical bytes of policy number 1: who signs here is named with the own certificate. Refuses as `policyOf`. */
export function policyContent(
  stage: Pick<Stage, "file" | "facts" | "present">,
  { arc, policy, suite }: GenesisParameters,
): Uint8Array {
  const people = signersOf(stage).map((id) => {
    const { name, roles } = personOf(stage.file, id);
    const named = roles.filter((role) => role === "operator" || role === "officer");
    return { certificates: [base64(certificateOf(stage, id))], id, name, roles: named };
  });
  return policyOf(stage.file, policy, {
    appliance: stage.file.appliance,
    arc,
    keys: { audit: keyOf(stage, "audit-key").spki, sealing: keyOf(stage, "sealing-key").spki },
    number: 1,
    people,
    previous: null,
    suite,
  });
}
