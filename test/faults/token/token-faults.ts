/** What a call of the token can become, by function. Pure. */

import type { TokenFate } from "./faulty-token.ts";

/** Functions of PKCS#11 that a signer calls; the module between counts any other one as a mistake of this list. */
export const tokenCalls = [
  ...["C_Initialize", "C_Finalize", "C_GetInfo", "C_GetSlotList", "C_GetSlotInfo", "C_GetTokenInfo"],
  ...["C_OpenSession", "C_CloseSession", "C_GetSessionInfo", "C_Login", "C_Logout"],
  ...["C_CreateObject", "C_DestroyObject", "C_GetAttributeValue"],
  ...["C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal", "C_SignInit", "C_Sign"],
] as const;
export type TokenCall = (typeof tokenCalls)[number];

/**
 * The first four fail without doing anything, by one of each kind of return value that `hardware/faults.ts` tells apart. HANG: it never returns. GARBAGE: bits of what
 * it gives are flipped. SHORT: what it gives is a byte, or all of its objects, less. LOST: it is done, and then fails with CKR_DEVICE_ERROR.
 */
export const tokenFaults = [
  ...["CKR_DEVICE_ERROR", "CKR_DEVICE_REMOVED", "CKR_SESSION_HANDLE_INVALID", "CKR_FUNCTION_FAILED"],
  ...["HANG", "GARBAGE", "SHORT", "LOST"],
] as const;
export type TokenFault = (typeof tokenFaults)[number];

/** PKCS#11 v2.40, pkcs11t.h */
const codes: Readonly<Record<string, number>> = {
  CKR_DEVICE_ERROR: 0x30,
  CKR_DEVICE_REMOVED: 0x32,
  CKR_SESSION_HANDLE_INVALID: 0xb3,
  CKR_FUNCTION_FAILED: 0x06,
};

/** Calls of no session. */
const withoutSession: readonly string[] = tokenCalls.slice(0, 7);
const giving: readonly string[] = [
  ...["C_GetInfo", "C_GetSlotList", "C_GetSlotInfo", "C_GetTokenInfo", "C_OpenSession", "C_GetSessionInfo"],
  ...["C_CreateObject", "C_GetAttributeValue", "C_FindObjects", "C_Sign"],
];
const givingSome: readonly string[] = ["C_GetSlotList", "C_GetAttributeValue", "C_FindObjects", "C_Sign"];
/** Calls after which something is otherwise than before, in the token or in the session. */
const leaving: readonly string[] = [
  ...["C_Initialize", "C_Finalize", "C_OpenSession", "C_CloseSession", "C_Login", "C_Logout", "C_CreateObject"],
  ...["C_DestroyObject", "C_FindObjectsInit", "C_FindObjectsFinal", "C_SignInit", "C_Sign"],
];

export function isTokenCall(call: string): call is TokenCall {
  return (tokenCalls as readonly string[]).includes(call);
}

export function faultsOfCall(call: TokenCall): readonly TokenFault[] {
  return tokenFaults.filter((fault) => {
    switch (fault) {
      case "CKR_SESSION_HANDLE_INVALID":
        return !withoutSession.includes(call);
      case "GARBAGE":
        return giving.includes(call);
      case "SHORT":
        return givingSome.includes(call);
      case "LOST":
        return leaving.includes(call);
      default:
        return true;
    }
  });
}

/** As the module between is told it. */
export function fateOf(fault: TokenFault): Pick<TokenFate, "kind" | "code"> {
  switch (fault) {
    case "HANG":
      return { kind: "hang", code: 0 };
    case "GARBAGE":
      return { kind: "garbage", code: 0 };
    case "SHORT":
      return { kind: "cut", code: 0 };
    case "LOST":
      return { kind: "lost", code: codes.CKR_DEVICE_ERROR as number };
    default:
      return { kind: "fail", code: codes[fault] as number };
  }
}
