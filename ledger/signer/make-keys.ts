/** Makes a ledger's keys: Ed25519 for checkpoints, and P-256 or RSA for acknowledgements, with a request for the latter's certificate. */

import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { writeDurable } from "../../host/durable.ts";
import type { ScryptCost } from "../../host/passphrase-key.ts";
import { type SuiteName, suiteOf } from "../../manifests/cms/suite.ts";
import { verifierKey, verifierKeyText } from "../../manifests/log/verifier-key.ts";
import {
  simpleName,
  verifyCertificateRequest,
  writeCertificateRequest,
} from "../../manifests/x509/certificate-request.ts";
import { ed25519Point, newEd25519 } from "../keys/ed25519.ts";
import { checkNoFolder, onlyMaker, wholeFolder } from "../keys/new-folder.ts";
import { type SealedKeys, sealKeys } from "../keys/sealed-keys.ts";
import { headsPlace, writeHeadsPlace } from "../signed-heads/heads-place.ts";
import { makeSignedHeads } from "../signed-heads/signed-heads.ts";
import { keyFile, keyRecordBytes, type OpenPart, openPartBytes } from "./key-record.ts";
import { cmsKey, type SigningKey } from "./signing-key.ts";

export const keyKinds = ["p256", "rsa-3072"] as const;
export type KeyKind = (typeof keyKinds)[number];

/** What is wanted wherever the keys are held. */
export interface SignerWanted {
  /** the signer's own folder */
  readonly folder: string;
  readonly origin: string;
  /** of the acknowledgement key */
  readonly kind: KeyKind;
  /** of the certificate that is asked for */
  readonly organization: string;
  /** the extended key usage that is asked for, and that alone */
  readonly usage: string;
  /** where the counter of what was signed is kept; in the folder unless said */
  readonly counter?: string;
  /** of guessing the passphrase; the usual one unless said */
  readonly cost?: ScryptCost;
}

export interface KeysWanted extends SignerWanted {
  /** gives it as UTF-8, and is asked once nobody else makes keys there; what it gives is wiped here */
  readonly askPassphrase: () => Promise<Uint8Array>;
}

export interface MadeKeys {
  readonly vkey: string;
  /** the file with the certificate request */
  readonly request: string;
}

export const requestFile = (folder: string) => join(folder, "acknowledgement.csr");

/**
 * Makes the signer's folder with all that is in it, or nothing. Durable on return. Refuses, before anybody types, CONFIG where the folder is, BUSY where another run makes keys there,
 * LOG-NOTE an origin that names no key; STORE.
 */
export async function makeKeys(wanted: KeysWanted): Promise<MadeKeys> {
  const { askPassphrase, cost, folder, kind, origin } = wanted;
  const checkpoint = newEd25519();
  const vkey = verifierKeyText(await verifierKey(nodeHost, origin, "ed25519", ed25519Point(checkpoint)));
  const acknowledgement = newAcknowledgementKey(kind);
  const spki = new Uint8Array(createPublicKey(acknowledgement).export({ format: "der", type: "spki" }));
  const open: OpenPart = {
    acknowledgement: { held: "file", spki, suite: suiteNameOf(kind) },
    checkpoint: { held: "file", vkey },
    origin,
    type: "ledger-keys",
    version: 1,
  };
  await onlyMaker(folder, async () => {
    checkNoFolder(folder);
    const passphrase = await askPassphrase();
    try {
      await wholeFolder(folder, async (begun) => {
        const sealed = await sealKeys([checkpoint, acknowledgement], passphrase, openPartBytes(open), cost);
        await fillFolder(begun, wanted, { open, sealed }, cmsKey(acknowledgement, suiteOf(open.acknowledgement.suite)));
      });
    } finally {
      passphrase.fill(0);
    }
  });
  return { vkey, request: requestFile(folder) };
}

/** Writes what every signer's folder has: its heads, the request for a certificate, which `acknowledgement` signs, and its record. */
export async function fillFolder(
  begun: string,
  wanted: SignerWanted,
  { open, sealed }: { readonly open: OpenPart; readonly sealed?: SealedKeys },
  acknowledgement: SigningKey,
): Promise<void> {
  if (wanted.counter !== undefined) await writeHeadsPlace(begun, wanted.counter);
  await makeSignedHeads(headsPlace(begun));
  await writeDurable(requestFile(begun), await requestOf(wanted, open.acknowledgement, acknowledgement));
  await writeDurable(keyFile(begun), keyRecordBytes(open, sealed));
}

async function requestOf(
  { organization, usage }: SignerWanted,
  { spki, suite }: OpenPart["acknowledgement"],
  key: SigningKey,
): Promise<Uint8Array> {
  const request = await writeCertificateRequest({
    subject: simpleName(organization, "Coldseal ledger acknowledgements"),
    spki,
    extendedKeyUsage: [usage],
    suite: suiteOf(suite),
    sign: key.sign,
  });
  await verifyCertificateRequest(nodeHost, request);
  return request;
}

function newAcknowledgementKey(kind: KeyKind): KeyObject {
  if (kind === "p256") return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  return generateKeyPairSync("rsa", { modulusLength: 3072 }).privateKey;
}

export function suiteNameOf(kind: KeyKind): SuiteName {
  return kind === "p256" ? "ecdsa-p256-sha256" : "rsa-pkcs1-sha256";
}
