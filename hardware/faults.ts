/** What each PKCS#11 return value means for whoever called (PKCS#11 v3.0 5.1), and the refusal it becomes. */

import { Refusal, type RefusalCode } from "../manifests/refusal.ts";

/**
 * - `retry`: this session or handle is of no use any more; a new session may do
 * - `login`: the login is gone, or the module was ended; the PIN is needed again
 * - `gone`: the token is not there
 * - `fatal`: the call failed and would fail again
 * - `pin-wrong`, `pin-locked`: of a login
 * - `unsupported`: this token cannot do it
 */
export type Fault = "retry" | "login" | "gone" | "fatal" | "pin-wrong" | "pin-locked" | "unsupported";

/** By the names that pkcs11js gives; whatever is not listed is `fatal`. */
export const faultTable: Readonly<Record<string, Fault>> = {
  CKR_SESSION_HANDLE_INVALID: "retry",
  CKR_SESSION_CLOSED: "retry",
  CKR_SESSION_COUNT: "retry",
  CKR_OPERATION_ACTIVE: "retry",
  CKR_OPERATION_NOT_INITIALIZED: "retry",
  CKR_KEY_HANDLE_INVALID: "retry",
  CKR_OBJECT_HANDLE_INVALID: "retry",
  CKR_FUNCTION_CANCELED: "retry",
  CKR_USER_NOT_LOGGED_IN: "login",
  CKR_CRYPTOKI_NOT_INITIALIZED: "login",
  CKR_USER_ANOTHER_ALREADY_LOGGED_IN: "login",
  CKR_TOKEN_NOT_PRESENT: "gone",
  CKR_TOKEN_NOT_RECOGNIZED: "gone",
  CKR_DEVICE_REMOVED: "gone",
  CKR_SLOT_ID_INVALID: "gone",
  CKR_PIN_INCORRECT: "pin-wrong",
  CKR_PIN_INVALID: "pin-wrong",
  CKR_PIN_LEN_RANGE: "pin-wrong",
  CKR_PIN_LOCKED: "pin-locked",
  CKR_PIN_EXPIRED: "pin-locked",
  CKR_FUNCTION_NOT_SUPPORTED: "unsupported",
  CKR_MECHANISM_INVALID: "unsupported",
  CKR_MECHANISM_PARAM_INVALID: "unsupported",
  CKR_KEY_FUNCTION_NOT_PERMITTED: "unsupported",
  CKR_KEY_TYPE_INCONSISTENT: "unsupported",
  CKR_KEY_SIZE_RANGE: "unsupported",
  CKR_DOMAIN_PARAMS_INVALID: "unsupported",
  CKR_ATTRIBUTE_TYPE_INVALID: "unsupported",
  CKR_TOKEN_WRITE_PROTECTED: "unsupported",
  CKR_SESSION_PARALLEL_NOT_SUPPORTED: "unsupported",
};

/** A return value as pkcs11js reports it. */
export interface ReturnValue {
  /** `CKR_…` */
  readonly name: string;
  readonly code: number;
  readonly fault: Fault;
}

/**
 * The return value behind an error, if there is one: pkcs11js throws `Pkcs11Error`, but from the three calls that its
 * own class overrides (C_CreateObject, C_CopyObject, C_SetAttributeValue) a plain error with `CKR_NAME:code` in it.
 */
export function returnValue(error: unknown): ReturnValue | undefined {
  if (!(error instanceof Error)) return undefined;
  const [, name, number] = /^(CKR_[A-Z0-9_]+)(?::(\d+))?/.exec(error.message) ?? [];
  if (name === undefined) return undefined;
  const code = number === undefined ? Number((error as { readonly code?: unknown }).code) : Number(number);
  return { name, code, fault: faultTable[name] ?? "fatal" };
}

const codes: Readonly<Record<Fault, RefusalCode>> = {
  retry: "HSM-FAULT",
  login: "LOCKED",
  gone: "HSM-GONE",
  fatal: "HSM-FAULT",
  "pin-wrong": "PIN-WRONG",
  "pin-locked": "PIN-LOCKED",
  unsupported: "HSM-UNSUPPORTED",
};

const sentences: Readonly<Record<Fault, string>> = {
  retry: "the token failed",
  login: "the token's login is gone",
  gone: "the token is not there",
  fatal: "the token failed",
  "pin-wrong": "the token did not take the PIN",
  "pin-locked": "the token has locked this PIN; its security officer must set a new one",
  unsupported: "the token cannot do this",
};

/**
 * Turns what was thrown while `what` was tried into a refusal: refusals pass, anything that did not come from the token
 * is HSM-FAULT. The text names the return value, never an argument of the call: no PIN is in it.
 */
export function toRefusal(error: unknown, what: string): Refusal {
  if (error instanceof Refusal) return error;
  const value = returnValue(error);
  if (value === undefined) return new Refusal("HSM-FAULT", `the token failed: ${what}`, { cause: error });
  const { name, code, fault } = value;
  const got = name === "CKR_VENDOR_DEFINED" ? `${name} 0x${code.toString(16)}` : name;
  return new Refusal(codes[fault], `${sentences[fault]}: ${what} (${got})`, { got, cause: error });
}
