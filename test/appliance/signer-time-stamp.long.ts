/** The box's own time-stamp by keys of a real token, of each kind that OpenSSL can check. */

import { describe, expect, it } from "vitest";
import { opensslSays } from "./signer/openssl-ts.ts";
import { listOf, makeBatch } from "./signer/people.ts";
import { RealSigner } from "./signer/real-signer.ts";
import { manifestIn } from "./signer/test-box.ts";

const file = "local-time.tst";

describe("on a token", () => {
  it.each([
    ["p256", "ecdsa-p256-sha256", "p256"],
    ["rsa-2048", "rsa-pss-sha256", "rsa-2048"],
    ["p256", "ecdsa-p256-sha256", "p384"],
  ] as const)("INTENT-FIRST: a real signer stamps by a key of its own: %s, %s, %s", async (kind, suite, time) => {
    const signer = await RealSigner.make(kind, suite, time);
    try {
      await signer.start();
      const batch = await makeBatch(listOf(3, "real"));
      await signer.authorised(batch);
      await signer.unlock();
      await signer.seal(batch);
      const files = await signer.files("receipt", { number: 1 });
      const { documents } = manifestIn(files);
      expect(opensslSays(files.get(file) as Uint8Array, documents.root)).toContain("Verification: OK");
    } finally {
      await signer.remove();
    }
  });
});
