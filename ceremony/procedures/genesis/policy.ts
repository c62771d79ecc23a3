/** Policy number 1: public keys of the box, people with their certificates; signed by all of them. */

import { readCertificateFile } from "../../../host/certificate-file.ts";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { writeDurable } from "../../../host/durable.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import { suiteOf } from "../../../manifests/cms/suite.ts";
import { mergeSignedData } from "../../../manifests/cms/write.ts";
import { base64, hex } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json } from "../../../manifests/encoding/canonical-json.ts";
import { ownOids } from "../../../manifests/encoding/oid.ts";
import { anyObject, list, object, text } from "../../../manifests/encoding/shape.ts";
import { readPolicy } from "../../../manifests/records/policy.ts";
import { verifyGenesis } from "../../../manifests/records/policy-chain.ts";
import { checkPolicyRules } from "../../../manifests/records/policy-rules.ts";
import { asRefusal, Refusal } from "../../../manifests/refusal.ts";
import { pathIn } from "../../engine/ceremony-file.ts";
import { personKey, personOf } from "../../engine/people.ts";
import type { Stage, Step } from "../../engine/procedure.ts";
import { boxLayout } from "../layout.ts";
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
      "The policy names the box's public keys and everybody's certificate. Its digest is shown as words, and written down or printed.",
      "Each types two groups of the digest from the paper, and signs with the own token.",
    ],
    wayBack: "Try again, or strike out the person whose token fails: the policy is then made without.",
    needs: ["people", "audit-key", "sealing-key"],
    perform: async (stage) => {
      const content = policyContent(stage, parameters);
      const digest = hex(sha256(content));
      const label = "policy number 1";
      stage.scene.show(label, digest);
      const people = signersOf(stage);
      const signed = await signedBy(stage, people, content, label, ownOids(parameters.arc).policy);
      await verifyGenesis(nodeHost, ownOids(parameters.arc), signed, digest);
      await writeDurable(boxLayout(parameters.box).genesis, signed);
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

/** Canonical bytes of policy number 1, read back. Refuses CEREMONY-FILE where the file's part of it is none. */
export function policyContent(
  stage: Pick<Stage, "file" | "facts" | "present">,
  parameters: GenesisParameters,
): Uint8Array {
  const keys = { audit: base64(keyOf(stage, "audit-key").spki), sealing: base64(keyOf(stage, "sealing-key").spki) };
  return composed(stage, parameters, keys);
}

function composed(
  stage: Pick<Stage, "file" | "present">,
  parameters: GenesisParameters,
  keys: { readonly audit: string; readonly sealing: string },
): Uint8Array {
  const { arc, suite } = parameters;
  const { people: others, submitters, ...rest } = filePart(parameters);
  const signers = signersOf(stage as Stage).map((id) => personOf(stage.file, id));
  const value = {
    ...rest,
    appliance: stage.file.appliance,
    arc,
    keys,
    number: 1,
    people: [
      ...signers.map(({ id, name, roles }) => ({
        certificates: [base64(certificateOf(stage, id))],
        id,
        name,
        roles: roles.filter((role) => role === "operator" || role === "officer"),
      })),
      ...others.map(({ certificates, ...one }) => ({
        ...one,
        certificates: certificates.map((path) => der(stage, path)),
      })),
    ],
    previous: null,
    profile: { digest: suiteOf(suite).hash, level: "CAdES-B-B", suite },
    submitters: { ...submitters, roots: submitters.roots.map((path) => der(stage, path)) },
    type: "policy",
    version: 1,
  } as Json;
  try {
    const bytes = canonicalBytes(value);
    checkPolicyRules(readPolicy(bytes));
    return bytes;
  } catch (fault) {
    const { message, expected, got } = asRefusal(fault, "CEREMONY-FILE", "the policy cannot be made");
    throw new Refusal("CEREMONY-FILE", `parameters.policy: ${message}`, {
      cause: fault,
      ...(expected === undefined ? {} : { expected }),
      ...(got === undefined ? {} : { got }),
    });
  }
}

const readOther = object({
  certificates: list(text(4096), 0, 8),
  id: text(32),
  name: text(100),
  roles: list(text(32), 1, 8),
});

function filePart({ policy }: GenesisParameters) {
  const { people, submitters, ...rest } = policy;
  const read = list(readOther, 0, 64)(people ?? [], "policy.people");
  const { roots, ...more } = anyObject(submitters ?? {}, "policy.submitters");
  return {
    ...rest,
    people: read,
    submitters: { ...more, roots: list(text(4096), 1, 16)(roots ?? [], "policy.submitters.roots") },
  };
}

function der({ file }: Pick<Stage, "file">, path: string): string {
  return base64(readCertificateFile(pathIn(file, path)));
}
