import { renameSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tokenSigner } from "../../hardware/sign.ts";
import { SignCrew, shares } from "../../hardware/sign-crew.ts";
import type { Token } from "../../hardware/token.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { suiteOf } from "../../manifests/cms/suite.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { keyOf, makeSoftToken, type SoftToken, withToken } from "./soft-token.ts";

const kinds = [
  ["p256", "ecdsa-p256-sha256"],
  ["rsa-3072", "rsa-pkcs1-sha256"],
] as const;
const messages = Array.from({ length: 200 }, (_, at) => utf8(`signed attributes of document ${at}`));

let soft: SoftToken;
beforeAll(async () => {
  soft = await makeSoftToken(
    "box",
    kinds.map(([kind]) => ({ label: kind, kind })),
  );
});
afterAll(() => soft?.remove());

/** Runs with a login and a crew of two threads, which is ended before the token. */
function withCrew<T>(work: (token: Token, crew: SignCrew) => Promise<T>): Promise<T> {
  return withToken(soft, async (token) => {
    const crew = new SignCrew(token.module.place.module, 2);
    try {
      return await work(token, crew);
    } finally {
      await token.logout();
      await crew.close();
    }
  });
}

describe("a signing crew", () => {
  it.each(kinds)(
    "INTENT-FIRST: signs %s messages on several threads, each answered in its place",
    async (kind, name) => {
      const suite = suiteOf(name);
      const key = keyOf(soft, kind);
      await withCrew(async (token, crew) => {
        const signer = tokenSigner(token, { ...key, suite }, crew);
        // Several calls at once, as sealing has several chunks under way.
        const all = await Promise.all([signer.signMany(messages), signer.signMany(messages.toReversed())]);
        for (const [at, signatures] of all.entries()) {
          const signed = at === 0 ? messages : messages.toReversed();
          expect(signatures.length).toBe(signed.length);
          const held = signatures.map((one, index) =>
            nodeHost.verify(suite, key.spki, signed[index] as Uint8Array, one),
          );
          expect((await Promise.all(held)).every(Boolean)).toBe(true);
        }
      });
    },
  );

  it("LOCKED: a logout in the middle stops the threads between two signatures, and nobody is logged in after it", async () => {
    const suite = suiteOf("rsa-pkcs1-sha256");
    await withCrew(async (token, crew) => {
      const signer = tokenSigner(token, { ...keyOf(soft, "rsa-3072"), suite }, crew);
      await signer.signMany(messages.slice(0, 20));
      const many = Array.from({ length: 20 }, () => messages).flat();
      let settled = false;
      const signing = signer.signMany(many).finally(() => {
        settled = true;
      });
      signing.catch(() => undefined);
      await setTimeout(30);
      expect(settled).toBe(false);
      await token.logout();
      await expect(signing).rejects.toMatchObject({ code: "LOCKED" });
      await expect(signer.signMany(messages)).rejects.toMatchObject({ code: "LOCKED" });
    });
  });

  it("T23: a token that goes away while threads sign is gone for all of them, and comes back for a new login", async () => {
    const suite = suiteOf("rsa-pkcs1-sha256");
    await withCrew(async (token, crew) => {
      const signer = tokenSigner(token, { ...keyOf(soft, "rsa-3072"), suite }, crew);
      const many = Array.from({ length: 20 }, () => messages).flat();
      const signing = Promise.allSettled([signer.signMany(many), signer.signMany(many)]);
      const away = `${soft.tokens}-away`;
      renameSync(soft.tokens, away);
      try {
        // Whatever was still signed from memory: from here on the token is looked for, and is not there.
        expect(token.present()).toBe(false);
        for (const one of await signing) expect(one.status).toBe("rejected");
        await expect(signer.signMany(messages)).rejects.toMatchObject({ code: /^(LOCKED|HSM-GONE)$/ });
      } finally {
        renameSync(away, soft.tokens);
      }
      await setTimeout(1100);
      expect(token.present()).toBe(true);
      await token.login(soft.pin);
      expect((await signer.signMany(messages)).length).toBe(messages.length);
    });
  });

  it("INTENT-FIRST: what a thread that ended was signing is signed by another, in another session", async () => {
    const suite = suiteOf("rsa-pkcs1-sha256");
    await withCrew(async (token, crew) => {
      const signer = tokenSigner(token, { ...keyOf(soft, "rsa-3072"), suite }, crew);
      await signer.signMany(messages.slice(0, 20));
      const many = Array.from({ length: 10 }, () => messages).flat();
      const signing = signer.signMany(many);
      signing.catch(() => undefined);
      await setTimeout(30);
      await crew.close();
      const signatures = await signing;
      const key = keyOf(soft, "rsa-3072");
      const held = signatures.map((one, at) => nodeHost.verify(suite, key.spki, many[at] as Uint8Array, one));
      expect([held.length, (await Promise.all(held)).every(Boolean)]).toEqual([many.length, true]);
      expect((await signer.signMany(messages)).length).toBe(messages.length);
    });
  });

  it("shares work so that every thread has some, and none too little", () => {
    expect(shares([], 2)).toEqual([]);
    expect(shares([1, 2, 3], 2)).toEqual([[1, 2, 3]]);
    expect(shares(messages, 2).map((one) => one.length)).toEqual([100, 100]);
    expect(shares(messages.slice(0, 65), 4).map((one) => one.length)).toEqual([17, 17, 17, 14]);
  });
});
