import { expect, it } from "vitest";
import { type ControlKind, checkForm, withForm } from "../../../appliance/daemon/control-form.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { Refusal, type RefusalRecord } from "../../../manifests/refusal.ts";

function refused(kind: ControlKind, bytes: Uint8Array): RefusalRecord | undefined {
  try {
    checkForm(kind, "f.crl", bytes);
    return undefined;
  } catch (fault) {
    return (fault as Refusal).toRecord();
  }
}

it("DER: a CRL in PEM is told as that, with the line that makes DER of it", () => {
  expect(refused("crl", utf8("-----BEGIN X509 CRL-----\nMIIB\n"))).toMatchObject({
    code: "DER",
    expected: "a CRL in DER (RFC 5280): openssl crl -in f.crl -outform DER -out DER.crl",
    got: "PEM (X509 CRL)",
  });
  expect(refused("policy", utf8("-----BEGIN CMS-----\n"))?.expected).toBe("a signed policy (CMS SignedData, DER)");
});

it("DER: junk is told by what was expected and how it begins", () => {
  expect(refused("ocsp", utf8("hello"))).toMatchObject({
    expected: "an OCSP response in DER (RFC 6960)",
    got: '5 bytes that begin with "hello"',
  });
  expect(refused("crl", Uint8Array.of(0, 27))?.got).toBe("2 bytes that begin with 00 1b");
  expect(refused("crl", new Uint8Array(0))?.got).toBe("an empty file");
  expect(refused("crl", Uint8Array.of(0x30, 0))).toBeUndefined();
});

it("DER: a refusal of the signer's keeps what it says, and gets what it does not say", () => {
  const bytes = Uint8Array.of(0x30, 0);
  const bare = withForm(new Refusal("PATH-FORM", "no list"), "crl", "f.crl", bytes);
  expect(bare.toRecord()).toMatchObject({ code: "PATH-FORM", expected: "a CRL in DER (RFC 5280)", message: "no list" });
  const full = new Refusal("DER", "no", { expected: "a list", got: "none" });
  expect(withForm(full, "crl", "f.crl", bytes)).toBe(full);
  const other = new Refusal("PATH-ROOT", "nobody's");
  expect(withForm(other, "crl", "f.crl", bytes)).toBe(other);
});
