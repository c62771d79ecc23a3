/** The ledger's keys on a PKCS#11 token: made, used, away and back, and never another one. */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { askPin } from "../../../ledger/keys/passphrase.ts";
import { readKeyRecord } from "../../../ledger/signer/key-record.ts";
import { type Signer, signerMethods } from "../../../ledger/signer/methods.ts";
import { openSigner } from "../../../ledger/signer/open-signer.ts";
import type { TokenLogin } from "../../../ledger/signer/signing-key.ts";
import { makeKeysOnToken } from "../../../ledger/signer/token/make-on-token.ts";
import { noteMaking } from "../../../ledger/signer/token/making.ts";
import { suiteOf } from "../../../manifests/cms/suite.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { documentationArc } from "../../../manifests/encoding/oid.ts";
import { readVerifierKey } from "../../../manifests/log/verifier-key.ts";
import { makeSoftToken, type SoftToken } from "../../hardware/soft-token.ts";
import { codeOf } from "../../manifests/time/code-of.ts";
import { keysIn, newFolder, origin } from "./a-signer.ts";
import { keysOn, signerIn, thereOn, wantedOn } from "./on-token.ts";
import { checkNote, tree } from "./signing.ts";

let soft: SoftToken;
let folder: string;
const asked: string[] = [];
let vkey: string;
beforeAll(async () => {
  soft = await makeSoftToken("ledger");
  folder = newFolder();
  vkey = (await keysOn(soft, folder, asked)).vkey;
});
afterAll(() => {
  soft?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const nobody = async (): Promise<Uint8Array> => {
  throw new Error("no passphrase is needed");
};
const right = async () => Uint8Array.from(soft.pin);

async function opened<T>(login: TokenLogin, use: (signer: Signer) => Promise<T>): Promise<T> {
  const signer = await openSigner(signerIn(folder), documentationArc, nobody, login);
  try {
    return await use(signer);
  } finally {
    await signer.close();
  }
}

async function call(signer: Signer, method: string, params: object): Promise<Record<string, string>> {
  const handler = signerMethods(signer)[method] as (params: unknown) => Promise<{ result: Record<string, string> }>;
  return (await handler(params)).result;
}

async function checkpoint(signer: Signer, from: number, to: number): Promise<Uint8Array> {
  const path = from === 0 ? [] : tree.path(from, to).map(hex);
  const { note = "" } = await call(signer, "checkpoint", { from, path, root: hex(tree.head(to).root), size: to });
  return Uint8Array.fromBase64(note);
}

const checked = async (note: Uint8Array, size: number) =>
  checkNote({ vkey: await readVerifierKey(nodeHost, vkey, "ed25519") }, note, tree.head(size));

describe("making keys on a token", () => {
  it("HSM-TOKEN, HSM-KEY: what an interrupted run left is removed from its own token alone, and keys that may be in use are not touched", async () => {
    const other = newFolder();
    const begun = `${signerIn(other)}.new`;
    const before = await thereOn(soft);
    mkdirSync(begun);
    try {
      await noteMaking(begun, "another serial", [{ id: new Uint8Array(16), label: `${origin} checkpoints` }]);
      await expect(keysOn(soft, other)).rejects.toMatchObject({
        code: "HSM-TOKEN",
        expected: expect.stringContaining("another serial"),
      });
      await noteMaking(begun, soft.serial, [{ id: new Uint8Array(16), label: `${origin} checkpoints` }]);
      await expect(keysOn(soft, other)).rejects.toMatchObject({
        code: "HSM-KEY",
        expected: expect.stringContaining("removed by the token's own tools"),
      });
      expect(await thereOn(soft)).toEqual(before);
      expect(existsSync(signerIn(other))).toBe(false);
    } finally {
      rmSync(other, { recursive: true });
    }
  });

  it("BUSY: a second run is refused before anybody types, also one for an encrypted file, and the first ends with the keys that it made", async () => {
    const two = await makeSoftToken("two at once");
    const other = newFolder();
    const heard: string[] = [];
    const pin = Promise.withResolvers<Uint8Array>();
    const asked = Promise.withResolvers<void>();
    const askPin = () => {
      asked.resolve();
      return pin.promise;
    };
    try {
      const first = makeKeysOnToken({ ...wantedOn(two, other), askPin });
      await asked.promise;
      expect(await codeOf(makeKeysOnToken(wantedOn(two, other, heard)))).toBe("BUSY");
      expect(await codeOf(keysIn(other))).toBe("BUSY");
      expect([heard, await thereOn(two)]).toEqual([[], []]);
      pin.resolve(Uint8Array.from(two.pin));
      const { vkey: made } = await first;
      expect(readKeyRecord(signerIn(other)).checkpoint.vkey).toBe(made);
      expect(await thereOn(two)).toHaveLength(4);
      expect(await codeOf(makeKeysOnToken(wantedOn(two, other, heard)))).toBe("CONFIG");
    } finally {
      two.remove();
      rmSync(other, { recursive: true });
    }
  });
});

describe("a ledger's keys on a token", () => {
  it("HONEST: are made there, both of them, by the PIN alone, and the record says so", async () => {
    expect(asked).toEqual([`PIN of token ledger (serial ${soft.serial}), for the keys of ledger ${origin}`]);
    const { acknowledgement, checkpoint: notes, sealed, version } = readKeyRecord(signerIn(folder));
    expect([acknowledgement.held, notes.held, sealed, version]).toEqual(["token", "token", undefined, 2]);
    expect(readdirSync(signerIn(folder)).toSorted()).toEqual(
      ["acknowledgement.csr", "acknowledgement.der", "counter.json", "heads.db", "keys.json", "token.json"].toSorted(),
    );
    expect(existsSync(`${signerIn(folder)}.new`)).toBe(false);
    expect((await thereOn(soft)).toSorted()).toEqual(
      ["private", "public"].flatMap((half) => [`${half} ${origin} acknowledgements`, `${half} ${origin} checkpoints`]),
    );
  });

  it("T23: HSM-GONE, LOCKED: sign; a token that is away is said to be, and after it came back another login goes on where it was", async () => {
    let again: (() => Promise<void>) | undefined;
    const login: TokenLogin = {
      askPin: right,
      lost(login) {
        again = login;
      },
    };
    await opened(login, async (signer) => {
      await checked(await checkpoint(signer, 0, 3), 3);
      renameSync(soft.tokens, `${soft.tokens}-away`);
      expect(await codeOf(checkpoint(signer, 3, 5))).toBe("HSM-GONE");
      expect(await codeOf(call(signer, "acknowledgement", { digest: "00".repeat(32) }))).toBe("HSM-GONE");
      expect(again).toBeUndefined();
      renameSync(`${soft.tokens}-away`, soft.tokens);
      // SoftHSM's module looks anew at most once a second.
      await expect.poll(() => codeOf(checkpoint(signer, 3, 5)), { timeout: 60_000 }).toBe("LOCKED");
      expect(await call(signer, "status", {})).toMatchObject({ size: 3, stopped: null });
      await again?.();
      await checked(await checkpoint(signer, 3, 5), 5);
      const digest = sha256(Uint8Array.of(1));
      const { attributes = "", signature = "" } = await call(signer, "acknowledgement", { digest: hex(digest) });
      const [message, signed] = [Uint8Array.fromBase64(attributes), Uint8Array.fromBase64(signature)];
      const { spki, suite } = signer.record.acknowledgement;
      expect(await nodeHost.verify(suiteOf(suite), spki, message, signed)).toBe(true);
      expect(await call(signer, "status", {})).toMatchObject({
        held: { acknowledgement: "token", checkpoint: "token" },
      });
    });
  });

  it("PIN-WRONG: a wrong PIN is tried once, and what the token says of further tries is told; the right one then signs", async () => {
    let tries = 0;
    const wrong: TokenLogin = {
      askPin: async () => {
        tries++;
        return utf8("00000000");
      },
    };
    await expect(opened(wrong, async () => undefined)).rejects.toMatchObject({
      code: "PIN-WRONG",
      message: expect.stringContaining("wrong PINs were typed before"),
    });
    expect(tries).toBe(1);
    const warned: (string | undefined)[] = [];
    const careful: TokenLogin = {
      askPin: async ({ warning }) => {
        warned.push(warning);
        return right();
      },
    };
    await opened(careful, async (signer) => checked(await checkpoint(signer, 5, 6), 6));
    expect(warned).toEqual(["wrong PINs were typed before"]);
  });

  it("PIN-LOCKED: no PIN is taken from a descriptor where one more wrong PIN would lock the token", async () => {
    expect(await codeOf(askPin(99, { lastTry: true, what: "token x" }))).toBe("PIN-LOCKED");
    expect(await codeOf(askPin(99, { lastTry: false, what: "token x" }))).toBe("SECRET");
  });

  it("HSM-SIGNATURE: what does not hold is not given out, by either key", async () => {
    await opened({ askPin: right }, async (signer) => {
      const spoilt = { sign: async () => new Uint8Array(64).fill(1) };
      const bad = { ...signer, acknowledgement: spoilt, checkpoint: spoilt };
      expect(await codeOf(call(bad, "acknowledgement", { digest: "00".repeat(32) }))).toBe("HSM-SIGNATURE");
      expect(await codeOf(checkpoint(bad, 6, 7))).toBe("LOG-NOTE");
      expect(await call(signer, "status", {})).toMatchObject({ size: 6 });
    });
  });
});
