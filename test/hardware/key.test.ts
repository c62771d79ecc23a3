import { generateKeyPairSync } from "node:crypto";
import pkcs11js from "pkcs11js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findObjects } from "../../hardware/objects.ts";
import { curveParameters } from "../../hardware/public-key.ts";
import type { Token } from "../../hardware/token.ts";
import { readPkcs11Uri, writePkcs11Uri } from "../../hardware/uri.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { keyOf, makeSoftToken, type SoftToken, withToken } from "./soft-token.ts";

let soft: SoftToken;

beforeAll(async () => {
  soft = await makeSoftToken("keys", [
    { label: "sealing", kind: "p256" },
    { label: "audit", kind: "rsa-2048" },
  ]);
});
afterAll(() => soft?.remove());

/** A key pair as a careless tool makes it. */
async function generate(token: Token, label: string, id: Uint8Array, privateKey: pkcs11js.Template): Promise<void> {
  const half = [
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_LABEL, value: label },
    { type: pkcs11js.CKA_ID, value: Buffer.from(id) },
  ];
  const curve = { type: pkcs11js.CKA_EC_PARAMS, value: Buffer.from(curveParameters.p256) };
  await token.withSession(({ library, handle }) =>
    library.C_GenerateKeyPair(
      handle,
      { mechanism: pkcs11js.CKM_EC_KEY_PAIR_GEN },
      [...half, curve],
      [...half, { type: pkcs11js.CKA_PRIVATE, value: true }, ...privateKey],
    ),
  );
}

const uriOf = (object: string, id: Uint8Array) => writePkcs11Uri({ object, id, type: "private" });

describe("pinned keys", () => {
  it.each(["sealing", "audit"])("HSM-KEY: the %s key is found by id, label and public key", async (label) => {
    await withToken(soft, async (token) => {
      const { uri, spki } = keyOf(soft, label);
      expect(equal((await token.findKey({ uri, spki })).spki, spki)).toBe(true);
    });
  });

  it.each(["sealing", "audit"])("HSM-KEY: the %s key with another public key pinned names both", async (label) => {
    const spki = new Uint8Array(
      generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "der" }),
    );
    await withToken(soft, async (token) => {
      const refusal = await token.findKey({ uri: keyOf(soft, label).uri, spki }).catch((fault) => fault);
      expect(refusal).toMatchObject({
        code: "HSM-KEY",
        expected: expect.stringMatching(/^public key [0-9a-f]{16}…$/),
        got: expect.stringMatching(/^public key [0-9a-f]{16}…$/),
      });
      expect(refusal.expected).not.toBe(refusal.got);
    });
  });

  it("HSM-KEY: another id or another label is no key", async () => {
    const { spki, uri, id } = keyOf(soft, "sealing");
    await withToken(soft, async (token) => {
      for (const wrong of [uriOf("sealing", Uint8Array.of(1)), uriOf("audit", id), uriOf("Sealing", id)]) {
        await expect(token.findKey({ uri: wrong, spki })).rejects.toMatchObject({ code: "HSM-KEY", got: "0 keys" });
      }
      expect(await token.findKey({ uri, spki })).toBeDefined();
    });
  });

  it("CONFIG: a URI that pins no private key by id is refused", async () => {
    const { spki, uri } = keyOf(soft, "sealing");
    const pinned = readPkcs11Uri(uri);
    await withToken(soft, async (token) => {
      for (const wrong of [
        "pkcs11:object=sealing",
        "pkcs11:object=sealing;id=",
        writePkcs11Uri({ ...pinned, type: "public" }),
        writePkcs11Uri({ ...pinned, vendor: { "x-slot": "1" } }),
      ]) {
        await expect(token.findKey({ uri: wrong, spki })).rejects.toMatchObject({ code: "CONFIG" });
      }
    });
  });

  it("T23: two private keys of one id and label are refused, although one is the pinned one", async () => {
    const { spki, uri, id } = keyOf(soft, "sealing");
    await withToken(soft, async (token) => {
      await generate(token, "sealing", id, [{ type: pkcs11js.CKA_SENSITIVE, value: true }]);
      await expect(token.findKey({ uri, spki })).rejects.toMatchObject({ code: "HSM-KEY", got: "2 keys" });
    });
  });

  it("T23: even two copies of the pinned key are refused", async () => {
    const { spki, uri, label } = keyOf(soft, "audit");
    await withToken(soft, async (token) => {
      await token.withSession((session) => {
        const [key] = findObjects(session, [
          { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
          { type: pkcs11js.CKA_LABEL, value: label },
        ]);
        session.library.C_CopyObject(session.handle, key as Buffer, [{ type: pkcs11js.CKA_TOKEN, value: true }]);
      });
      await expect(token.findKey({ uri, spki })).rejects.toMatchObject({ code: "HSM-KEY", got: "2 keys" });
    });
  });

  it.each([
    ["extractable", [{ type: pkcs11js.CKA_EXTRACTABLE, value: true }]],
    ["not sensitive", [{ type: pkcs11js.CKA_SENSITIVE, value: false }]],
  ])("SECRET: a key that is %s is refused", async (what, template) => {
    const id = Uint8Array.from(what, (character) => character.charCodeAt(0));
    await withToken(soft, async (token) => {
      await generate(token, what, id, template);
      const pin = { uri: uriOf(what, id), spki: keyOf(soft, "sealing").spki };
      await expect(token.findKey(pin)).rejects.toMatchObject({ code: "HSM-KEY", expected: "a non-extractable key" });
    });
  });

  it("HSM-KEY: an EC private key whose public key is gone is refused", async () => {
    const id = Uint8Array.of(9);
    await withToken(soft, async (token) => {
      await generate(token, "lonely", id, [{ type: pkcs11js.CKA_SENSITIVE, value: true }]);
      await token.withSession(({ library, handle }) => {
        library.C_FindObjectsInit(handle, [
          { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
          { type: pkcs11js.CKA_LABEL, value: "lonely" },
        ]);
        const [object] = library.C_FindObjects(handle, 2);
        library.C_FindObjectsFinal(handle);
        library.C_DestroyObject(handle, object as Buffer);
      });
      const pin = { uri: uriOf("lonely", id), spki: keyOf(soft, "sealing").spki };
      await expect(token.findKey(pin)).rejects.toMatchObject({ code: "HSM-KEY", got: "0 keys" });
    });
  });
});
