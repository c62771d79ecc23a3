/** Changing the user's PIN of a token (C_SetPIN). */

import pkcs11js from "pkcs11js";
import { Refusal } from "../manifests/refusal.ts";
import { toRefusal } from "./faults.ts";
import type { Module } from "./module.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { withPinText } from "./pin.ts";
import { listTokens, readTokenUri } from "./slot.ts";
import { syncTokens } from "./softhsm.ts";

/**
 * Changes it by an open module that nobody is logged in to. On return the token takes the new PIN alone, and its files are on the
 * disk (SoftHSM). Both PINs are UTF-8 and the caller's to wipe. Refuses PIN-WRONG, PIN-LOCKED, HSM-TOKEN and other HSM codes; the
 * old PIN then holds, but where the module failed in the middle: only a login says which one does.
 */
export async function changePin(module: Module, uri: string, oldPin: Uint8Array, newPin: Uint8Array): Promise<void> {
  try {
    module.ensure();
    oneAtATime(module.place, () => change(module.library, uri, oldPin, newPin));
    await syncTokens(module.place);
  } catch (fault) {
    throw toRefusal(fault, "changing its PIN");
  }
}

function change(library: pkcs11js.PKCS11, uri: string, oldPin: Uint8Array, newPin: Uint8Array): void {
  const { serial } = readTokenUri(uri);
  const token = listTokens(library).find((one) => one.serial === serial);
  if (!token) throw new Refusal("HSM-TOKEN", "the token is not there", { expected: `serial ${serial}` });
  const session = library.C_OpenSession(token.slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
  try {
    withPinText(oldPin, (old) => {
      library.C_Login(session, pkcs11js.CKU_USER, old);
      withPinText(newPin, (text) => library.C_SetPIN(session, old, text));
    });
    library.C_Logout(session);
  } finally {
    library.C_CloseSession(session);
  }
}
