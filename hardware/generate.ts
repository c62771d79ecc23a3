/**
 * Generating key pairs with graphene-pk11. A key counts only when it was found again after the token was opened anew, has
 * signed, the signature held, and it is on the disk: SoftHSM does none of that by itself (measured: 13 of 20 kills left halves).
 */

import { randomBytes } from "node:crypto";
import graphene from "graphene-pk11";
import pkcs11js from "pkcs11js";
import { nodeHost } from "../host/crypto-host.ts";
import { type Suite, suiteOf } from "../manifests/cms/suite.ts";
import { Refusal } from "../manifests/refusal.ts";
import { destroyKeyPair, isKeyHalf, listObjects, managed, removeOrphans } from "./inventory.ts";
import type { TokenConfig } from "./module.ts";
import { findObjects, flag, type Session } from "./objects.ts";
import { curveParameters, readSpki } from "./public-key.ts";
import { tokenSigner } from "./sign.ts";
import { syncTokens } from "./softhsm.ts";
import { openToken, type Token } from "./token.ts";
import { readPkcs11Uri, writePkcs11Uri } from "./uri.ts";

export type KeyKind = "rsa-2048" | "rsa-3072" | "p256" | "p384";

export interface NewKey {
  /** CKA_LABEL; no key of this label may be on the token */
  readonly label: string;
  readonly kind: KeyKind;
}

export interface GeneratedKey extends NewKey {
  /** names token, serial, label and id of the private key */
  readonly uri: string;
  readonly id: Uint8Array;
  /** DER SubjectPublicKeyInfo, for pinning */
  readonly spki: Uint8Array;
}

/**
 * Generates key pairs: in the token, private, sensitive, never extractable, for signing only, with a random id. `pin` is
 * the user's (UTF-8); the caller wipes it. On return each key is proven as above. Halves with these labels that an
 * interrupted generation left are removed first. Refuses with HSM-KEY a label that is taken, and a key that could not be
 * proven (it is removed); with PIN-WRONG and the codes of `openToken`; with STORE.
 */
export async function generateKeys(
  config: TokenConfig,
  pin: Uint8Array,
  wanted: readonly NewKey[],
): Promise<readonly GeneratedKey[]> {
  const ids = await withLogin(config, pin, async (token) => {
    for (const { label } of wanted) await removeOrphans(token, label);
    await checkLabelsFree(token, wanted);
    return token.withSession((session) => wanted.map((key) => generate(session, key)));
  });
  await syncTokens(config);
  const keys = await withLogin(config, pin, async (token) => {
    const proven: GeneratedKey[] = [];
    for (const [at, key] of wanted.entries()) proven.push(await prove(token, config, key, ids[at] as Uint8Array));
    return proven;
  });
  await syncTokens(config);
  return keys;
}

/** Opens the token anew each time, so that what is found comes from the token's own memory or files. */
async function withLogin<T>(config: TokenConfig, pin: Uint8Array, work: (token: Token) => Promise<T>): Promise<T> {
  const token = await openToken(config);
  try {
    await token.login(pin);
    return await work(token);
  } finally {
    await token.close();
  }
}

async function checkLabelsFree(token: Token, wanted: readonly NewKey[]): Promise<void> {
  const labels = new Set(wanted.map(({ label }) => label));
  const taken = (await listObjects(token)).find((object) => isKeyHalf(object) && labels.has(object.label));
  if (taken || labels.size < wanted.length) {
    const got = taken ? `a ${taken.type} key "${taken.label}"` : "a label that is wanted twice";
    throw new Refusal("HSM-KEY", "a key of this label is on the token already", { expected: "new labels", got });
  }
}

function generate(session: Session, { label, kind }: NewKey): Uint8Array {
  const id = randomBytes(16);
  const half = { token: true, label, id };
  managed(session).generateKeyPair(
    mechanisms[kind],
    { ...half, ...shapes[kind], private: false },
    {
      ...half,
      private: true,
      sensitive: true,
      extractable: false,
      sign: true,
      decrypt: false,
      unwrap: false,
      derive: false,
    },
  );
  return new Uint8Array(id);
}

