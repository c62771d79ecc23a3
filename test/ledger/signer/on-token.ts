/** A ledger's keys on a SoftHSM token of a test's own. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listObjects } from "../../../hardware/inventory.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { type KeyKind, requestFile } from "../../../ledger/signer/make-keys.ts";
import { certificateFile } from "../../../ledger/signer/methods.ts";
import { type MadeOnToken, makeKeysOnToken, type TokenKeysWanted } from "../../../ledger/signer/token/make-on-token.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { documentationArc, ownOids } from "../../../manifests/encoding/oid.ts";
import { verifyCertificateRequest } from "../../../manifests/x509/certificate-request.ts";
import { type SoftToken, withToken } from "../../hardware/soft-token.ts";
import { issue, makeRoot } from "../../pki/authority.ts";
import { cheap, passphrase } from "../programs.ts";
import { origin } from "./a-signer.ts";

const usage = ownOids(documentationArc).acknowledging;

export const signerIn = (folder: string) => join(folder, "signer");

/** What is wanted of a test's token; `asked` hears which secrets were asked for. */
export function wantedOn(
  soft: SoftToken,
  folder: string,
  asked: string[] = [],
  kind: KeyKind = "p256",
): TokenKeysWanted {
  return {
    askPin: async ({ what }) => {
      asked.push(`PIN of ${what}`);
      return Uint8Array.from(soft.pin);
    },
    askPassphrase: async () => {
      asked.push("passphrase");
      return utf8(passphrase);
    },
    cost: cheap,
    folder: signerIn(folder),
    kind,
    organization: "Example",
    origin,
    token: soft.config as TokenKeysWanted["token"],
    usage,
  };
}

/** Makes the keys below a ledger's folder, with a certificate for acknowledgements by a test root. */
export async function keysOn(soft: SoftToken, folder: string, asked: string[] = []): Promise<MadeOnToken> {
  const made = await makeKeysOnToken(wantedOn(soft, folder, asked));
  await certify(folder);
  return made;
}

export async function certify(folder: string): Promise<void> {
  const { spki, subject } = await verifyCertificateRequest(nodeHost, readFileSync(requestFile(signerIn(folder))));
  const { certificate } = issue(makeRoot({ name: "ledger root" }), { name: "", subject, spki, eku: [usage] });
  writeFileSync(certificateFile(signerIn(folder)), certificate);
}

/** What is on the token, as "TYPE LABEL". */
export async function thereOn(soft: SoftToken): Promise<readonly string[]> {
  return (await withToken(soft, listObjects)).map(({ label, type }) => `${type} ${label}`);
}

/** Has SoftHSM say and do no more than what RSA and P-256 need. */
export function withoutEd25519(soft: SoftToken): void {
  const configuration = soft.place.environment.SOFTHSM2_CONF;
  const few = "CKM_ECDSA,CKM_EC_KEY_PAIR_GEN,CKM_RSA_PKCS,CKM_RSA_PKCS_KEY_PAIR_GEN";
  writeFileSync(configuration, `${readFileSync(configuration, "utf8")}slots.mechanisms = ${few}\n`);
}
