/**
 * Makes a ledger's keys on a PKCS#11 token: the acknowledgement key, and the one for checkpoints where the token makes Ed25519 keys; where not, that one goes into the file, as
 * the record says. A signer's folder is there whole with keys that were proven on the token, or not at all.
 */

import { randomBytes } from "node:crypto";
import { makesEd25519 } from "../../../hardware/ed25519.ts";
import { type GeneratedKey, generateKeys, type NewKey } from "../../../hardware/generate.ts";
import { isKeyHalf, listObjects } from "../../../hardware/inventory.ts";
import { tokenSigner } from "../../../hardware/sign.ts";
import { openToken, type Token } from "../../../hardware/token.ts";
import { withLogin } from "../../../hardware/with-login.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { writeDurable } from "../../../host/durable.ts";
import { suiteOf } from "../../../manifests/cms/suite.ts";
import { pointOfSpki } from "../../../manifests/log/ed25519-point.ts";
import { verifierKey, verifierKeyText } from "../../../manifests/log/verifier-key.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { ed25519Point, newEd25519 } from "../../keys/ed25519.ts";
import { begunFolder, checkNoFolder, onlyMaker, wholeFolder } from "../../keys/new-folder.ts";
import type { AskPin } from "../../keys/passphrase.ts";
import { sealKeys } from "../../keys/sealed-keys.ts";
import { type OpenPart, openPartBytes } from "../key-record.ts";
import { fillFolder, type MadeKeys, requestFile, type SignerWanted, suiteNameOf } from "../make-keys.ts";
import { withPin } from "./log-in.ts";
import { forgetMaking, noteMaking, removeMade } from "./making.ts";
import { checkedToken, type LedgerToken, tokenFile, tokenFileBytes } from "./token-file.ts";

export interface TokenKeysWanted extends SignerWanted {
  readonly token: LedgerToken;
  readonly askPin: AskPin;
  /** asked only where the key for checkpoints goes into the file; what it gives is wiped here */
  readonly askPassphrase: () => Promise<Uint8Array>;
}

export interface MadeOnToken extends MadeKeys {
  /** names of other keys that are on the token, which OpenSSL's pkcs11 engine cannot use beside one for Ed25519 */
  readonly others: readonly string[];
}

/** CKA_LABEL of a ledger's two keys. */
const keyLabels = (origin: string) =>
  ({ acknowledgement: `${origin} acknowledgements`, checkpoint: `${origin} checkpoints` }) as const;

/**
 * Makes the signer's folder with all that is in it, or nothing; what a run that was interrupted left on the token is removed first. Durable on return. Refuses BUSY, before
 * anybody types, where another run makes keys there; CONFIG where the folder is, or a URI without serial; PIN-WRONG, PIN-LOCKED, HSM-GONE, HSM-TOKEN; HSM-KEY where the token has keys of this ledger already, and a key that could not be proven;
 * HSM-UNSUPPORTED an acknowledgement key that it does not make; LOG-NOTE an origin that names no key; STORE.
 */
export async function makeKeysOnToken(wanted: TokenKeysWanted): Promise<MadeOnToken> {
  return onlyMaker(wanted.folder, () => makeAlone(wanted));
}

async function makeAlone(wanted: TokenKeysWanted): Promise<MadeOnToken> {
  const { askPassphrase, askPin, folder, origin } = wanted;
  checkNoFolder(folder);
  const config = checkedToken(wanted.token);
  const edwards = makesEd25519(config);
  const token = await openToken(config);
  try {
    return await withPin(token, origin, askPin, async (pin) => {
      const others = await tokenReady(token, pin, wanted);
      // While it is open here, `generateKeys` would find its new keys in the module's memory and not on the token.
      await token.close();
      const passphrase = edwards ? undefined : await askPassphrase();
      try {
        return { ...(await make(wanted, token.serial, pin, passphrase)), others: edwards ? others : [] };
      } catch (fault) {
        // What was made is of no use; the next run removes it where this cannot.
        await withLogin(config, pin, (again) => removeMade(again, begunFolder(folder))).catch(() => undefined);
        throw fault;
      } finally {
        passphrase?.fill(0);
      }
    });
  } finally {
    await token.close();
  }
}

/** Logged in once, so that the PIN is known to be right, and nothing of this ledger on it; names of the keys of others. */
async function tokenReady(token: Token, pin: Uint8Array, { folder, origin }: TokenKeysWanted) {
  await token.login(pin);
  try {
    await removeMade(token, begunFolder(folder));
    const labels: readonly string[] = Object.values(keyLabels(origin));
    const names = new Set((await listObjects(token)).filter(isKeyHalf).map(({ label }) => label));
    const taken = labels.filter((label) => names.has(label));
    if (taken.length === 0) return [...names];
    throw new Refusal("HSM-KEY", `the token has keys of ledger ${origin} already`, {
      expected:
        "another token; or, where no ledger signs with them any more, these keys removed by the token's own tools",
      got: taken.join(", "),
    });
  } finally {
    await token.logout();
  }
}

async function make(
  wanted: TokenKeysWanted,
  serial: string,
  pin: Uint8Array,
  passphrase: Uint8Array | undefined,
): Promise<MadeKeys> {
  const { cost, folder, kind, origin, token } = wanted;
  const labels = keyLabels(origin);
  const keys: readonly (NewKey & { readonly id: Uint8Array })[] = [
    { id: randomBytes(16), kind, label: labels.acknowledgement },
    ...(passphrase ? [] : [{ id: randomBytes(16), kind: "ed25519", label: labels.checkpoint } as const]),
  ];
  let vkey = "";
  await wholeFolder(folder, async (begun) => {
    await noteMaking(begun, serial, keys);
    const [acknowledgement, onToken] = await generateKeys(token, pin, keys);
    const inFile = onToken ? undefined : newEd25519();
    const point = inFile ? ed25519Point(inFile) : pointOfSpki((onToken as GeneratedKey).spki);
    vkey = verifierKeyText(await verifierKey(nodeHost, origin, "ed25519", point));
    const { spki, uri } = acknowledgement as GeneratedKey;
    const suite = suiteNameOf(kind);
    const open: OpenPart = {
      acknowledgement: { held: "token", spki, suite, uri },
      checkpoint: onToken ? { held: "token", uri: onToken.uri, vkey } : { held: "file", vkey },
      origin,
      type: "ledger-keys",
      version: 2,
    };
    const sealed =
      inFile && passphrase ? { sealed: await sealKeys([inFile], passphrase, openPartBytes(open), cost) } : {};
    await writeDurable(tokenFile(begun), tokenFileBytes(token));
    await withLogin(token, pin, (opened) =>
      fillFolder(begun, wanted, { open, ...sealed }, tokenSigner(opened, { spki, suite: suiteOf(suite), uri })),
    );
  });
  await forgetMaking(folder);
  return { vkey, request: requestFile(folder) };
}
