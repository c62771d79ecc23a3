import { nodeHost } from "../../../host/crypto-host.ts";
import { generalizedTime } from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { checkRevocation, checkWhereAnswered } from "../../../manifests/verify/revocation.ts";
import { ocspFrom } from "../../../manifests/verify/revocation-files.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import { type OcspResponse, readOcsp } from "../../../manifests/x509/ocsp.ts";
import { root, submitter } from "../../bundle/people.ts";
import { makeCrl } from "../../pki/crl.ts";
import { makeDelegate, makeOcsp, ocspExtension } from "../../pki/ocsp.ts";
import { headersAreMinimal } from "../der-tree.ts";
import { mutateDer } from "../mutate-der.ts";
import { Broken, type Target } from "../target.ts";

const at = "2026-11-25T00:00:00Z";
const path = [submitter, root].map(({ certificate }) => readCertificate(certificate));
const { certificate } = submitter;
const delegate = makeDelegate(root, { extensions: [] });
const cutoff = ocspExtension(oid.archiveCutoff, generalizedTime("2020-01-01T00:00:00Z"));

export const ocspTarget: Target = {
  name: "ocsp",
  seeds: async () => [
    makeOcsp(root, [{ certificate }], { responder: "key" }),
    makeOcsp(root, [{ certificate, nextUpdate: null, hash: "sha256", extensions: [cutoff] }]),
    makeOcsp(
      root,
      [
        { certificate, status: "revoked" },
        { certificate: root.certificate, status: "unknown" },
      ],
      { signer: delegate, certificates: [delegate.certificate] },
    ),
    makeOcsp(root, [{ certificate }], { status: 3 }),
  ],
  mutate: mutateDer,
  run: async (input) => {
    const response = readOcsp(input);
    ocspFrom(input, "a");
    const crls = response.certificates.length === 0 ? [] : [crl];
    const wanted = { crls, ocsp: [input], claimed: at, now: at, minimumRsaBits: 2048 };
    await checkWhereAnswered(nodeHost, path, wanted);
    await checkRevocation(nodeHost, path, wanted);
    return response;
  },
  after: (_, read) => {
    const { answers, responder, tbs } = read as OcspResponse;
    for (const { nextUpdate, thisUpdate } of answers) {
      if (nextUpdate !== undefined && nextUpdate < thisUpdate) throw new Broken("an answer ends before it begins");
    }
    if (responder.kind === "name" && !headersAreMinimal(responder.name)) {
      throw new Broken("an accepted name has a length that is not minimal");
    }
    if (tbs.length === 0) throw new Broken("nothing was signed");
  },
};

/** Says that the delegate stands. */
const crl = makeCrl(root);
