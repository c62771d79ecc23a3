/** The token of the peers: a key of the same kind as the box's, with its certificate beside it on the token, as their tools want it. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import pkcs11js from "pkcs11js";
import { certify, makeRoot, pem } from "../../../ceremony/provision/test-pki.ts";
import { documentationArc, ownOids } from "../../../manifests/encoding/oid.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import { makeSoftToken, type SoftToken, withToken } from "../../hardware/soft-token.ts";

export type PeerKey = "rsa-2048" | "rsa-3072" | "p256";

export interface PeerToken {
  readonly soft: SoftToken;
  /** PEM */
  readonly certificate: string;
  readonly label: "peer";
}

export async function makePeerToken(folder: string, kind: PeerKey): Promise<PeerToken> {
  const soft = await makeSoftToken("peer", [{ label: "peer", kind }]);
  const [key] = soft.keys;
  if (!key) throw new Error("no key was made");
  const der = certify(makeRoot(), ownOids(documentationArc), "sealing", "Peer", key.spki);
  const { subject, issuer, serial } = readCertificate(der);
  await withToken(soft, (token) =>
    token.withSession(({ library, handle }) => {
      library.C_CreateObject(handle, [
        { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_CERTIFICATE },
        { type: pkcs11js.CKA_CERTIFICATE_TYPE, value: pkcs11js.CKC_X_509 },
        { type: pkcs11js.CKA_TOKEN, value: true },
        { type: pkcs11js.CKA_PRIVATE, value: false },
        { type: pkcs11js.CKA_LABEL, value: "peer" },
        { type: pkcs11js.CKA_ID, value: Buffer.from(key.id) },
        { type: pkcs11js.CKA_SUBJECT, value: Buffer.from(subject) },
        { type: pkcs11js.CKA_ISSUER, value: Buffer.from(issuer) },
        { type: pkcs11js.CKA_SERIAL_NUMBER, value: Buffer.from([2, serial.length, ...serial]) },
        { type: pkcs11js.CKA_VALUE, value: Buffer.from(der) },
      ]);
    }),
  );
  const certificate = join(folder, "peer.crt");
  writeFileSync(certificate, pem("CERTIFICATE", der));
  return { soft, certificate, label: "peer" };
}
