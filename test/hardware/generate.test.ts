import { createPublicKey } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pkcs11js from "pkcs11js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateKeys } from "../../hardware/generate.ts";
import { initializeToken } from "../../hardware/initialize.ts";
import { listObjects, removeOrphans, storeCertificate } from "../../hardware/inventory.ts";
import { attribute, findObjects } from "../../hardware/objects.ts";
import { makeSoftHsmFolder, softhsmModule } from "../../hardware/softhsm.ts";
import { openToken, type Token } from "../../hardware/token.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { issue, makeRoot } from "../pki/authority.ts";
import { keyOf, makeSoftToken, type SoftToken, withToken } from "./soft-token.ts";

let soft: SoftToken;

beforeAll(async () => {
  soft = await makeSoftToken("generates", [
    { label: "sealing", kind: "rsa-3072" },
    { label: "audit", kind: "p384" },
  ]);
});
afterAll(() => soft?.remove());

/** What a generation that was killed leaves: one half of a pair. */
async function leaveHalf(token: Token, label: string, kept: "public" | "private"): Promise<void> {
  const gone = kept === "public" ? pkcs11js.CKO_PRIVATE_KEY : pkcs11js.CKO_PUBLIC_KEY;
  await token.withSession((session) => {
    const halves = findObjects(session, [
      { type: pkcs11js.CKA_CLASS, value: gone },
      { type: pkcs11js.CKA_LABEL, value: label },
    ]);
    for (const half of halves) session.library.C_DestroyObject(session.handle, half);
  });
}

const halvesOf = async (token: Token, label: string) =>
  (await listObjects(token)).filter((object) => object.label === label).map((object) => object.type);

