import { nodeHost } from "../../../host/crypto-host.ts";
import { writePssParameters } from "../../../manifests/cms/pss.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { verifySigner } from "../../../manifests/cms/verify.ts";
import { explicit, integer, objectIdentifier, sequence } from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { verifyAllSigners } from "../../../manifests/records/authorization.ts";
import { buildBundle } from "../../bundle/build.ts";
import { oids, root } from "../../bundle/people.ts";
import { signedBy } from "../../bundle/signed.ts";
import { issue } from "../../pki/authority.ts";
import { type DerNode, parseDer, places, writeDer } from "../der-tree.ts";
import { mutateFile } from "../files.ts";
import type { Target } from "../target.ts";

/** Every signer of a SignedData, each with its certificate and signature. */
export const signersTarget: Target = {
  name: "signers",
  seeds: async () => {
    const { files } = await buildBundle();
    const content = new Uint8Array(Buffer.from("content"));
    const suites = ["rsa-pkcs1-sha384", "rsa-pss-sha256", "ecdsa-p384-sha384"] as const;
    const others = suites.map((suite) => issue(root, { name: suite, suite, rsaBits: 2048, eku: [oids.operator] }));
    return [
      files.get("authorization.p7m") as Uint8Array,
      files.get("policy/0001.p7m") as Uint8Array,
      await signedBy(others, oids.authorization, content),
      await otherPss(content),
    ];
  },
  mutate: mutateFile,
  run: async (input) => {
    const data = readSignedData(input);
    const { certificates, eContentType, content = new Uint8Array(0), signers } = data;
    const [signer] = signers;
    if (signer) {
      await verifySigner(nodeHost, signer, {
        certificates,
        eContentType,
        contentDigest: (hash) => nodeHost.digest(hash, content),
      });
    }
    return (await verifyAllSigners(nodeHost, data, 2048)).length;
  },
};

/** PSS parameters in their other form: digests without NULL, which must be read too. */
async function otherPss(content: Uint8Array): Promise<Uint8Array> {
  const suite = "rsa-pss-sha256";
  const signer = issue(root, { name: suite, suite, rsaBits: 2048, eku: [oids.operator] });
  const signed = await signedBy([signer], oids.authorization, content);
  const digest = sequence(objectIdentifier(oid.sha256));
  const mask = sequence(objectIdentifier(oid.mgf1), digest);
  const parameters = sequence(explicit(0, digest), explicit(1, mask), explicit(2, integer(32)));
  const [usual, other] = [writePssParameters("sha256"), parameters].map((one) =>
    Buffer.from(sequence(objectIdentifier(oid.rsaPss), one)).toString("hex"),
  );
  const nodes = parseDer(signed) ?? [];
  for (const { list, at } of places(nodes)) {
    const node = list[at];
    if (node && Buffer.from(writeDer([node])).toString("hex") === usual) list[at] = leafOf(other ?? "");
  }
  return writeDer(nodes);
}

function leafOf(hex: string): DerNode {
  const [node] = parseDer(new Uint8Array(Buffer.from(hex, "hex"))) ?? [];
  if (!node) throw new Error("no DER");
  return node;
}
