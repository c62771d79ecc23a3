import { createPublicKey, randomBytes } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { browserHost } from "../../desk/page/browser-host.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { type SuiteName, suiteNames, suiteOf } from "../../manifests/cms/suite.ts";
import { logVectors } from "../manifests/log/log-vectors.ts";
import { newKey, signWith } from "../pki/keys.ts";

/** Enough that r and s of ECDSA come with and without a zero in front, and shorter than the order. */
const times = 60;

function spkiOf(key: ReturnType<typeof newKey>): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" }));
}

/** A number of 32 bytes, the lowest first, and the order of edwards25519's group. */
function plusOrder(low: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const sum = BigInt(`0x${low.toReversed().toHex()}`) + order;
  return Uint8Array.fromHex(sum.toString(16).padStart(64, "0")).toReversed();
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

  it("LOG-NOTE: Ed25519: what Node takes it takes, and what Node refuses it refuses; RFC 8032's signatures hold", async () => {
    const vectors = logVectors("ed25519.json") as readonly Record<"key" | "message" | "signature", string>[];
    const bytes = Uint8Array.fromHex.bind(Uint8Array);
    for (const { key: keyHex, message: messageHex, signature: signatureHex } of vectors) {
      const [key, message, signature] = [bytes(keyHex), bytes(messageHex), bytes(signatureHex)];
      const flipped = (one: Uint8Array, at: number) => one.map((byte, index) => (index === at ? byte ^ 1 : byte));
      for (const [it, by, over, signed] of [
        [true, key, message, signature],
        [false, key, new Uint8Array([...message, 0]), signature],
        [false, key, message, flipped(signature, 0)],
        [false, key, message, flipped(signature, 40)],
        // S and the group's order: the same point, and a second signature of the same text, if it were taken (RFC 8032 5.1.7).
        [false, key, message, new Uint8Array([...signature.subarray(0, 32), ...plusOrder(signature.subarray(32))])],
        [false, key, message, signature.subarray(1)],
        [false, key, message, new Uint8Array([...signature, 0])],
        [false, flipped(key, 0), message, signature],
        [false, key.subarray(1), message, signature],
        [false, new Uint8Array(32).fill(255), message, signature],
      ] as const) {
        expect(await nodeHost.verifyEd25519(by, over, signed)).toBe(it);
        expect(await browserHost.verifyEd25519(by, over, signed)).toBe(it);
      }
    }
  });

  it("LOG-NOTE: a browser without Ed25519 says so, and not that a signature does not hold", async () => {
    const subtle = vi.spyOn(crypto.subtle, "importKey");
    subtle.mockRejectedValueOnce(new DOMException("Unrecognized name.", "NotSupportedError"));
    const asked = browserHost.verifyEd25519(new Uint8Array(32), new Uint8Array(1), new Uint8Array(64));
    await expect(asked).rejects.toMatchObject({ code: "LOG-NOTE", message: expect.stringContaining("browser") });
    subtle.mockRestore();
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
