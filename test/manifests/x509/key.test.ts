import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkKey } from "../../../manifests/cms/algorithm.ts";
import { type SuiteName, suiteNames, suiteOf } from "../../../manifests/cms/suite.ts";
import {
  bitString,
  der,
  derNull,
  integer,
  objectIdentifier,
  sequence,
  unsignedInteger,
} from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { readPublicKey } from "../../../manifests/x509/key.ts";
import { withNullAdded } from "../encoding/variants.ts";

const spkiOf = (pair: { publicKey: import("node:crypto").KeyObject }): Uint8Array =>
  new Uint8Array(pair.publicKey.export({ type: "spki", format: "der" }));
const p256 = spkiOf(generateKeyPairSync("ec", { namedCurve: "P-256" }));
const p384 = spkiOf(generateKeyPairSync("ec", { namedCurve: "P-384" }));
const rsa2048 = spkiOf(generateKeyPairSync("rsa", { modulusLength: 2048 }));

function check(suite: SuiteName, spki: Uint8Array, minimum = 2048): string {
  try {
    checkKey(suiteOf(suite), spki, minimum);
    return "accepted";
  } catch (thrown) {
    return thrown instanceof Refusal ? thrown.code : `threw ${String(thrown)}`;
  }
}

function rsaKey(modulus: Uint8Array, exponent: number | bigint, parameters = derNull): Uint8Array {
  const key = sequence(unsignedInteger(modulus), integer(exponent));
  return sequence(sequence(objectIdentifier(oid.rsaEncryption), parameters), bitString(key));
}

function ecKey(point: Uint8Array, curve: string = oid.p256): Uint8Array {
  return sequence(sequence(objectIdentifier(oid.ecPublicKey), objectIdentifier(curve)), bitString(point));
}

const modulus = (bits: number): Uint8Array => {
  const octets = new Uint8Array(Math.ceil(bits / 8)).fill(0xff);
  octets[0] = 0xff >> (octets.length * 8 - bits);
  return octets;
};

describe("T9: keys fit their suite", () => {
  it("CMS-ALGORITHM: every suite takes its own kind of key and no other", () => {
    const keys = { rsa: rsa2048, "ecdsa-p256": p256, "ecdsa-p384": p384 };
    for (const name of suiteNames) {
      for (const [kind, spki] of Object.entries(keys)) {
        expect(check(name, spki)).toBe(name.startsWith(kind) ? "accepted" : "CMS-ALGORITHM");
      }
    }
  });

  it("PATH-KEY: RSA sizes and exponents", () => {
    const rsa = "rsa-pkcs1-sha256";
    expect(check(rsa, rsa2048, 3072)).toBe("PATH-KEY");
    expect(check(rsa, rsaKey(modulus(2048), 65537))).toBe("accepted");
    expect(check(rsa, rsaKey(modulus(2047), 65537), 1024)).toBe("PATH-KEY"); // never below 2048
    expect(check(rsa, rsaKey(modulus(3071), 65537), 3072)).toBe("PATH-KEY");
    expect(check(rsa, rsaKey(modulus(3072), 65537), 3072)).toBe("accepted");
    expect(check(rsa, rsaKey(modulus(8193), 65537))).toBe("PATH-KEY");
    for (const exponent of [0, 1, 3, 17, 65535, 65536, 65538, 2n ** 32n + 1n]) {
      expect(check(rsa, rsaKey(modulus(2048), exponent))).toBe("PATH-KEY");
    }
    for (const exponent of [65539, 2 ** 31 + 1, 2 ** 32 - 1]) {
      expect(check(rsa, rsaKey(modulus(2048), exponent))).toBe("accepted");
    }
    const even = modulus(2048);
    even[255] = 0xfe;
    expect(check(rsa, rsaKey(even, 65537))).toBe("PATH-KEY");
  });
});

