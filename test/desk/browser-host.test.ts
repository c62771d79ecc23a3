import { createPublicKey, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { browserHost } from "../../desk/page/browser-host.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { type SuiteName, suiteNames, suiteOf } from "../../manifests/cms/suite.ts";
import { newKey, signWith } from "../pki/keys.ts";

/** Enough that r and s of ECDSA come with and without a zero in front, and shorter than the order. */
const times = 60;

function spkiOf(key: ReturnType<typeof newKey>): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" }));
}

describe("what a browser supplies to the verifier, in Node's WebCrypto", () => {
  it.each(suiteNames)(
    "T10: %s: what Node takes it takes, and what Node refuses it refuses",
    async (name: SuiteName) => {
      const suite = suiteOf(name);
      const [key, other] = [newKey(suite), newKey(suite)];
      const [spki, otherSpki] = [spkiOf(key), spkiOf(other)];
      const rounds = suite.scheme.startsWith("ecdsa") ? times : 3;
      for (let round = 0; round < rounds; round++) {
        const message = new Uint8Array(randomBytes(round));
        const signature = signWith(key, suite, message);
        const changed = Uint8Array.from(signature);
        changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
        for (const [it, by, over, signed] of [
          [true, spki, message, signature],
          [false, spki, message, changed],
          [false, otherSpki, message, signature],
          [false, spki, new Uint8Array([...message, 0]), signature],
          // Not the first byte: where that is zero an RSA signature without it is the same number, which checkSignature refuses by its length.
          [false, spki, message, signature.subarray(0, -1)],
          [false, new Uint8Array(10), message, signature],
        ] as const) {
          expect(await nodeHost.verify(suite, by, over, signed)).toBe(it);
          expect(await browserHost.verify(suite, by, over, signed)).toBe(it);
        }
      }
    },
  );

  it("T10: a key of another scheme holds nothing", async () => {
    const message = new Uint8Array(5);
    for (const name of suiteNames) {
      const suite = suiteOf(name);
      const key = newKey(suite);
      const signature = signWith(key, suite, message);
      for (const other of suiteNames) {
        const asked = [suiteOf(other), spkiOf(key), message, signature] as const;
        expect(await browserHost.verify(...asked), `${name} as ${other}`).toBe(await nodeHost.verify(...asked));
      }
    }
  });

  it("T11: SHA-1, for what OCSP names by it", async () => {
    for (const length of [0, 1, 64, 1000]) {
      const bytes = new Uint8Array(randomBytes(length));
      expect(await browserHost.sha1(bytes)).toEqual(await nodeHost.sha1(bytes));
    }
    expect((await nodeHost.sha1(new Uint8Array(0))).toHex()).toBe("da39a3ee5e6b4b0d3255bfef95601890afd80709");
  });

  it.each(["sha256", "sha384", "sha512"] as const)("SAME-BYTES: %s, whole and in pieces", async (hash) => {
    for (const length of [0, 1, 63, 64, 65, 127, 128, 1000]) {
      const bytes = new Uint8Array(randomBytes(length));
      const expected = await nodeHost.digest(hash, bytes);
      expect(await browserHost.digest(hash, bytes)).toEqual(expected);
      const hasher = browserHost.hasher(hash);
      for (let at = 0; at < length; at += 50) hasher.update(bytes.subarray(at, at + 50));
      expect(await hasher.digest()).toEqual(expected);
    }
  });
});
