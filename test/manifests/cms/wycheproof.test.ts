import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { ecdsaFromRaw } from "../../../manifests/cms/ecdsa.ts";
import { checkSignature } from "../../../manifests/cms/signature.ts";
import { type SuiteName, suiteOf } from "../../../manifests/cms/suite.ts";
import type { Host } from "../../../manifests/host.ts";
import { Refusal } from "../../../manifests/refusal.ts";

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly msg: string;
  readonly sig: string;
  readonly result: "valid" | "invalid" | "acceptable";
}

interface Vectors {
  readonly numberOfTests: number;
  readonly testGroups: readonly { readonly publicKeyDer: string; readonly tests: readonly Vector[] }[];
}

const files: readonly (readonly [string, SuiteName])[] = [
  ["ecdsa_secp256r1_sha256_test.json", "ecdsa-p256-sha256"],
  ["ecdsa_secp384r1_sha384_test.json", "ecdsa-p384-sha384"],
  ["rsa_signature_2048_sha256_test.json", "rsa-pkcs1-sha256"],
  ["rsa_signature_3072_sha256_test.json", "rsa-pkcs1-sha256"],
  ["rsa_signature_3072_sha384_test.json", "rsa-pkcs1-sha384"],
  ["rsa_signature_3072_sha512_test.json", "rsa-pkcs1-sha512"],
  ["rsa_pss_2048_sha256_mgf1_32_test.json", "rsa-pss-sha256"],
  ["rsa_pss_3072_sha256_mgf1_32_test.json", "rsa-pss-sha256"],
  ["rsa_pss_4096_sha384_mgf1_48_test.json", "rsa-pss-sha384"],
  ["rsa_pss_4096_sha512_mgf1_64_test.json", "rsa-pss-sha512"],
];

const formFlags: ReadonlySet<string> = new Set([
  "BerEncodedSignature",
  "InvalidEncoding",
  "InvalidSignature",
  "InvalidTypesInSignature",
  "MissingZero",
  "ModifiedInteger",
  "ModifiedSignature",
  "RangeCheck",
]);
/** other numbers, but two in range and in DER: only the curve can tell */
const inForm =
  /^(?:modifying|truncated|replaced r by n - r|Signature with special case values r=(?:1|n - 1) and s=(?:1|n - 1)$)/;

function read(file: string): Vectors {
  return JSON.parse(readFileSync(new URL(`../../vectors/wycheproof/${file}`, import.meta.url), "utf8"));
}

async function outcome(host: Host, suite: SuiteName, spki: string, vector: Vector): Promise<string> {
  try {
    await checkSignature(host, {
      suite: suiteOf(suite),
      spki: Uint8Array.fromHex(spki),
      message: Uint8Array.fromHex(vector.msg),
      signature: Uint8Array.fromHex(vector.sig),
    });
    return "accepted";
  } catch (thrown) {
    return thrown instanceof Refusal ? thrown.code : `threw ${String(thrown)}`;
  }
}

describe("T10: Wycheproof", () => {
  for (const [file, suite] of files) {
    it(`T10: ${file}`, async () => {
      const vectors = read(file);
      const wrong: string[] = [];
      let count = 0;
      for (const group of vectors.testGroups) {
        const exponentTooSmall = /^rsa/.test(suite) && !group.publicKeyDer.endsWith("0203010001");
        for (const vector of group.tests) {
          const got = await outcome(nodeHost, suite, group.publicKeyDer, vector);
          const good = vector.result === "valid" ? "accepted" : "CMS-SIGNATURE";
          const expected = exponentTooSmall ? "PATH-KEY" : good;
          if (got !== expected) wrong.push(`${vector.tcId} ${vector.comment}: ${vector.result}, got ${got}`);
          count += 1;
        }
      }
      expect(wrong).toEqual([]);
      expect(count).toBe(vectors.numberOfTests);
    });
  }

  it("T10: no host is asked about an ECDSA signature in another encoding or out of range", async () => {
    const asked: Vector[] = [];
    const trusting: Host = { ...nodeHost, verify: async () => Boolean(asked.push(current)) };
    let current = {} as Vector;
    let tried = 0;
    for (const [file, suite] of files.slice(0, 2)) {
      for (const { publicKeyDer, tests } of read(file).testGroups) {
        for (current of tests) {
          if (current.result !== "invalid" || !current.flags.some((flag) => formFlags.has(flag))) continue;
          tried += 1;
          await outcome(trusting, suite, publicKeyDer, current);
        }
      }
    }
    expect(asked.map(({ comment }) => comment).filter((comment) => !inForm.test(comment))).toEqual([]);
    expect(tried).toBeGreaterThan(400);
  });

  it("T10: what a token returns becomes the DER form of the same numbers", async () => {
    const raw = new Uint8Array(64);
    raw[31] = 1;
    raw[32] = 0x80;
    const signature = ecdsaFromRaw("ecdsa-p256", raw);
    expect(signature.toHex()).toBe(`3026020101022100${"80".padEnd(64, "0")}`);
    for (const length of [0, 63, 65, 96]) {
      expect(() => ecdsaFromRaw("ecdsa-p256", new Uint8Array(length))).toThrow(
        expect.objectContaining({ code: "HSM-SIGNATURE" }),
      );
    }
  });
});
