import { renameSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import pkcs11js from "pkcs11js";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { tokenSigner } from "../../hardware/sign.ts";
import { openToken, type Token } from "../../hardware/token.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { suiteOf } from "../../manifests/cms/suite.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { keyOf, makeSoftToken, type SoftToken, withToken } from "./soft-token.ts";

const suite = suiteOf("ecdsa-p256-sha256");
let soft: SoftToken;
let other: SoftToken;

beforeAll(async () => {
  soft = await makeSoftToken("box", [{ label: "sealing", kind: "p256" }]);
  other = await makeSoftToken("other");
});

afterAll(() => {
  soft?.remove();
  other?.remove();
});

const message = utf8("signed attributes");

async function signs(token: Token): Promise<boolean> {
  const key = keyOf(soft, "sealing");
  const signature = await tokenSigner(token, { ...key, suite }).sign(message);
  return nodeHost.verify(suite, key.spki, message, signature);
}

/** Runs `work` while the token's files are somewhere else. */
async function whileGone<T>(work: () => Promise<T>): Promise<T> {
  const away = `${soft.tokens}-away`;
  renameSync(soft.tokens, away);
  try {
    return await work();
  } finally {
    renameSync(away, soft.tokens);
  }
}

/** SoftHSM has no bound: from here on the module has no more than so many sessions, of which `open` are open. Gives how many there were at most. */
function withFewSessions({ module: { library } }: Token, most: number, open: number): () => number {
  let now = open;
  let highest = open;
  const { C_OpenSession: openSession, C_CloseSession: closeSession } = library;
  vi.spyOn(library, "C_OpenSession").mockImplementation((...args) => {
    if (now >= most) throw Object.assign(new Error("CKR_SESSION_COUNT"), { code: pkcs11js.CKR_SESSION_COUNT });
    highest = Math.max(highest, ++now);
    return openSession.apply(library, args);
  });
  vi.spyOn(library, "C_CloseSession").mockImplementation((handle) => {
    now--;
    closeSession.call(library, handle);
  });
  return () => highest;
}

afterEach(() => vi.restoreAllMocks());

describe("a token", () => {
  it("HSM-TOKEN: it is the one whose serial is pinned, and says so", async () => {
    await withToken(soft, async (token) => {
      expect(token).toMatchObject({ serial: soft.serial, label: "box", loggedIn: true });
      expect(token.present()).toBe(true);
      expect(token.pinState()).toBe("ok");
      expect(await signs(token)).toBe(true);
    });
  });

  it("HSM-TOKEN: another serial is refused with what was expected and what is there", async () => {
    const uri = `pkcs11:token=box;serial=0000000000000000`;
    await expect(openToken({ ...soft.place, uri })).rejects.toMatchObject({
      code: "HSM-TOKEN",
      expected: expect.stringContaining("0000000000000000"),
      got: expect.stringContaining(soft.serial),
    });
  });

  it("HSM-TOKEN: the right serial under another label is not the token", async () => {
    const uri = `pkcs11:token=boxes;serial=${soft.serial}`;
    await expect(openToken({ ...soft.place, uri })).rejects.toMatchObject({ code: "HSM-TOKEN" });
    await expect(openToken({ ...other.place, uri: soft.config.uri })).rejects.toMatchObject({ code: "HSM-TOKEN" });
  });

  it.each(["pkcs11:token=box", "pkcs11:token=box;serial=", "pkcs11:serial=1;x-vendor=1"])(
    "CONFIG: %s pins no token",
    async (uri) => {
      await expect(openToken({ ...soft.place, uri })).rejects.toMatchObject({ code: "CONFIG" });
    },
  );

  it("PIN-WRONG: a wrong PIN logs nobody in, is not repeated, and the right one still works", async () => {
    await withToken(
      soft,
      async (token) => {
        const refusal = await token.login(utf8("not-the-pin")).catch((fault) => fault);
        expect(refusal).toMatchObject({ code: "PIN-WRONG" });
        expect(`${refusal.message} ${JSON.stringify(refusal.toRecord())} ${refusal.stack}`).not.toContain(
          "not-the-pin",
        );
        expect(token.loggedIn).toBe(false);
        expect(token.pinState()).toBe("few-tries");
        await expect(signs(token)).rejects.toMatchObject({ code: "LOCKED" });
        await token.login(soft.pin);
        expect(token.pinState()).toBe("ok");
        expect(await signs(token)).toBe(true);
      },
      { login: false },
    );
  });

  it.each([
    ["empty", new Uint8Array()],
    ["not UTF-8", Uint8Array.of(0xff, 0xfe, 0x31, 0x32)],
    ["too short", utf8("1")],
    ["too long", utf8("1".repeat(300))],
    ["another one's", utf8("00000000")],
  ])("PIN-WRONG: a PIN that is %s", async (_what, pin) => {
    await withToken(soft, (token) => expect(token.login(pin)).rejects.toMatchObject({ code: "PIN-WRONG" }), {
      login: false,
    });
  });

  it("PIN-WRONG: the token checks the PIN also while a login is held", async () => {
    await withToken(soft, async (token) => {
      await expect(token.login(utf8("00000000"))).rejects.toMatchObject({ code: "PIN-WRONG" });
      expect(token.loggedIn).toBe(false);
      await expect(signs(token)).rejects.toMatchObject({ code: "LOCKED" });
    });
  });

  it("PIN-WRONG: the token checks the PIN also while another part of the process holds a login, which ends then", async () => {
    await withToken(soft, async (first) => {
      await withToken(
        soft,
        async (second) => {
          await expect(second.login(utf8("00000000"))).rejects.toMatchObject({ code: "PIN-WRONG" });
          await expect(signs(second)).rejects.toMatchObject({ code: "LOCKED" });
          await second.login(soft.pin);
          expect(await signs(second)).toBe(true);
        },
        { login: false },
      );
      await expect(signs(first)).rejects.toMatchObject({ code: "LOCKED" });
    });
  });

  it("LOCKED: after logout nothing is lent; after a new login keys are found anew", async () => {
    await withToken(soft, async (token) => {
      const signer = tokenSigner(token, { ...keyOf(soft, "sealing"), suite });
      const { epoch } = token;
      await signer.sign(message);
      await token.logout();
      await token.logout();
      await expect(signer.sign(message)).rejects.toMatchObject({ code: "LOCKED" });
      await token.login(soft.pin);
      expect(token.epoch).not.toBe(epoch);
      const signature = await signer.sign(message);
      expect(await nodeHost.verify(suite, keyOf(soft, "sealing").spki, message, signature)).toBe(true);
    });
  });

  it("LOCKED: a logout lends nothing more, and is over when what was lent is back", async () => {
    await withToken(soft, async (token) => {
      let over = false;
      let out: Promise<void> | undefined;
      const state = await token.withSession(async ({ library, handle, over: told }) => {
        out = token.logout().then(() => {
          over = true;
        });
        await setImmediate();
        expect([token.loggedIn, over, Atomics.load(told, 0)]).toEqual([false, false, 1]);
        await expect(token.findKey(keyOf(soft, "sealing"))).rejects.toMatchObject({ code: "LOCKED" });
        return library.C_GetSessionInfo(handle).state;
      });
      expect(state).toBe(3);
      await out;
      await expect(token.findKey(keyOf(soft, "sealing"))).rejects.toMatchObject({ code: "LOCKED" });
    });
  });

  it("HSM-FAULT: a token with few sessions is used by as many as it has, and the others wait", async () => {
    await withToken(soft, async (token) => {
      const highest = withFewSessions(token, 3, 1);
      let under = 0;
      let most = 0;
      const use = () =>
        token.withSession(async () => {
          most = Math.max(most, ++under);
          await setImmediate();
          under--;
        });
      await Promise.all(Array.from({ length: 20 }, use));
      expect([most, highest()]).toEqual([2, 3]);
      expect(await signs(token)).toBe(true);
    });
  });

  it("LOCKED: who waits for a session when the login ends is told so; where others have all of them nobody waits", async () => {
    await withToken(soft, async (token) => {
      withFewSessions(token, 2, 1);
      const held = Promise.withResolvers<void>();
      const lent = token.withSession(() => held.promise);
      const late = expect(signs(token)).rejects.toMatchObject({ code: "LOCKED" });
      await setImmediate();
      const out = token.logout();
      await late;
      held.resolve();
      await lent;
      await out;
      await token.login(soft.pin);
      vi.restoreAllMocks();
      withFewSessions(token, 1, 1);
      await expect(signs(token)).rejects.toMatchObject({ code: "HSM-FAULT", got: "CKR_SESSION_COUNT" });
    });
  });

  it("HSM-FAULT: a session that died is replaced, and the login goes on", async () => {
    await withToken(soft, async (token) => {
      let uses = 0;
      const state = await token.withSession(
        ({ library, handle }) => {
          if (uses++ === 0) library.C_CloseSession(handle);
          return library.C_GetSessionInfo(handle).state;
        },
        { repeat: true },
      );
      expect([state, uses]).toEqual([3, 2]);
      expect(await signs(token)).toBe(true);
    });
  });

  it("HSM-FAULT: what must not run twice is refused when its session dies", async () => {
    await withToken(soft, async (token) => {
      let uses = 0;
      const use = token.withSession(({ library, handle }) => {
        uses++;
        library.C_CloseSession(handle);
        library.C_GetSessionInfo(handle);
      });
      await expect(use).rejects.toMatchObject({ code: "HSM-FAULT" });
      expect(uses).toBe(1);
      expect(await signs(token)).toBe(true);
    });
  });

  it("HSM-FAULT: a session left with a half-done operation is not lent again", async () => {
    await withToken(soft, async (token) => {
      const key = await token.findKey(keyOf(soft, "sealing"));
      const begun = token.withSession(({ library, handle }) => {
        library.C_SignInit(handle, { mechanism: 0x1041 }, key.handle);
        throw new Refusal("STOPPED", "given up");
      });
      await expect(begun).rejects.toMatchObject({ code: "STOPPED" });
      expect(await signs(token)).toBe(true);
    });
  });

  it("LOCKED: when all sessions die the login is lost, is said so, and comes back with the PIN", async () => {
    await withToken(soft, async (token) => {
      await token.withSession(({ library, slot }) => library.C_CloseAllSessions(slot));
      await expect(signs(token)).rejects.toMatchObject({ code: "LOCKED" });
      expect(token.loggedIn).toBe(false);
      await token.login(soft.pin);
      expect(await signs(token)).toBe(true);
    });
  });

  it("LOCKED: when someone ends the module the login is lost, is said so, and comes back with the PIN", async () => {
    await withToken(soft, async (token) => {
      token.module.library.C_Finalize();
      await expect(signs(token)).rejects.toMatchObject({ code: "LOCKED" });
      expect(token.present()).toBe(true);
      await token.login(soft.pin);
      expect(await signs(token)).toBe(true);
    });
  });

  it("T23: a token that goes away is named as gone; when it is back it needs a new login", async () => {
    await withToken(soft, async (token) => {
      const signer = tokenSigner(token, { ...keyOf(soft, "sealing"), suite });
      await signer.sign(message);
      await whileGone(async () => {
        await expect(signer.sign(message)).rejects.toMatchObject({ code: "HSM-GONE" });
        expect(token.loggedIn).toBe(false);
        expect(token.present()).toBe(false);
        await expect(token.login(soft.pin)).rejects.toMatchObject({ code: "HSM-GONE" });
        await expect(signer.sign(message)).rejects.toMatchObject({ code: "HSM-GONE" });
      });
      await expect(signer.sign(message)).rejects.toMatchObject({ code: "LOCKED" });
      await token.login(soft.pin);
      expect(await signs(token)).toBe(true);
    });
  });

  it("T23: a token that goes away before its key was looked for is gone, not without a key", async () => {
    await withToken(soft, async (token) => {
      await whileGone(() => expect(signs(token)).rejects.toMatchObject({ code: "HSM-GONE" }));
    });
  });

  it("T23: without login, presence is seen to end and to come back", async () => {
    await withToken(
      soft,
      async (token) => {
        await whileGone(async () => expect(token.present()).toBe(false));
        await expect.poll(() => token.present(), { timeout: 20_000 }).toBe(true);
      },
      { login: false },
    );
  });

  it("HSM-GONE: a token that is not there yet can be opened for later", async () => {
    await whileGone(() => expect(openToken(soft.config)).rejects.toMatchObject({ code: "HSM-MODULE" }));
    const absent = { ...other.place, uri: soft.config.uri };
    const later = await openToken(absent, { mayBeAbsent: true });
    expect(later.present()).toBe(false);
    expect(later.label).toBe("box");
    await expect(later.login(soft.pin)).rejects.toMatchObject({ code: "HSM-TOKEN" });
    await later.close();
  });

  it("HSM-GONE: a closed token answers nothing", async () => {
    const token = await withToken(soft, async (open) => open);
    expect(token.present()).toBe(false);
    await expect(token.login(soft.pin)).rejects.toMatchObject({ code: "HSM-GONE" });
  });
});
