/** Ed25519 keys on a token: made, read back whatever form the token gives, signing the message itself. */

import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import pkcs11js from "pkcs11js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ed25519Signer, makesEd25519, withCurveName } from "../../hardware/ed25519.ts";
import { generateKeys } from "../../hardware/generate.ts";
import { listObjects } from "../../hardware/inventory.ts";
import type { Session } from "../../hardware/objects.ts";
import { edwards, readSpki } from "../../hardware/public-key.ts";
import { tokenSigner } from "../../hardware/sign.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { suiteOf } from "../../manifests/cms/suite.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { octetString } from "../../manifests/encoding/der-write.ts";
import { ed25519Spki, pointOfSpki } from "../../manifests/log/ed25519-point.ts";
import { codeOf } from "../manifests/time/code-of.ts";
import { keyOf, makeSoftToken, type SoftToken, withToken } from "./soft-token.ts";

let soft: SoftToken;
beforeAll(async () => {
  soft = await makeSoftToken("edwards", [
    { label: "notes", kind: "ed25519" },
    { label: "cms", kind: "p256" },
  ]);
});
afterAll(() => soft?.remove());

describe("an Ed25519 key of a token", () => {
  it("HSM-SIGNATURE: signs messages of any length themselves, not a digest of them", async () => {
    const key = keyOf(soft, "notes");
    await withToken(soft, async (token) => {
      for (const length of [1, 64, 5000]) {
        const message = new Uint8Array(randomBytes(length));
        const signature = await ed25519Signer(token, key).sign(message);
        expect(await nodeHost.verifyEd25519(pointOfSpki(key.spki), message, signature)).toBe(true);
      }
    });
  });

  it("HSM-KEY: another key than the pinned one is refused, and so is one of another kind", async () => {
    const key = keyOf(soft, "notes");
    await withToken(soft, async (token) => {
      const other = { uri: key.uri, spki: ed25519Spki(new Uint8Array(32).fill(7)) };
      expect(await codeOf(ed25519Signer(token, other).sign(utf8("x")))).toBe("HSM-KEY");
      expect(await codeOf(ed25519Signer(token, { ...key, uri: keyOf(soft, "cms").uri }).sign(utf8("x")))).toBe(
        "HSM-KEY",
      );
    });
  });

  it("PATH-KEY: is of no suite, so that nothing of the box signs with it", async () => {
    await withToken(soft, async (token) => {
      const suited = { ...keyOf(soft, "notes"), suite: suiteOf("ecdsa-p256-sha256") };
      expect(() => tokenSigner(token, suited)).toThrow(expect.objectContaining({ code: "PATH-KEY" }));
    });
  });

  it("HSM-KEY: the id may be drawn beforehand", async () => {
    const id = new Uint8Array(randomBytes(16));
    const [made] = await generateKeys(soft.config, soft.pin, [{ id, kind: "ed25519", label: "drawn" }]);
    expect(made?.id).toEqual(id);
  });
});

describe("what tokens say of Ed25519 keys", () => {
  const point = new Uint8Array(randomBytes(32));
  /** A public key object as a token could show it. */
  const shown = (session: Session, parameters: Uint8Array, value: Uint8Array) =>
    readSpki(
      session,
      session.library.C_CreateObject(session.handle, [
        { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
        { type: pkcs11js.CKA_KEY_TYPE, value: edwards.keyType },
        { type: pkcs11js.CKA_TOKEN, value: false },
        { type: pkcs11js.CKA_EC_PARAMS, value: Buffer.from(parameters) },
        { type: pkcs11js.CKA_EC_POINT, value: Buffer.from(value) },
      ]),
    );

  it("HSM-KEY: the curve by its identifier or its name, the point in an OCTET STRING or bare; nothing else", async () => {
    await withToken(soft, (token) =>
      token.withSession((session) => {
        for (const parameters of edwards.parameters) {
          expect(shown(session, parameters, octetString(point))).toEqual(ed25519Spki(point));
          expect(shown(session, parameters, point)).toEqual(ed25519Spki(point));
          for (const bad of [point.subarray(1), octetString(point).subarray(1), new Uint8Array([3, 2, 0, 1])]) {
            expect(() => shown(session, parameters, bad)).toThrow(expect.objectContaining({ code: "HSM-KEY" }));
          }
        }
        expect(shown(session, Uint8Array.fromHex("06032b6571"), octetString(point))).toBeUndefined();
      }),
    );
  });

  it("HSM-UNSUPPORTED: a token that knows the curve by its name alone is asked by that; other failures pass", () => {
    const asked: Buffer[] = [];
    const named = (parameters: Buffer) => {
      asked.push(parameters);
      if (parameters[0] === 6) throw new pkcs11js.Pkcs11Error("CKR_DOMAIN_PARAMS_INVALID", 0x130, "C_GenerateKeyPair");
      return "made";
    };
    expect(withCurveName(named)).toBe("made");
    expect(asked.map((parameters) => new Uint8Array(parameters))).toEqual(edwards.parameters);
    let calls = 0;
    const gone = () => {
      calls++;
      throw new pkcs11js.Pkcs11Error("CKR_DEVICE_REMOVED", 0x32, "C_GenerateKeyPair");
    };
    expect(() => withCurveName(gone)).toThrow("CKR_DEVICE_REMOVED");
    expect(calls).toBe(1);
  });

  it("HSM-KEY: one without the mechanisms says so, proves no key, and has nothing of it afterwards", async () => {
    expect(makesEd25519(soft.config)).toBe(true);
    const configuration = soft.place.environment.SOFTHSM2_CONF;
    const all = readFileSync(configuration, "utf8");
    writeFileSync(configuration, `${all}slots.mechanisms = CKM_ECDSA,CKM_EC_KEY_PAIR_GEN\n`);
    try {
      expect(makesEd25519(soft.config)).toBe(false);
      const wanted = [{ kind: "ed25519", label: "none" }] as const;
      // SoftHSM makes the pair and then does not sign with it.
      expect(await codeOf(generateKeys(soft.config, soft.pin, wanted))).toBe("HSM-KEY");
    } finally {
      writeFileSync(configuration, all);
    }
    const objects = await withToken(soft, listObjects);
    expect(objects.filter(({ label }) => label === "none")).toEqual([]);
  });
});
