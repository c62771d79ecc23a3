import pkcs11js from "pkcs11js";
import { describe, expect, it } from "vitest";
import { faultTable, returnValue, toRefusal } from "../../hardware/faults.ts";
import { Refusal } from "../../manifests/refusal.ts";

const codeOf = (name: string): number => (pkcs11js as unknown as Readonly<Record<string, number>>)[name] ?? Number.NaN;

describe("faults of tokens", () => {
  it.each(Object.keys(faultTable))("HSM-FAULT: %s is a return value of PKCS#11", (name) => {
    expect(codeOf(name)).toBeGreaterThan(0);
  });

  it.each([
    ["CKR_SESSION_HANDLE_INVALID", "HSM-FAULT"],
    ["CKR_USER_NOT_LOGGED_IN", "LOCKED"],
    ["CKR_CRYPTOKI_NOT_INITIALIZED", "LOCKED"],
    ["CKR_TOKEN_NOT_PRESENT", "HSM-GONE"],
    ["CKR_DEVICE_REMOVED", "HSM-GONE"],
    ["CKR_PIN_INCORRECT", "PIN-WRONG"],
    ["CKR_PIN_LOCKED", "PIN-LOCKED"],
    ["CKR_MECHANISM_INVALID", "HSM-UNSUPPORTED"],
    ["CKR_DEVICE_ERROR", "HSM-FAULT"],
    ["CKR_GENERAL_ERROR", "HSM-FAULT"],
  ])("HSM-FAULT: %s becomes %s", (name, code) => {
    const error = new pkcs11js.Pkcs11Error(name, codeOf(name), "C_Sign");
    const refusal = toRefusal(error, "signing");
    expect(refusal).toMatchObject({ code, cause: error, got: name });
    expect(refusal.message).toContain("signing");
  });

  it("HSM-FAULT: a vendor's return value is fatal and shown with its number", () => {
    const refusal = toRefusal(new pkcs11js.Pkcs11Error("CKR_VENDOR_DEFINED", 0x80000123, "C_Sign"), "signing");
    expect(refusal).toMatchObject({ code: "HSM-FAULT", got: "CKR_VENDOR_DEFINED 0x80000123" });
  });

  it("HSM-FAULT: the plain errors of C_CreateObject are understood too", () => {
    const error = new Error("CKR_DEVICE_REMOVED:50\n    at PKCS11.C_CreateObject");
    expect(returnValue(error)).toEqual({ name: "CKR_DEVICE_REMOVED", code: 50, fault: "gone" });
  });

  it("HSM-FAULT: what is no return value is told from one, and refusals pass", () => {
    expect(returnValue(new TypeError("wrong type"))).toBeUndefined();
    expect(toRefusal(new TypeError("wrong type"), "signing").code).toBe("HSM-FAULT");
    const refusal = new Refusal("HSM-KEY", "another key");
    expect(toRefusal(refusal, "signing")).toBe(refusal);
  });
});
