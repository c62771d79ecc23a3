/** A signer's keys on its token: logged in once, each key the pinned one, and after the token was away logged in again without anything else being begun anew. */

import { ed25519Signer } from "../../../hardware/ed25519.ts";
import type { PinnedKey } from "../../../hardware/key.ts";
import { tokenSigner } from "../../../hardware/sign.ts";
import { openToken, type Token } from "../../../hardware/token.ts";
import { suiteOf } from "../../../manifests/cms/suite.ts";
import type { VerifierKey } from "../../../manifests/log/verifier-key.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { type KeyName, type KeyRecord, keyNames, spkisOf } from "../key-record.ts";
import type { SigningKey, TokenLogin } from "../signing-key.ts";
import { withPin } from "./log-in.ts";
import { readLedgerToken } from "./token-file.ts";

export interface TokenKeys {
  readonly keys: Readonly<Partial<Record<KeyName, SigningKey>>>;
  close(): Promise<void>;
}

/**
 * Opens those keys of the record that are on the token. Refuses CONFIG, HSM-GONE and HSM-TOKEN before anybody types; PIN-WRONG, PIN-LOCKED; HSM-KEY unless each key is there
 * and is the one that the record has. Signing refuses HSM-GONE while the token is away, LOCKED once it is back, until `TokenLogin.lost` has it logged in again, and the codes
 * of `tokenSigner`.
 */
export async function openTokenKeys(
  folder: string,
  record: KeyRecord,
  vkey: VerifierKey,
  { askPin, lost }: TokenLogin,
): Promise<TokenKeys> {
  const pinned = pinnedKeys(record, vkey);
  const token = await openToken(readLedgerToken(folder));
  const login = async () => {
    await withPin(token, record.origin, askPin, (pin) => token.login(pin));
    for (const [, key] of pinned) await token.findKey(key);
  };
  try {
    await login();
  } catch (fault) {
    await token.close();
    throw fault;
  }
  const told = (fault: unknown) => {
    if (!(fault instanceof Refusal) || fault.code !== "LOCKED") return fault;
    lost?.(login);
    const expected = "the PIN at the signer's terminal, or the signer started anew";
    return new Refusal("LOCKED", "the token was away, and its login is gone: nothing was signed", {
      expected,
      got: "nobody logged in",
      cause: fault,
    });
  };
  const keys = pinned.map(([name, key]) => [name, telling(signerOf(token, name, key, record), told)] as const);
  return { keys: Object.fromEntries(keys), close: () => token.close() };
}

function pinnedKeys(record: KeyRecord, vkey: VerifierKey): readonly (readonly [KeyName, PinnedKey])[] {
  const spkis = spkisOf(record, vkey);
  return keyNames.flatMap((name) => {
    const { uri } = record[name];
    return uri === undefined ? [] : [[name, { uri, spki: spkis[name] }] as const];
  });
}

function signerOf(token: Token, name: KeyName, key: PinnedKey, { acknowledgement }: KeyRecord): SigningKey {
  if (name === "checkpoint") return ed25519Signer(token, key);
  return tokenSigner(token, { ...key, suite: suiteOf(acknowledgement.suite) });
}

function telling(key: SigningKey, told: (fault: unknown) => unknown): SigningKey {
  return {
    sign: async (message) => {
      try {
        return await key.sign(message);
      } catch (fault) {
        throw told(fault);
      }
    },
  };
}
