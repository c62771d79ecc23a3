/** CHAIN across an interrupted last move: whatever stopped the box after a manifest or a policy, an old disk is found. */

import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { importPolicy } from "../../appliance/signer/import-policy.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { following, listOf, makeBatch, signPolicy } from "./signer/people.ts";
import { codeOf, TestBox } from "./signer/test-box.ts";

let box: TestBox;
beforeEach(async () => {
  box = await TestBox.make();
  await box.unlock();
});
afterEach(() => box.remove());

const storeFile = () => join(box.config.state, "store.db");

/** Calls `act` at the `n`th time that a head is about to be written. */
function beforeHead(n: number, act: () => void): void {
  let left = n;
  box.hsm.onMoment = (moment) => {
    if (moment !== "before-head" || --left > 0) return;
    box.hsm.onMoment = () => undefined;
    act();
  };
}

/** Keeps a copy of the disk as it is now; the box is opened and unlocked again. */
async function keepDisk(): Promise<void> {
  box.kill();
  copyFileSync(storeFile(), `${storeFile()}.old`);
  await box.open();
  await box.unlock();
}

async function unlockOldDisk(): Promise<string> {
  box.kill();
  for (const suffix of ["-wal", "-shm"]) rmSync(`${storeFile()}${suffix}`, { force: true });
  copyFileSync(`${storeFile()}.old`, storeFile());
  await box.open();
  return codeOf(box.unlock());
}

describe("CHAIN", () => {
  /** A batch that was half sealed when the disk was copied, and authorised to go on. */
  async function halfSealed() {
    const batch = await makeBatch(listOf(100, "a"));
    await box.authorised(batch);
    await box
      .seal(batch, (done) => {
        if (done === 64) void box.box.lockbox.lock("test");
      })
      .catch(() => undefined);
    await keepDisk();
    return batch;
  }

  it.each<[string, () => void]>([
    [
      "a kill",
      () => {
        box.kill();
        throw new Error("killed");
      },
    ],
    [
      "a pulled token",
      () => {
        box.hsm.gone = true;
        throw new Refusal("HSM-GONE", "the token is not there");
      },
    ],
  ])(
    "CHAIN: after %s between the manifest and its head, unlock moves the head: a disk from the middle is found",
    async (what, stop) => {
      const batch = await halfSealed();
      beforeHead(2, stop);
      await expect(box.seal(batch)).rejects.toThrow();
      if (what === "a kill") await box.open();
      box.hsm.gone = false;
      expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
      await box.unlock();
      expect(box.box.head.due).toBe(false);
      expect(await unlockOldDisk()).toBe("CHAIN");
    },
  );

  it("CHAIN: a sealed batch is not answered before the head covers it", async () => {
    const batch = await halfSealed();
    beforeHead(2, () => {
      throw new Error("a fault");
    });
    await expect(box.seal(batch)).rejects.toThrow("a fault");
    expect(box.box.head.due).toBe(true);
    expect(await box.seal(batch)).toEqual({ number: 1, outcome: "sealed" });
    expect(await unlockOldDisk()).toBe("CHAIN");
  });

  it.each([true, false])(
    "T17: a policy that came while unlocked (%s) does not go away with an old disk",
    async (unlocked) => {
      await keepDisk();
      if (!unlocked) await box.box.lockbox.lock("test");
      const next = following(box.policy, { thresholds: { policy: 2, seal: 3 } });
      expect(await importPolicy(box.box, await signPolicy(next, ["op1", "op2"]))).toBe(2);
      if (!unlocked) await box.unlock();
      expect(await unlockOldDisk()).toBe("CHAIN");
      expect(box.box.fault?.code).toBe("CHAIN");
    },
  );

  it("T17: a token that fails after a policy was stored locks the box; the policy is in force, the next unlock covers it", async () => {
    await keepDisk();
    beforeHead(1, () => {
      throw new Refusal("HSM-FAULT", "the token failed");
    });
    const next = following(box.policy, { thresholds: { policy: 2, seal: 3 } });
    expect(await importPolicy(box.box, await signPolicy(next, ["op1", "op2"]))).toBe(2);
    expect([box.box.policies.inForce.number, box.box.lockbox.unlocked]).toEqual([2, false]);
    await box.unlock();
    expect(await unlockOldDisk()).toBe("CHAIN");
  });
});
