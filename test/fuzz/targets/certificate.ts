import { keyIdentity } from "../../../manifests/records/person.ts";
import { type Certificate, issuerAndSerial, readCertificate } from "../../../manifests/x509/certificate.ts";
import { checkStrength, readPublicKey } from "../../../manifests/x509/key.ts";
import { nameText } from "../../../manifests/x509/name.ts";
import { issuer, oids, root, submitter } from "../../bundle/people.ts";
import { issue } from "../../pki/authority.ts";
import { constrainedIssuer, crossedPolicies, nameRich } from "../certificates.ts";
import { headersAreMinimal } from "../der-tree.ts";
import { mutateDer } from "../mutate-der.ts";
import { Broken, type Target } from "../target.ts";

export const certificateTarget: Target = {
  name: "certificate",
  seeds: async () => [
    root.certificate,
    submitter.certificate,
    issuer.certificate,
    issue(root, { name: "PSS", suite: "rsa-pss-sha256", rsaBits: 2048, eku: [oids.operator] }).certificate,
    issue(root, { name: "384", suite: "ecdsa-p384-sha384" }).certificate,
    constrainedIssuer.certificate,
    nameRich.certificate,
    ...crossedPolicies.slice(0, 2),
  ],
  mutate: mutateDer,
  run: (input) => {
    issuerAndSerial(input);
    const certificate = readCertificate(input);
    checkStrength(readPublicKey(certificate.spki), 2048);
    keyIdentity(certificate.spki);
    return certificate;
  },
  after: (_, read) => {
    const { der, subject, subjectText, issuerText } = read as Certificate;
    if (!headersAreMinimal(der)) throw new Broken("an accepted element has a length that is not minimal");
    if (/[\p{C}\p{Zl}\p{Zp}]/u.test(subjectText + issuerText))
      throw new Broken("a name is shown with what cannot be seen");
    if (nameText(subject) !== subjectText) throw new Broken("one name is two texts");
  },
};
