import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cmsVerify } from "../../../demo/openssl.ts";
import { digestOf, nodeHost } from "../../../host/crypto-host.ts";
import { withoutRevocation, withRevocation } from "../../../manifests/cms/revocation-values.ts";
import { withUnsigned } from "../../../manifests/cms/unsigned-attributes.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { readSeal, sealFile } from "../../../manifests/records/seal.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { type SealVerdict, verifySeal } from "../../../manifests/verify/seal.ts";
import { SealChecker } from "../../../manifests/verify/seal-check.ts";
import { issuer, oids, root, sealing } from "../../bundle/people.ts";
import { makeSeal, sealFacts, times } from "../../bundle/signed.ts";
import { withArchive } from "../../pki/archive.ts";
import { pem } from "../../pki/authority.ts";
import { makeCrl } from "../../pki/crl.ts";
import { makeOcsp } from "../../pki/ocsp.ts";
import { makeToken, tsaRoot } from "../../pki/tsa.ts";
import { mutateFile } from "../files.ts";
import { Broken, type Target } from "../target.ts";
import { checkFindings } from "../verdicts.ts";

const document = new Uint8Array(Buffer.from("a document"));
const trust = { roots: [root.certificate], at: times.manifest, authorities: [tsaRoot.certificate] };
/** seals that one process asks OpenSSL about */
let askedLeft = 20;

/** One seal and its document; some of what is accepted is given to OpenSSL too, which must agree. */
export const sealTarget: Target = {
  name: "seal",
  seeds: async () => {
    const facts = (index: number) => sealFacts({ documentDigest: digestOf("sha256", document), index });
    const [first, second] = [(await makeSeal(facts(1))).file, (await makeSeal(facts(2 ** 40))).file] as const;
    const { certificates, signer } = readSeal(first, oids);
    const value = await makeToken({ over: signer.signature });
    const stamped = withUnsigned(signer, [{ oid: oid.signatureTimeStamp, value }]);
    const extended = sealFile({ certificates, signerInfo: stamped });
    const crls = [makeCrl(root), makeCrl(issuer)];
    const answered = makeOcsp(issuer, [{ certificate: sealing.certificate }]);
    const answeredFor = withRevocation(extended, { crls, ocsp: [answered] });
    const archived = await withArchive(answeredFor, { document, time: times.manifest });
    return [first, second, extended, answeredFor, archived];
  },
  mutate: mutateFile,
  run: async (input) => {
    const documentDigest = async (hash: "sha256" | "sha384" | "sha512") => digestOf(hash, document);
    const verdict = checkFindings(await verifySeal(nodeHost, { seal: input, documentDigest }, trust));
    // Revocation data is taken out of one seal before it is checked, and refused in a bundle's.
    const alone = await holdsAlone(input, documentDigest);
    if (verdict.ok !== alone && !hasRevocation(input)) throw new Broken("two ways to check a seal differ");
    readSeal(withoutRevocation(input).base, oids);
    return verdict;
  },
  after: (input, verdict) => {
    if (!(verdict as SealVerdict).ok || askedLeft-- <= 0) return;
    if (!opensslHolds(input)) throw new Broken("OpenSSL refuses a seal that is accepted");
  },
};

function hasRevocation(input: Uint8Array): boolean {
  try {
    return withoutRevocation(input).base !== input;
  } catch {
    return false;
  }
}

async function holdsAlone(
  seal: Uint8Array,
  documentDigest: (hash: "sha256" | "sha384" | "sha512") => Promise<Uint8Array>,
): Promise<boolean> {
  const checker = new SealChecker(nodeHost, { oids, trust, manifest: undefined, policy: undefined });
  try {
    await checker.check(seal, { documentDigest });
    return true;
  } catch (thrown) {
    if (thrown instanceof Refusal) return false;
    throw thrown;
  }
}

function opensslHolds(seal: Uint8Array): boolean {
  const folder = mkdtempSync(join(tmpdir(), "coldseal-fuzz-seal-"));
  const at = (name: string, bytes: Uint8Array | string) => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  try {
    execFileSync("openssl", cmsVerify(at("seal", seal), at("root", pem(root.certificate)), at("document", document)), {
      stdio: "pipe",
    });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
