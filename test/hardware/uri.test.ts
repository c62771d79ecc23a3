import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Pkcs11Uri, readPkcs11Uri, writePkcs11Uri } from "../../hardware/uri.ts";

describe("PKCS#11 URIs (RFC 7512)", () => {
  it.each<readonly [string, Pkcs11Uri]>([
    ["pkcs11:", {}],
    ["pkcs11:token=box;serial=6f2c", { token: "box", serial: "6f2c" }],
    ["pkcs11:object=my-key;type=private", { object: "my-key", type: "private" }],
    ["pkcs11:id=%01%fF%00a", { id: Uint8Array.of(1, 255, 0, 0x61) }],
    ["pkcs11:id=", { id: new Uint8Array() }],
    ["pkcs11:token=%C3%9Cbung%201", { token: "Übung 1" }],
    ["pkcs11:token=A:[]@!$'()*+,=&-._~", { token: "A:[]@!$'()*+,=&-._~" }],
    ["pkcs11:slot-id=327;library-version=3.40", { slotId: "327", libraryVersion: "3.40" }],
    ["pkcs11:token=a?module-path=/usr/lib/x.so", { token: "a", modulePath: "/usr/lib/x.so" }],
    ["pkcs11:?module-name=a%2Fb", { moduleName: "a/b" }],
    ["pkcs11:token=a;x-vendor=%41", { token: "a", vendor: { "x-vendor": "A" } }],
    ["pkcs11:token=a?x-vendor=1", { token: "a" }],
  ])("HSM-TOKEN: %s is read as what it says", (text, expected) => {
    expect(readPkcs11Uri(text)).toEqual(expected);
  });

  it.each([
    "",
    "PKCS11:token=a",
    "pkcs11",
    "pkcs12:token=a",
    "pkcs11:token",
    "pkcs11:=a",
    "pkcs11:token=a;",
    "pkcs11:;token=a",
    "pkcs11:token=a;token=a",
    "pkcs11:token=a;token=b",
    "pkcs11:x-v=1;x-v=1",
    "pkcs11:token=a?module-name=a&module-name=a",
    "pkcs11:token=a b",
    "pkcs11:token=a/b",
    "pkcs11:token=a#b",
    "pkcs11:token=Ü",
    "pkcs11:token=%",
    "pkcs11:token=%4",
    "pkcs11:token=%4g",
    "pkcs11:token=%C3",
    "pkcs11:object=%FF",
    "pkcs11:type=secret",
    "pkcs11:type=Private",
    "pkcs11:slot-id=x",
    "pkcs11:library-version=3.",
    "pkcs11:to ken=a",
    "pkcs11:token=a?module-path=a&",
    "pkcs11:token=a?module-path=a;b",
    "pkcs11:token=a\n",
  ])("CONFIG: %j is refused", (text) => {
    expect(() => readPkcs11Uri(text)).toThrow(expect.objectContaining({ code: "CONFIG" }));
  });

  it.each(["pkcs11:token=a?pin-value=1234", "pkcs11:?module-name=x&pin-value=", "pkcs11:token=a?pin-source=file:/pin"])(
    "SECRET: %s is refused, and its value not repeated",
    (text) => {
      expect(() => readPkcs11Uri(text)).toThrow(
        expect.objectContaining({ code: "SECRET", message: expect.not.stringContaining("1234") }),
      );
    },
  );

  const words = fc.string({ unit: "binary", minLength: 0, maxLength: 32 }).filter((text) => text.isWellFormed());
  const uris = fc.record<Pkcs11Uri>(
    {
      token: words,
      serial: words,
      manufacturer: words,
      model: words,
      object: words,
      id: fc.uint8Array({ maxLength: 40 }),
      type: fc.constantFrom("cert", "data", "private", "public", "secret-key"),
      modulePath: words,
      slotId: fc.nat().map(String),
    },
    { requiredKeys: [] },
  );

  it("HSM-TOKEN: what is written is read back the same, and written the same again", () => {
    fc.assert(
      fc.property(uris, (uri) => {
        const text = writePkcs11Uri(uri);
        expect(readPkcs11Uri(text)).toEqual(uri);
        expect(writePkcs11Uri(readPkcs11Uri(text))).toBe(text);
      }),
    );
  });

  it("CONFIG: any text is read or refused with a code, nothing else", () => {
    const pieces = fc.constantFrom(
      "pkcs11:",
      "token",
      "id",
      "=",
      ";",
      "?",
      "&",
      "%",
      "41",
      "é",
      "pin-value",
      "x",
      "\0",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join("");
        try {
          expect(readPkcs11Uri(writePkcs11Uri(readPkcs11Uri(text)))).toEqual(readPkcs11Uri(text));
        } catch (refusal) {
          expect(["CONFIG", "SECRET"]).toContain((refusal as { code?: string }).code);
        }
      }),
    );
  });
});
