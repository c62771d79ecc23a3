/**
 * Generating key pairs with graphene-pk11. A key counts only when it was found again after the token was opened anew, has
 * signed, the signature held, and it is on the disk: SoftHSM does none of that by itself (measured: 13 of 20 kills left halves).
 */

import { randomBytes } from "node:crypto";
import graphene from "graphene-pk11";
import pkcs11js from "pkcs11js";
import { nodeHost } from "../host/crypto-host.ts";
import { type Suite, suiteOf } from "../manifests/cms/suite.ts";
import { pointOfSpki } from "../manifests/log/ed25519-point.ts";
import { Refusal } from "../manifests/refusal.ts";
import { ed25519Signer, withCurveName } from "./ed25519.ts";
import { destroyKeyPair, isKeyHalf, listObjects, managed, removeOrphans } from "./inventory.ts";
import type { PinnedKey } from "./key.ts";
import type { TokenConfig } from "./module.ts";
import { findObjects, flag, type Session } from "./objects.ts";
import { curveParameters, edwards, readSpki } from "./public-key.ts";
import { tokenSigner } from "./sign.ts";
import { syncTokens } from "./softhsm.ts";
import type { Token } from "./token.ts";
import { readPkcs11Uri, writePkcs11Uri } from "./uri.ts";
import { withLogin } from "./with-login.ts";

/** Keys of a suite. */
export type SuiteKeyKind = "rsa-2048" | "rsa-3072" | "p256" | "p384";
/** Ed25519 is of no suite: it signs no CMS (`ed25519.ts`). */
export type KeyKind = SuiteKeyKind | "ed25519";

export interface NewKey {
  /** CKA_LABEL; no key of this label may be on the token */
  readonly label: string;
  readonly kind: KeyKind;
  /** CKA_ID, 16 random bytes; drawn here unless whoever asks has to know it beforehand */
  readonly id?: Uint8Array;
}

export interface GeneratedKey extends Omit<NewKey, "id"> {
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

async function checkLabelsFree(token: Token, wanted: readonly NewKey[]): Promise<void> {
  const labels = new Set(wanted.map(({ label }) => label));
  const taken = (await listObjects(token)).find((object) => isKeyHalf(object) && labels.has(object.label));
  if (taken || labels.size < wanted.length) {
    const got = taken ? `a ${taken.type} key "${taken.label}"` : "a label that is wanted twice";
    throw new Refusal("HSM-KEY", "a key of this label is on the token already", { expected: "new labels", got });
  }
}

function generate(session: Session, key: NewKey): Uint8Array {
  const id = Buffer.from(key.id ?? randomBytes(16));
  if (key.kind === "ed25519")
    withCurveName((paramsEC) => generatePair(session, edwardsGenerate, key.label, id, { paramsEC }));
  else generatePair(session, mechanisms[key.kind], key.label, id, shapes[key.kind]);
  return new Uint8Array(id);
}

function generatePair(
  session: Session,
  mechanism: graphene.MechanismType,
  label: string,
  id: Buffer,
  shape: graphene.ITemplate,
): void {
  const half = { token: true, label, id };
  managed(session).generateKeyPair(
    mechanism,
    { ...half, ...shape, private: false },
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
}

/** graphene takes the number of a mechanism that it has no name for. */
const edwardsGenerate = edwards.generate as graphene.MechanismEnum;

const mechanisms: Readonly<Record<SuiteKeyKind, graphene.MechanismEnum>> = {
  "rsa-2048": graphene.MechanismEnum.RSA_PKCS_KEY_PAIR_GEN,
  "rsa-3072": graphene.MechanismEnum.RSA_PKCS_KEY_PAIR_GEN,
  p256: graphene.MechanismEnum.EC_KEY_PAIR_GEN,
  p384: graphene.MechanismEnum.EC_KEY_PAIR_GEN,
};

const publicExponent = Buffer.of(1, 0, 1);

const shapes: Readonly<Record<SuiteKeyKind, graphene.ITemplate>> = {
  "rsa-2048": { modulusBits: 2048, publicExponent },
  "rsa-3072": { modulusBits: 3072, publicExponent },
  p256: { paramsEC: Buffer.from(curveParameters.p256) },
  p384: { paramsEC: Buffer.from(curveParameters.p384) },
};

const suites: Readonly<Record<SuiteKeyKind, Suite>> = {
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
    await checkSigns(token, { uri, spki }, key.kind);
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

async function checkSigns(token: Token, key: PinnedKey, kind: KeyKind): Promise<void> {
  const message = new Uint8Array(randomBytes(64));
  if (!(await signsAndHolds(token, key, kind, message))) {
    throw new Refusal("HSM-SIGNATURE", "the new key's signature does not verify");
  }
}

async function signsAndHolds(token: Token, key: PinnedKey, kind: KeyKind, message: Uint8Array): Promise<boolean> {
  if (kind === "ed25519") {
    const signature = await ed25519Signer(token, key).sign(message);
    return nodeHost.verifyEd25519(pointOfSpki(key.spki), message, signature);
  }
  const suite = suites[kind];
  const signature = await tokenSigner(token, { ...key, suite }).sign(message);
  return nodeHost.verify(suite, key.spki, message, signature);
}