const mechanisms: Readonly<Record<KeyKind, graphene.MechanismEnum>> = {
  "rsa-2048": graphene.MechanismEnum.RSA_PKCS_KEY_PAIR_GEN,
  "rsa-3072": graphene.MechanismEnum.RSA_PKCS_KEY_PAIR_GEN,
  p256: graphene.MechanismEnum.EC_KEY_PAIR_GEN,
  p384: graphene.MechanismEnum.EC_KEY_PAIR_GEN,
};

const publicExponent = Buffer.of(1, 0, 1);

const shapes: Readonly<Record<KeyKind, graphene.ITemplate>> = {
  "rsa-2048": { modulusBits: 2048, publicExponent },
  "rsa-3072": { modulusBits: 3072, publicExponent },
  p256: { paramsEC: Buffer.from(curveParameters.p256) },
  p384: { paramsEC: Buffer.from(curveParameters.p384) },
};

const suites: Readonly<Record<KeyKind, Suite>> = {
  "rsa-2048": suiteOf("rsa-pkcs1-sha256"),
  "rsa-3072": suiteOf("rsa-pkcs1-sha256"),
  p256: suiteOf("ecdsa-p256-sha256"),
  p384: suiteOf("ecdsa-p384-sha384"),
};

async function prove(token: Token, config: TokenConfig, key: NewKey, id: Uint8Array): Promise<GeneratedKey> {
  const { serial, token: name } = readPkcs11Uri(config.uri);
  const uri = writePkcs11Uri({
    ...(name === undefined ? {} : { token: name }),
    ...(serial === undefined ? {} : { serial }),
    object: key.label,
    id,
    type: "private",
  });
  try {
    const spki = await token.withSession((session) => checkHalves(session, key, id));
    await checkSigns(token, { uri, spki, suite: suites[key.kind] });
    return { ...key, uri, id, spki };
  } catch (cause) {
    await destroyKeyPair(token, id, key.label).catch(() => undefined);
    throw new Refusal("HSM-KEY", "the new key could not be proven and was removed", { about: key.label, cause });
  }
}

/** Exactly one of each half, the private one as it was asked for; answers the public key. */
function checkHalves(session: Session, { label }: NewKey, id: Uint8Array): Uint8Array {
  const halves = [pkcs11js.CKO_PRIVATE_KEY, pkcs11js.CKO_PUBLIC_KEY].map((kind) =>
    findObjects(session, [
      { type: pkcs11js.CKA_CLASS, value: kind },
      { type: pkcs11js.CKA_ID, value: Buffer.from(id) },
      { type: pkcs11js.CKA_LABEL, value: label },
    ]),
  );
  const [[privateKey, ...morePrivate] = [], [publicKey, ...morePublic] = []] = halves;
  if (!privateKey || !publicKey || morePrivate.length > 0 || morePublic.length > 0) {
    throw new Refusal("HSM-KEY", "expected exactly one of each half of the new key");
  }
  const kept = [pkcs11js.CKA_ALWAYS_SENSITIVE, pkcs11js.CKA_NEVER_EXTRACTABLE, pkcs11js.CKA_LOCAL];
  if (!kept.every((type) => flag(session, privateKey, type) === true)) {
    throw new Refusal("HSM-KEY", "the token does not say that the new key never leaves it");
  }
  const spki = readSpki(session, publicKey);
  if (!spki) throw new Refusal("HSM-KEY", "the new public key cannot be read");
  return spki;
}

async function checkSigns(token: Token, key: Parameters<typeof tokenSigner>[1]): Promise<void> {
  const message = new Uint8Array(randomBytes(64));
  const signature = await tokenSigner(token, key).sign(message);
  if (!(await nodeHost.verify(key.suite, key.spki, message, signature))) {
    throw new Refusal("HSM-SIGNATURE", "the new key's signature does not verify");
  }
}
