import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pkcs11js from "pkcs11js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openerByFile } from "../../../ceremony/share-opener.ts";
import { joinShares, openShare, type SplitMade, splitPin } from "../../../ceremony/shares/split.ts";
import { readSpki } from "../../../hardware/public-key.ts";
import type { Token } from "../../../hardware/token.ts";
import { fromUtf8, utf8 } from "../../../manifests/encoding/bytes.ts";
import type { ShareRecord } from "../../../manifests/records/share.ts";
import { makeSoftToken, type SoftToken, withToken } from "../../hardware/soft-token.ts";
import { issue, makeRoot } from "../../pki/authority.ts";
import { codeOf } from "../software-box.ts";

const root = makeRoot({ name: "root" });
const audit = issue(root, { name: "audit" });
const pin = utf8("k7mq-29xd-random-pin-4711");

let soft: SoftToken;
let made: SplitMade;

/** A key pair as a holder's token has one, which does nothing but decrypt, or all but that; gives its SubjectPublicKeyInfo. */
function generateRsa(token: Token, label: string, decrypts: boolean): Promise<Uint8Array> {
  return token.withSession((session) => {
    const { library, handle } = session;
    const half = [
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_ID, value: Buffer.from(label) },
      { type: pkcs11js.CKA_LABEL, value: label },
    ];
    const { publicKey } = library.C_GenerateKeyPair(
      handle,
      { mechanism: pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN },
      [
        ...half,
        { type: pkcs11js.CKA_MODULUS_BITS, value: 2048 },
        { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: Buffer.of(1, 0, 1) },
      ],
      [
        ...half,
        { type: pkcs11js.CKA_PRIVATE, value: true },
        { type: pkcs11js.CKA_SENSITIVE, value: true },
        { type: pkcs11js.CKA_EXTRACTABLE, value: false },
        { type: pkcs11js.CKA_DECRYPT, value: decrypts },
        { type: pkcs11js.CKA_SIGN, value: !decrypts },
      ],
    );
    return readSpki(session, publicKey) as Uint8Array;
  });
}

/** Writes the holder's certificate and the file that describes the token; gives the file's path. */
function tokenFile(label: string, certificate: Uint8Array): string {
  writeFileSync(join(soft.folder, `${label}.der`), certificate);
  const { environment, module, uri } = soft.config;
  const key = { uri: `pkcs11:object=${label};id=${[...utf8(label)].map((byte) => `%${byte.toString(16)}`).join("")}` };
  const path = join(soft.folder, `${label}.json`);
  writeFileSync(path, JSON.stringify({ certificate: `${label}.der`, environment, key, module, uri }));
  return path;
}

const asked: string[] = [];
const wiped: Uint8Array[] = [];
const openBy =
  (path: string, typed: Uint8Array = soft.pin) =>
  async (record: ShareRecord) =>
    openerByFile(record, path, async (question) => {
      asked.push(question);
      const copy = Uint8Array.from(typed);
      wiped.push(copy);
      return copy;
    });
const open = (holder: string, path: string, typed?: Uint8Array) => {
  const { file } = made.shares.find((one) => one.holder === holder) as SplitMade["shares"][number];
  return openShare(file, made.wrapped, [audit.spki], openBy(path, typed));
};

let files: Record<"op1" | "op2" | "op3", string>;

beforeAll(async () => {
  soft = await makeSoftToken("holders");
  const certificates = await withToken(soft, async (token) => {
    const made = [];
    for (const id of ["op1", "op2", "op3"] as const) {
      const spki = await generateRsa(token, id, id !== "op3");
      made.push(issue(root, { name: id, spki, keyUsage: ["keyEncipherment"] }).certificate);
    }
    return made as [Uint8Array, Uint8Array, Uint8Array];
  });
  const [op1, op2, op3] = certificates;
  files = { op1: tokenFile("op1", op1), op2: tokenFile("op2", op2), op3: tokenFile("op3", op3) };
  const holders = ["op1", "op2", "op3"].map((id, at) => ({
    id,
    protect: { kind: "certificate" as const, certificate: certificates[at] as Uint8Array },
  }));
  const wanted = { appliance: "box-1", token: "0badc0de", purpose: "unlock" as const, threshold: 2, holders };
  made = await splitPin(pin, { ...wanted, now: "2026-11-28T12:00:00Z" }, (message) => audit.signingKey.sign(message));
});
afterAll(() => soft?.remove());

describe("a share that a token opens", () => {
  it("SHARES: the private keys stay on the tokens, whose PINs are asked for by the certificate's name and wiped", async () => {
    const opened = [await open("op1", files.op1), await open("op2", files.op2)];
    expect(fromUtf8(await joinShares(opened, made.wrapped))).toBe(fromUtf8(pin));
    expect(asked).toEqual(
      ["op1", "op2"].map((id) => expect.stringMatching(new RegExp(`^The PIN of the token .*CN=${id}`))),
    );
    expect(wiped.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
  });

  it("PIN-WRONG: a wrong PIN is asked for once, as the token counts it", async () => {
    const before = asked.length;
    expect(await codeOf(open("op1", files.op1, utf8("0000")))).toBe("PIN-WRONG");
    expect(asked.length).toBe(before + 1);
  });

  it("PASSPHRASE-WRONG: another holder's token is refused before its PIN is asked for", async () => {
    const before = asked.length;
    await expect(open("op1", files.op2)).rejects.toMatchObject({
      code: "PASSPHRASE-WRONG",
      about: "share 1 of 3, op1's",
    });
    expect(await codeOf(open("op1", join(soft.folder, "nothing")))).toBe("PASSPHRASE-WRONG");
    expect(asked.length).toBe(before);
  });

  it("HSM-UNSUPPORTED: a key that may not decrypt opens nothing", async () => {
    expect(await codeOf(open("op3", files.op3))).toBe("HSM-UNSUPPORTED");
  });

  it("CONFIG: a file that describes no token is refused, and says what is missing", async () => {
    const { uri: _, ...others } = JSON.parse(readFileSync(files.op1, "utf8")) as Record<string, unknown>;
    const path = join(soft.folder, "no-uri.json");
    writeFileSync(path, JSON.stringify(others));
    await expect(open("op1", path)).rejects.toMatchObject({ code: "CONFIG", about: path });
  });

  it("HSM-KEY: another key than the certificate's is not used", async () => {
    const settings = JSON.parse(readFileSync(files.op1, "utf8")) as { key: object };
    const other = JSON.parse(readFileSync(files.op2, "utf8")) as { key: object };
    const path = join(soft.folder, "crossed.json");
    writeFileSync(path, JSON.stringify({ ...settings, key: other.key }));
    expect(await codeOf(open("op1", path))).toBe("HSM-KEY");
  });
});
