import { nodeHost } from "../../../host/crypto-host.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import { type RefusalFile, readRefusalFile, refusalFileBytes } from "../../../manifests/records/refusal-record.ts";
import { verifyRefusal } from "../../../manifests/verify/refusal.ts";
import { audit, issuer, oids, root } from "../../bundle/people.ts";
import { times } from "../../bundle/signed.ts";
import { mutateFile } from "../files.ts";
import type { Target } from "../target.ts";
import { checkFindings } from "../verdicts.ts";

const record: RefusalFile = {
  appliance: "box-1",
  created: times.manifest,
  journal: { head: "0a".repeat(32), sequence: 3 },
  policyDigest: "0b".repeat(32),
  reported: { batchDigest: null, code: "DER", details: { a: [1, "b"] }, folder: "batch-1", message: "not strict DER" },
  signed: true,
  type: "refusal",
  version: 1,
};

export const refusalTarget: Target = {
  name: "refusal",
  seeds: async () => {
    const content = refusalFileBytes(record);
    const what = {
      eContentType: oids.refusal,
      content,
      signingTime: times.manifest,
      extraCertificates: [issuer.certificate],
    };
    return [content, await signContent(nodeHost, audit.signingKey, what)];
  },
  mutate: mutateFile,
  run: async (input) => {
    if (input[0] === 0x7b) return readRefusalFile(input);
    return checkFindings(await verifyRefusal(nodeHost, input, { roots: [root.certificate] }));
  },
};
