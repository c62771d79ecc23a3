import { nodeHost } from "../../../host/crypto-host.ts";
import { checkRevocation } from "../../../manifests/verify/revocation.ts";
import { crlFrom } from "../../../manifests/verify/revocation-files.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import { type Crl, readCrl } from "../../../manifests/x509/crl.ts";
import { issuer, root, submitter } from "../../bundle/people.ts";
import { makeCrl } from "../../pki/crl.ts";
import { headersAreMinimal } from "../der-tree.ts";
import { mutateDer } from "../mutate-der.ts";
import { Broken, type Target } from "../target.ts";

const at = "2026-11-25T00:00:00Z";
const path = [submitter, root].map(({ certificate }) => readCertificate(certificate));

export const crlTarget: Target = {
  name: "crl",
  seeds: async () => [
    makeCrl(root),
    makeCrl(issuer, { nextUpdate: null, revoked: [Uint8Array.of(5), Uint8Array.of(0x7f, 1)] }),
    makeCrl(root, { revoked: [Uint8Array.of(9)], extension: { oid: "2.5.29.24", critical: true, entry: true } }),
  ],
  mutate: mutateDer,
  run: async (input) => {
    const crl = readCrl(input);
    crlFrom(input, "a");
    await checkRevocation(nodeHost, path, { crls: [input], ocsp: [], claimed: at, now: at, minimumRsaBits: 2048 });
    return crl;
  },
  after: (_, read) => {
    const { issuer: name, nextUpdate, thisUpdate, tbs } = read as Crl;
    if (nextUpdate !== undefined && nextUpdate < thisUpdate) throw new Broken("a list ends before it begins");
    if (!headersAreMinimal(name)) throw new Broken("an accepted name has a length that is not minimal");
    if (tbs.length === 0) throw new Broken("nothing was signed");
  },
};