describe("new tokens and keys", () => {
  it("SECRET: a new key never leaves the token: not extractable, sensitive, made there", async () => {
    await withToken(soft, async (token) => {
      for (const { label } of soft.keys) {
        await token.withSession((session) => {
          const [key] = findObjects(session, [
            { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
            { type: pkcs11js.CKA_LABEL, value: label },
          ]);
          const flags = ["SENSITIVE", "ALWAYS_SENSITIVE", "NEVER_EXTRACTABLE", "LOCAL", "SIGN", "PRIVATE"] as const;
          for (const name of flags) {
            const [read] = session.library.C_GetAttributeValue(session.handle, key as Buffer, [
              { type: pkcs11js[`CKA_${name}`] },
            ]);
            expect([name, read?.value]).toEqual([name, Buffer.of(1)]);
          }
          for (const type of [pkcs11js.CKA_VALUE, pkcs11js.CKA_PRIVATE_EXPONENT, pkcs11js.CKA_PRIME_1]) {
            expect(() => session.library.C_GetAttributeValue(session.handle, key as Buffer, [{ type }])).toThrow();
          }
        });
      }
      expect((await listObjects(token)).filter((object) => object.extractable === true)).toEqual([]);
    });
  });

  it("HSM-KEY: a new key comes with its URI and a public key that node:crypto reads", () => {
    const sealing = createPublicKey({ key: Buffer.from(keyOf(soft, "sealing").spki), format: "der", type: "spki" });
    expect(sealing.asymmetricKeyDetails).toMatchObject({ modulusLength: 3072, publicExponent: 65537n });
    const audit = createPublicKey({ key: Buffer.from(keyOf(soft, "audit").spki), format: "der", type: "spki" });
    expect(audit.asymmetricKeyDetails?.namedCurve).toBe("secp384r1");
    expect(keyOf(soft, "audit").uri).toContain(`serial=${soft.serial}`);
    expect(hex(keyOf(soft, "audit").id)).not.toBe(hex(keyOf(soft, "sealing").id));
  });

  it("HSM-KEY: a label that is taken, or wanted twice, is refused and nothing is made", async () => {
    const before = await withToken(soft, listObjects);
    const key = { label: "new", kind: "p256" } as const;
    for (const wanted of [[{ ...key, label: "audit" }], [key, key], [key, { ...key, label: "sealing" }]]) {
      await expect(generateKeys(soft.config, soft.pin, wanted)).rejects.toMatchObject({ code: "HSM-KEY" });
    }
    expect(await withToken(soft, listObjects)).toEqual(before);
  });

  it("PIN-WRONG: a user PIN that is shorter or longer than the token says is refused before a token is made", async () => {
    for (const length of [3, 256]) {
      const wanted = { label: `pin-${length}`, soPin: soft.soPin, pin: utf8("7".repeat(length)) };
      await expect(initializeToken(soft.place, wanted)).rejects.toMatchObject({
        code: "PIN-WRONG",
        expected: "4 to 255 bytes",
        got: `${length} bytes`,
      });
    }
    const tokens = readdirSync(soft.tokens);
    expect(tokens).toHaveLength(1);
  });

  it("PIN-WRONG: with a wrong PIN nothing is made", async () => {
    const wanted = [{ label: "new", kind: "p256" }] as const;
    await expect(generateKeys(soft.config, utf8("00000000"), wanted)).rejects.toMatchObject({ code: "PIN-WRONG" });
    await withToken(soft, async (token) => expect(await halvesOf(token, "new")).toEqual([]));
  });

  it.each(["public", "private"] as const)(
    "T21: a %s half that a killed generation left gives way to a new key",
    async (kept) => {
      const label = `half ${kept}`;
      const wanted = [{ label, kind: "p256" }] as const;
      const [first] = await generateKeys(soft.config, soft.pin, wanted);
      await withToken(soft, async (token) => {
        await leaveHalf(token, label, kept);
        expect(await halvesOf(token, label)).toEqual([kept]);
        await expect(token.findKey(first as NonNullable<typeof first>)).rejects.toMatchObject({ code: "HSM-KEY" });
      });
      const [second] = await generateKeys(soft.config, soft.pin, wanted);
      await withToken(soft, async (token) => {
        expect((await halvesOf(token, label)).sort()).toEqual(["private", "public"]);
        expect(await token.findKey(second as NonNullable<typeof second>)).toBeDefined();
      });
    },
  );

  it("T21: whole pairs and other labels are no orphans", async () => {
    await withToken(soft, async (token) => {
      await leaveHalf(token, "half public", "public");
      expect(await removeOrphans(token, "sealing")).toEqual([]);
      expect(await removeOrphans(token, "half public")).toMatchObject([{ type: "public", label: "half public" }]);
      expect(await token.findKey(keyOf(soft, "sealing"))).toBeDefined();
    });
  });

  it("HSM-TOKEN: a label that is taken or not possible is refused, and no token is touched", async () => {
    const pins = { soPin: utf8("12345678"), pin: utf8("12345678") };
    for (const label of ["generates", "", " x", "x ", "x\n", "x".repeat(33), "ü".repeat(17)]) {
      await expect(initializeToken(soft.place, { label, ...pins })).rejects.toMatchObject({ code: "HSM-TOKEN" });
    }
    expect(readdirSync(soft.tokens)).toHaveLength(1);
    await withToken(soft, async (token) => expect(token.pinState()).toBe("ok"));
  });

  it("HSM-TOKEN: several tokens share a folder, told apart by serial", async () => {
    const pin = utf8("87654321");
    const second = await initializeToken(soft.place, { label: "Zweites Tôken", soPin: soft.soPin, pin });
    expect(second.serial).not.toBe(soft.serial);
    const token = await openToken({ ...soft.place, uri: second.uri });
    await token.login(pin);
    expect(token.label).toBe("Zweites Tôken");
    expect(await listObjects(token)).toEqual([]);
    await token.close();
  });

  it("HSM-KEY: a certificate is stored beside its key, once", async () => {
    const { certificate } = issue(makeRoot({ name: "Root" }), { name: "Audit" });
    const { id, label } = keyOf(soft, "audit");
    await withToken(soft, async (token) => {
      await storeCertificate(token, { certificate, id, label });
      await storeCertificate(token, { certificate, id, label });
      const certificates = (await listObjects(token)).filter((object) => object.type === "cert");
      expect(certificates).toEqual([{ type: "cert", label, id: hex(id), private: false, extractable: undefined }]);
      const value = await token.withSession((session) => {
        const [object] = findObjects(session, [{ type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_CERTIFICATE }]);
        return attribute(session, object as Buffer, pkcs11js.CKA_VALUE);
      });
      expect(value).toEqual(certificate);
      await expect(storeCertificate(token, { certificate: utf8("no"), id, label })).rejects.toMatchObject({
        code: "PATH-FORM",
      });
    });
  });

  it("SECRET: token folder and configuration are for their owner only, and made once", async () => {
    expect(statSync(soft.folder).mode & 0o777).toBe(0o700);
    expect(statSync(soft.tokens).mode & 0o777).toBe(0o700);
    expect(statSync(soft.place.environment.SOFTHSM2_CONF).mode & 0o077).toBe(0);
    await expect(makeSoftHsmFolder(soft.folder)).rejects.toMatchObject({ code: "STORE" });
  });
});

describe("the SoftHSM module", () => {
  it("HSM-MODULE: one that is named but not there is refused by what to install", () => {
    const folder = mkdtempSync(join(tmpdir(), "coldseal-none-"));
    const before = process.env.COLDSEAL_SOFTHSM_MODULE;
    process.env.COLDSEAL_SOFTHSM_MODULE = join(folder, "libsofthsm2.so");
    try {
      expect(() => softhsmModule()).toThrow(
        expect.objectContaining({ code: "HSM-MODULE", message: expect.stringContaining("install") }),
      );
    } finally {
      if (before === undefined) delete process.env.COLDSEAL_SOFTHSM_MODULE;
      else process.env.COLDSEAL_SOFTHSM_MODULE = before;
      rmSync(folder, { recursive: true });
    }
  });
});
