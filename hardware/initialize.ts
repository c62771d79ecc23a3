/** Making a new token: label, security officer's PIN, user PIN. */

import pkcs11js from "pkcs11js";
import { utf8 } from "../manifests/encoding/bytes.ts";
import { Refusal } from "../manifests/refusal.ts";
import { toRefusal } from "./faults.ts";
import { type Module, type ModulePlace, openModule } from "./module.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { withPinText } from "./pin.ts";
import { type FoundToken, findEmptySlot, listTokens, type PinLimits } from "./slot.ts";
import { syncTokens } from "./softhsm.ts";
import { writePkcs11Uri } from "./uri.ts";

export interface NewToken {
  /** 1 to 32 bytes of UTF-8, not one of a token that is there */
  readonly label: string;
  /** both UTF-8; the caller wipes them */
  readonly soPin: Uint8Array;
  readonly pin: Uint8Array;
  /** the security officer's PIN that the maker set, where its tokens have one; `soPin` takes its place */
  readonly factorySoPin?: Uint8Array;
}

export interface MadeToken {
  readonly label: string;
  readonly serial: string;
  /** names token and serial, as `openToken` needs them */
  readonly uri: string;
}

/**
 * Initialises the first empty slot; never one that holds a token. The token's files are on the disk on return (SoftHSM).
 * Refuses with HSM-TOKEN a label that is taken or not possible, and where no slot is empty; with PIN-WRONG a PIN that the
 * token does not take (its length before anything is done, some tokens take more than they say), and another factory PIN; with HSM-MODULE and other HSM codes. What a refusal leaves behind is a token without user PIN.
 */
export async function initializeToken(place: ModulePlace, wanted: NewToken): Promise<MadeToken> {
  const module = openModule(place);
  try {
    const { label, serial } = oneAtATime(module.place, () => initialize(module, wanted));
    await syncTokens(module.place);
    return { label, serial, uri: writePkcs11Uri({ token: label, serial }) };
  } catch (error) {
    throw toRefusal(error, "initialising it");
  } finally {
    module.close();
  }
}

function initialize({ library }: Module, wanted: NewToken): FoundToken {
  const before = listTokens(library);
  checkLabel(wanted.label, before);
  const { slot, limits } = findEmptySlot(library);
  checkLength(wanted.pin, limits);
  // Not by graphene: its initToken throws with this binding, which answers no label.
  withPinText(wanted.factorySoPin ?? wanted.soPin, (soPin) => library.C_InitToken(slot, soPin, padded(wanted.label)));
  const made = listTokens(library).filter((token) => !before.some((old) => old.serial === token.serial));
  const [token] = made;
  if (!token || made.length > 1 || token.label !== wanted.label) {
    throw new Refusal("HSM-TOKEN", "the new token does not show", {
      expected: wanted.label,
      got: `${made.length} new`,
    });
  }
  setPins(library, token.slot, wanted);
  return token;
}

function setPins(library: pkcs11js.PKCS11, slot: pkcs11js.Handle, { soPin, pin, factorySoPin }: NewToken): void {
  const session = library.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
  try {
    withPinText(factorySoPin ?? soPin, (text) => library.C_Login(session, pkcs11js.CKU_SO, text));
    if (factorySoPin) {
      withPinText(factorySoPin, (old) => withPinText(soPin, (text) => library.C_SetPIN(session, old, text)));
    }
    withPinText(pin, (text) => library.C_InitPIN(session, text));
    library.C_Logout(session);
  } finally {
    library.C_CloseSession(session);
  }
}

/** Of the user's PIN, in bytes: a security officer's may have other limits, which PKCS#11 has no word for (SmartCard-HSM). */
function checkLength({ length }: Uint8Array, { shortest, longest }: PinLimits): void {
  if (length >= shortest && length <= longest) return;
  throw new Refusal("PIN-WRONG", "the token takes no PIN of this length", {
    expected: `${shortest} to ${longest} bytes`,
    got: `${length} bytes`,
  });
}

/** Refuses HSM-TOKEN a label that no token can have, or that one has. */
export function checkLabel(label: string, there: readonly FoundToken[]): void {
  const { length } = utf8(label);
  if (length < 1 || length > 32 || /[\p{Cc} ]$|^ |\p{Cc}/u.test(label)) {
    throw new Refusal("HSM-TOKEN", "not a label that a token can have", { expected: "1 to 32 bytes", got: label });
  }
  const taken = there.find((token) => token.label === label);
  if (taken) {
    throw new Refusal("HSM-TOKEN", "a token of this label is there already", {
      expected: "a new label",
      got: `${label} (serial ${taken.serial})`,
    });
  }
}

/** Blank-padded to 32 bytes, as C_InitToken wants it. */
function padded(label: string): string {
  return label + " ".repeat(32 - utf8(label).length);
}
