/** PIN and lock: an unlocked box takes no PIN unchecked, who locks wins, and only a wrong PIN counts as one. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readTries } from "../../appliance/signer/pin-tries.ts";
import { Refusal, type RefusalCode } from "../../manifests/refusal.ts";
import { listOf, makeBatch } from "./signer/people.ts";
import { codeOf, TestBox } from "./signer/test-box.ts";

let box: TestBox;
beforeEach(async () => {
  box = await TestBox.make();
});
afterEach(() => box.remove());

const tries = () => readTries(box.box.db);

/** Logins wait until `go` is called; `begun` resolves when the first one waits. */
function slowLogin() {
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const login = box.hsm.login.bind(box.hsm);
  box.hsm.login = async (pin) => {
    begun.resolve();
    await gate.promise;
    return login(pin);
  };
  return { begun: begun.promise, go: gate.resolve };
}

describe("PIN", () => {
  it("PIN-WRONG: an unlocked box checks the PIN too: a wrong one is counted and refused, and locks", async () => {
    await box.unlock();
    expect(await codeOf(box.unlock("wrong"))).toBe("PIN-WRONG");
    expect(tries().failures).toBe(1);
    expect([box.box.lockbox.unlocked, box.hsm.loggedIn]).toEqual([false, false]);
    await box.unlock();
    expect(tries().failures).toBe(0);
  });

  it("PIN-LOCKED: while the wait lasts a PIN is refused unchecked, and an unlocked box stays as it is", async () => {
    await box.unlock();
    const waitUntil = new Date(Date.now() + 60_000).toISOString().replace(/\.\d+Z$/, "Z");
    box.box.db.prepare("UPDATE pin_tries SET failures = 3, wait_until = ?").run(waitUntil);
    expect(await codeOf(box.unlock())).toBe("PIN-LOCKED");
    expect([box.box.lockbox.unlocked, box.hsm.loggedIn]).toEqual([true, true]);
  });

  it("CHAIN: an unlock of an unlocked box compares the heads again", async () => {
    await box.unlock();
    box.hsm.heads = [];
    expect(await codeOf(box.unlock())).toBe("CHAIN");
    expect([box.box.lockbox.unlocked, box.hsm.loggedIn]).toEqual([false, false]);
  });

  it("LOCKED: an unlock in the middle of a batch loses nothing of it", async () => {
    await box.unlock();
    const batch = await makeBatch(listOf(300, "a"));
    await box.authorised(batch);
    let again: Promise<void> | undefined;
    const sealing = box.seal(batch, (done) => {
      if (done === 64) again = box.unlock();
    });
    expect(await codeOf(sealing)).toMatch(/LOCKED|none/);
    await again;
    expect(box.box.lockbox.unlocked).toBe(true);
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
  });

  it.each<RefusalCode>(["HSM-GONE", "HSM-FAULT", "HSM-KEY", "HSM-TOKEN", "BUSY"])(
    "%s: a fault of the token in the login is no wrong PIN: the count is durably what it was",
    async (code) => {
      expect(await codeOf(box.unlock("wrong"))).toBe("PIN-WRONG");
      const login = box.hsm.login.bind(box.hsm);
      box.hsm.login = async () => {
        throw new Refusal(code, "the token failed");
      };
      for (let again = 0; again < 5; again++) expect(await codeOf(box.unlock())).toBe(code);
      expect(tries()).toEqual({ failures: 1, waitUntil: null });
      await box.restart();
      expect(tries()).toEqual({ failures: 1, waitUntil: null });
      box.hsm.login = login;
      await box.unlock();
    },
  );

  it.each<RefusalCode>(["PIN-WRONG", "PIN-LOCKED"])("%s: what the token says of the PIN counts", async (code) => {
    box.hsm.login = async () => {
      throw new Refusal(code, "no");
    };
    expect(await codeOf(box.unlock())).toBe(code);
    expect(tries().failures).toBe(1);
  });
});

describe("lock", () => {
  it("LOCKED: a lock that comes in the middle of an unlock waits for it, and wins", async () => {
    const { begun, go } = slowLogin();
    const unlocking = box.unlock();
    await begun;
    const locking = box.box.lockbox.lock("asked for");
    go();
    await unlocking;
    await locking;
    expect([box.box.lockbox.unlocked, box.hsm.loggedIn]).toEqual([false, false]);
  });

  it("LOCKED: an unlock that comes after a lock waits for it, and is asked for the PIN", async () => {
    await box.unlock();
    const locking = box.box.lockbox.lock("asked for");
    expect(box.box.lockbox.unlocked).toBe(false);
    const unlocking = box.unlock();
    await Promise.all([locking, unlocking]);
    expect([box.box.lockbox.unlocked, box.hsm.loggedIn]).toEqual([true, true]);
    expect(box.hsm.logins).toBe(3);
  });

  it.each<RefusalCode>(["HSM-KEY", "HSM-FAULT"])(
    "LOCKED: where a lock took sessions and keys from under the work (%s), that is what it is told",
    async (code) => {
      await box.unlock();
      const fault = Promise.withResolvers<never>();
      const working = box.box.lockbox.guard(() => fault.promise);
      await box.box.lockbox.lock("asked for");
      fault.reject(new Refusal(code, "the token has no such key"));
      expect(await codeOf(working)).toBe("LOCKED");
    },
  );

  it("HSM-FAULT: a fault under an earlier login does not lock the box that was unlocked since", async () => {
    await box.unlock();
    const fault = Promise.withResolvers<never>();
    const working = box.box.lockbox.guard(() => fault.promise);
    await box.unlock();
    fault.reject(new Refusal("LOCKED", "the token's login is gone"));
    expect(await codeOf(working)).toBe("LOCKED");
    expect(box.box.lockbox.unlocked).toBe(true);
  });
});