describe("T15: one key has one encoding", () => {
  it("PATH-KEY: RSA keys without NULL, with a PSS name, with something after", () => {
    const rsa = "rsa-pkcs1-sha256";
    expect(check(rsa, rsaKey(modulus(2048), 65537, new Uint8Array(0)))).toBe("PATH-KEY");
    const pss = sequence(sequence(objectIdentifier(oid.rsaPss)), bitString(sequence(integer(1), integer(3))));
    expect(check(rsa, pss)).toBe("PATH-KEY");
    const key = sequence(unsignedInteger(modulus(2048)), integer(65537));
    const algorithm = sequence(objectIdentifier(oid.rsaEncryption), derNull);
    expect(check(rsa, sequence(algorithm, bitString(Uint8Array.of(...key, 0))))).toBe("PATH-KEY");
    expect(check(rsa, sequence(algorithm, bitString(key), derNull))).toBe("PATH-KEY");
    expect(check(rsa, sequence(algorithm, bitString(Uint8Array.of(...key.subarray(0, -1), 0x02), 1)))).toBe("PATH-KEY");
  });

  it("PATH-KEY: anything added to any part of a key, and what is not strict in one", () => {
    for (const [suite, spki] of [
      ["ecdsa-p256-sha256", p256],
      ["rsa-pss-sha256", rsa2048],
    ] as const) {
      for (const changed of withNullAdded(spki)) expect(check(suite, changed)).toBe("PATH-KEY");
    }
    const rsa = "rsa-pkcs1-sha256";
    const algorithm = sequence(objectIdentifier(oid.rsaEncryption), derNull);
    const inner = (key: Uint8Array): string => check(rsa, sequence(algorithm, bitString(key)));
    const numbers = [unsignedInteger(modulus(2048)), integer(65537)];
    expect(inner(sequence(...numbers))).toBe("accepted");
    expect(inner(sequence(...numbers, derNull))).toBe("PATH-KEY");
    expect(inner(sequence(der(0x02, new Uint8Array(2), modulus(2048)), integer(65537)))).toBe("PATH-KEY");
    expect(check(rsa, rsaKey(modulus(2048), 65537, der(0x05, new Uint8Array(1))))).toBe("PATH-KEY");
  });

  it("PATH-KEY: a key that is not of whole bytes", () => {
    let even = p256;
    while (((even.at(-1) as number) & 1) === 1) even = spkiOf(generateKeyPairSync("ec", { namedCurve: "P-256" }));
    const algorithm = sequence(objectIdentifier(oid.ecPublicKey), objectIdentifier(oid.p256));
    const point = even.subarray(-65);
    expect(check("ecdsa-p256-sha256", sequence(algorithm, bitString(point)))).toBe("accepted");
    expect(check("ecdsa-p256-sha256", sequence(algorithm, bitString(point, 1)))).toBe("PATH-KEY");
  });

  it("PATH-KEY: EC points that are compressed, hybrid, at infinity, off the curve or out of range", () => {
    const suite = "ecdsa-p256-sha256";
    const key = readPublicKey(p256);
    if (key.kind !== "ec") throw new Error("not an EC key");
    const { point } = key;
    expect(check(suite, ecKey(point))).toBe("accepted");
    expect(ecKey(point)).toEqual(p256);
    const x = point.subarray(1, 33);
    const parity = (point[64] as number) & 1;
    expect(check(suite, ecKey(Uint8Array.of(2 + parity, ...x)))).toBe("PATH-KEY");
    expect(check(suite, ecKey(Uint8Array.of(6 + parity, ...point.subarray(1))))).toBe("PATH-KEY");
    expect(check(suite, ecKey(Uint8Array.of(0)))).toBe("PATH-KEY");
    expect(check(suite, ecKey(new Uint8Array(65)))).toBe("PATH-KEY");
    const off = point.slice();
    off[64] = (off[64] as number) ^ 1;
    expect(check(suite, ecKey(off))).toBe("PATH-KEY");
    const zero = Uint8Array.of(4, ...new Uint8Array(64));
    expect(check(suite, ecKey(zero))).toBe("PATH-KEY");
    expect(check(suite, ecKey(Uint8Array.of(4, ...new Uint8Array(64).fill(0xff))))).toBe("PATH-KEY");
    expect(check(suite, ecKey(point, oid.p384))).toBe("CMS-ALGORITHM");
    expect(check("ecdsa-p384-sha384", ecKey(point, oid.p384))).toBe("PATH-KEY");
  });

  it("PATH-KEY: other curves and kinds of keys", () => {
    for (const namedCurve of ["secp256k1", "P-521"]) {
      expect(check("ecdsa-p256-sha256", spkiOf(generateKeyPairSync("ec", { namedCurve })))).toBe("PATH-KEY");
    }
    expect(check("ecdsa-p256-sha256", spkiOf(generateKeyPairSync("ed25519")))).toBe("PATH-KEY");
    const explicitParameters = generateKeyPairSync("ec", { namedCurve: "P-256", paramEncoding: "explicit" });
    expect(check("ecdsa-p256-sha256", spkiOf(explicitParameters))).toBe("PATH-KEY");
  });

  it("T15: a real key survives node's own reading byte for byte", () => {
    for (const spki of [p256, p384, rsa2048]) {
      const again = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
      expect(new Uint8Array(again.export({ type: "spki", format: "der" }))).toEqual(spki);
    }
  });
});
