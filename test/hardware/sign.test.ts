import { constants, createPublicKey, type KeyObject, randomBytes, verify } from "node:crypto";
import pkcs11js from "pkcs11js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findObjects } from "../../hardware/objects.ts";
import { tokenSigner } from "../../hardware/sign.ts";
import type { Token } from "../../hardware/token.ts";
import { hashBytes, type Suite, suiteNames, suiteOf } from "../../manifests/cms/suite.ts";
import { keyOf, makeSoftToken, type SoftToken, withToken } from "./soft-token.ts";

let soft: SoftToken;

beforeAll(async () => {
  soft = await makeSoftToken("signs", [
    { label: "rsa-2048", kind: "rsa-2048" },
    { label: "rsa-3072", kind: "rsa-3072" },
    { label: "p256", kind: "p256" },
    { label: "p384", kind: "p384" },
  ]);
});
afterAll(() => soft?.remove());

const labels = { "rsa-pkcs1": "rsa-3072", "rsa-pss": "rsa-3072", "ecdsa-p256": "p256", "ecdsa-p384": "p384" } as const;

/** node:crypto by itself, without the code that the box verifies with. */
function holds(suite: Suite, spki: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key: KeyObject = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  if (suite.scheme === "rsa-pkcs1") return verify(suite.hash, message, key, signature);
  if (suite.scheme === "rsa-pss") {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return verify(suite.hash, message, { key, padding, saltLength: hashBytes[suite.hash] }, signature);
  }
  return verify(suite.hash, message, { key, dsaEncoding: "der" }, signature);
}

const signerOf = (token: Token, label: string, suite: Suite) => tokenSigner(token, { ...keyOf(soft, label), suite });

describe("signatures by a token", () => {
  it.each(suiteNames)("HSM-SIGNATURE: %s verifies by node:crypto, for messages of any length", async (name) => {
    const suite = suiteOf(name);
    const label = labels[suite.scheme];
    await withToken(soft, async (token) => {
      const signer = signerOf(token, label, suite);
      expect(signer.suite).toBe(suite);
      for (const length of [0, 1, 32, 1000, 100_000]) {
        const message = new Uint8Array(randomBytes(length));
        const signature = await signer.sign(message);
        expect(holds(suite, keyOf(soft, label).spki, message, signature)).toBe(true);
        expect(holds(suite, keyOf(soft, label).spki, new Uint8Array(randomBytes(33)), signature)).toBe(false);
      }
    });
  });

  it("HSM-SIGNATURE: RSA-2048 signs too, PSS with the longest digest included", async () => {
    await withToken(soft, async (token) => {
      const suite = suiteOf("rsa-pss-sha512");
      const message = new Uint8Array(randomBytes(100));
      const signature = await signerOf(token, "rsa-2048", suite).sign(message);
      expect(signature).toHaveLength(256);
      expect(holds(suite, keyOf(soft, "rsa-2048").spki, message, signature)).toBe(true);
    });
  });

  it("HSM-SIGNATURE: many messages are signed in order, each its own, while signers run at once", async () => {
    const suite = suiteOf("ecdsa-p256-sha256");
    await withToken(soft, async (token) => {
      const batches = Array.from({ length: 4 }, () =>
        Array.from({ length: 150 }, () => new Uint8Array(randomBytes(500))),
      );
      const signed = await Promise.all(batches.map((batch) => signerOf(token, "p256", suite).signMany(batch)));
      for (const [at, batch] of batches.entries()) {
        const spki = keyOf(soft, "p256").spki;
        expect(batch.every((message, index) => holds(suite, spki, message, signed[at]?.[index] as Uint8Array))).toBe(
          true,
        );
      }
    });
  });

  it("HSM-SIGNATURE: the message belongs to the caller again once sign returns its promise's value", async () => {
    const suite = suiteOf("ecdsa-p256-sha256");
    await withToken(soft, async (token) => {
      const message = new Uint8Array(randomBytes(64));
      const copy = message.slice();
      const signature = await signerOf(token, "p256", suite).sign(message);
      message.fill(0);
      expect(holds(suite, keyOf(soft, "p256").spki, copy, signature)).toBe(true);
    });
  });

  it("HSM-FAULT: a key whose handle is no longer valid is found again", async () => {
    const suite = suiteOf("rsa-pkcs1-sha256");
    const message = new Uint8Array(randomBytes(10));
    await withToken(soft, async (token) => {
      const signer = signerOf(token, "rsa-2048", suite);
      const signature = await signer.sign(message);
      const label = { type: pkcs11js.CKA_LABEL, value: "rsa-2048" };
      await token.withSession((session) => {
        const { library, handle } = session;
        const [key] = findObjects(session, [{ type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY }, label]);
        const copy = library.C_CopyObject(handle, key as Buffer, [{ ...label, value: "copy" }]);
        library.C_DestroyObject(handle, key as Buffer);
        library.C_SetAttributeValue(handle, copy, [label]);
      });
      expect(await signer.sign(message)).toEqual(signature);
    });
  });

  it.each([
    ["p256", "ecdsa-p384-sha384"],
    ["p384", "ecdsa-p256-sha256"],
    ["p256", "rsa-pkcs1-sha256"],
    ["rsa-3072", "ecdsa-p256-sha256"],
  ] as const)("T9: a %s key does not sign with %s", async (label, name) => {
    await withToken(soft, async (token) => {
      expect(() => signerOf(token, label, suiteOf(name))).toThrow(expect.objectContaining({ code: "CMS-ALGORITHM" }));
    });
  });
});
