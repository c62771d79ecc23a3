/** A ledger's keys in a folder of their own, with a certificate by a test root, and its signer as a process. */

import { randomUUID } from "node:crypto";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeHost } from "../../../host/crypto-host.ts";
import { withSigner } from "../../../ledger/client/open-signer.ts";
import type { SignerClient } from "../../../ledger/client/signer-client.ts";
import { type KeyKind, makeKeys, requestFile } from "../../../ledger/signer/make-keys.ts";
import { certificateFile } from "../../../ledger/signer/methods.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { documentationArc, ownOids } from "../../../manifests/encoding/oid.ts";
import { readVerifierKey, type VerifierKey } from "../../../manifests/log/verifier-key.ts";
import { verifyCertificateRequest } from "../../../manifests/x509/certificate-request.ts";
import { type Issued, issue, makeRoot } from "../../pki/authority.ts";
import { cheap, passphrase } from "../programs.ts";

export const origin = "ledger.example.org/boxes";
const usage = ownOids(documentationArc).acknowledging;

export interface TestKeys {
  /** of the ledger; the keys are in `signer` below it */
  readonly folder: string;
  readonly vkey: VerifierKey;
  readonly root: Issued;
  /** makes and keeps the certificate of the acknowledgement key */
  certify(): Promise<Uint8Array>;
  /** the signer: the one that serves there, else one for this call alone */
  signing<T>(use: (signer: SignerClient) => Promise<T>): Promise<T>;
}

/** Makes the keys below a ledger's folder; `of` is the log's name. */
export async function keysIn(folder: string, kind: KeyKind = "p256", of = origin): Promise<TestKeys> {
  const signer = join(folder, "signer");
  const made = await makeKeys({
    folder: signer,
    kind,
    cost: cheap,
    organization: "Example",
    origin: of,
    askPassphrase: async () => utf8(passphrase),
    usage,
  });
  const root = makeRoot({ name: "ledger root" });
  return {
    folder,
    root,
    vkey: await readVerifierKey(nodeHost, made.vkey, "ed25519"),
    async certify() {
      const { spki, subject } = await verifyCertificateRequest(nodeHost, readFileSync(requestFile(signer)));
      const { certificate } = issue(root, { name: "", subject, spki, eku: [usage] });
      writeFileSync(certificateFile(signer), certificate);
      return certificate;
    },
    async signing(use) {
      const secret = join(folder, `passphrase-${randomUUID()}`);
      writeFileSync(secret, passphrase);
      const passphraseFd = () => openSync(secret, "r");
      try {
        return await withSigner({ folder, arc: documentationArc, passphraseFd }, async (signer) => use(await signer()));
      } finally {
        rmSync(secret);
      }
    },
  };
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), "coldseal-signer-"));
}
