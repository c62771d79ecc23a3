/** T23: the token lost and back at each call, hanging, giving garbage, exchanged: a coded refusal, nothing sealed that does not count, the batch kept, and the same end when the right one is back. */

import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { initializeToken } from "../../hardware/initialize.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { tokenPin } from "../appliance/signer/real-signer.ts";
import { codeOf } from "../appliance/signer/test-box.ts";
import { SignerJourney } from "./signer-journey.ts";
import { SignerSweep } from "./signer-sweep.ts";

// Many lives, on a machine that may be busy.
vi.setConfig({ testTimeout: 600_000 });

/** Runs a life for each call of the token; `strike` makes that call what it is to be. Gives the calls. */
async function atEachCall(
  strike: (journey: SignerJourney, act: () => unknown) => unknown,
  after: (journey: SignerJourney) => void = () => undefined,
): Promise<readonly string[]> {
  const struck: string[] = [];
  for (let at = 1; ; at++) {
    const journey = await SignerJourney.make([{ end: "sealed", count: 65 }]);
    let calls = 0;
    let name = "";
    journey.box.hsm.around = async <T>(call: string, act: () => T): Promise<T> => {
      if (++calls !== at) return act();
      name = call;
      return (await strike(journey, act)) as T;
    };
    try {
      await journey.run();
      expect(await journey.check(), `${name}, call ${at}`).toEqual([]);
      if (name === "") return struck;
      after(journey);
      struck.push(name);
    } catch (cause) {
      throw new Error(`${name}, call ${at}: ${journey.faults.join("; ")}`, { cause });
    } finally {
      journey.remove();
    }
  }
}

/** The token is away from now on, and comes back once it was missed. */
function away({ box: { hsm } }: SignerJourney): never {
  hsm.gone = true;
  hsm.present = () => {
    const there = !hsm.gone;
    hsm.gone = false;
    return there;
  };
  hsm.loggedIn = false;
  throw new Refusal("HSM-GONE", "the token is not there");
}

describe("the token at each call of a batch's life", () => {
  it.each([
    ["before it is done", (journey: SignerJourney) => away(journey)],
    [
      "when it is done, before it answers",
      async (journey: SignerJourney, act: () => unknown) => {
        await act();
        return away(journey);
      },
    ],
  ])("T23: lost %s, and back", async (_, strike) => {
    const calls = await atEachCall(strike, ({ faults }) => expect(faults).toContain("the token is not there"));
    expect(calls.filter((name) => name.startsWith("sign"))).toHaveLength(4);
  });

  it.each([
    ["before it is done", (journey: SignerJourney) => journey.hang()],
    [
      "when it is done",
      async (journey: SignerJourney, act: () => unknown) => {
        await act();
        return journey.hang();
      },
    ],
  ])("T23: hanging %s, until somebody ends the process", async (_, strike) => {
    expect((await atEachCall(strike)).length).toBeGreaterThan(10);
  });

  it("T23: garbage instead of signatures counts for nothing, of the sealing key, the time key and the audit key", async () => {
    const calls = await atEachCall(async (_, act) => {
      const result = await act();
      if (!Array.isArray(result)) return result;
      return result.map((signature: Uint8Array) =>
        Uint8Array.from(signature, (byte, at) => (at === 12 ? byte ^ 1 : byte)),
      );
    });
    expect(calls.filter((name) => name.startsWith("sign"))).toHaveLength(4);
  });

  it("T23: fewer signatures than asked for count for nothing", async () => {
    await atEachCall(async (_, act) => {
      const result = await act();
      return Array.isArray(result) ? result.slice(1) : result;
    });
  });

  it.each(["HSM-TOKEN", "HSM-KEY"] as const)(
    "T23: another token or key is refused with %s at unlock; the PIN's count is as it was, the batch is kept",
    async (code) => {
      const journey = await SignerJourney.make([{ end: "sealed", count: 3 }]);
      const { box } = journey;
      const [wanted] = journey.wanted;
      if (!wanted) throw new Error("a batch");
      await box.authorised(wanted.batch);
      journey.approved.add(wanted.batch.batchDigest);
      box.hsm.around = async (name, act) => {
        if (name === "login") throw new Refusal(code, "not the one");
        return act();
      };
      for (let tries = 0; tries < 5; tries++) expect(await codeOf(box.unlock())).toBe(code);
      expect(await codeOf(box.seal(wanted.batch))).toBe("LOCKED");
      expect(box.hsm.sealed).toEqual([]);
      box.hsm.around = async (_, act) => act();
      await journey.run();
      expect(await journey.check()).toEqual([]);
      journey.remove();
    },
  );
});

describe("a real token", () => {
  it("T23: exchanged for another of the same label and PIN, locked or in the middle: HSM-TOKEN, the batch is kept and ends when the right one is back", async () => {
    const sweep = await SignerSweep.make();
    const { signer } = sweep;
    const tokens = join(signer.folder, "token/tokens");
    const away = `${tokens}-away`;
    const exchange = async () => {
      renameSync(tokens, away);
      mkdirSync(tokens);
      await initializeToken(signer.token, { label: "box", soPin: utf8("so-pin-0"), pin: utf8(tokenPin) });
    };
    const back = () => {
      rmSync(tokens, { recursive: true });
      renameSync(away, tokens);
    };
    try {
      const batch = await sweep.nextBatch();
      await signer.start();
      await signer.authorised(batch);
      sweep.approved.add(batch.batchDigest);
      await exchange();
      expect(await codeOf(signer.unlock())).toMatch(/^HSM-(TOKEN|GONE)$/);
      expect(await codeOf(signer.seal(batch))).toBe("LOCKED");
      await signer.restart();
      expect(await codeOf(signer.unlock())).toMatch(/^HSM-(TOKEN|GONE)$/);
      back();
      await signer.restart();
      await sweep.life(batch);
      await signer.end("SIGKILL");
      expect(await sweep.check()).toEqual([]);
    } finally {
      await sweep.remove();
    }
  });
});
