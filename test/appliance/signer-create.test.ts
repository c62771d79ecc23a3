/** NOTHING-LOST in the making of a box: cut off anywhere, `create` is run again and makes it. Fake token, real store. */

import { copyFileSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createBox } from "../../appliance/signer/create-box.ts";
import type { Hsm } from "../../appliance/signer/ports.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { rightPin } from "./signer/fake-hsm.ts";
import { signPolicy } from "./signer/people.ts";
import { codeOf, TestBox } from "./signer/test-box.ts";

let box: TestBox;
let genesis: Uint8Array;
beforeEach(async () => {
  box = await TestBox.make();
  genesis = await signPolicy(box.policy, ["op1", "op2", "op3"]);
  // Nothing was made yet.
  box.kill();
  box.hsm.heads = [];
  box.hsm.genesis = undefined;
  for (const name of readdirSync(box.config.state)) rmSync(join(box.config.state, name));
});
afterEach(() => box.remove());

const store = (suffix = "") => join(box.config.state, `store.db${suffix}`);
const create = (hsm: Hsm = box.hsm) => createBox({ ...box.parts(), hsm }, genesis, utf8(rightPin));

async function expectMade(): Promise<void> {
  expect(readdirSync(box.config.state)).toEqual(["store.db"]);
  expect(box.hsm.loggedIn).toBe(false);
  await box.open();
  await box.unlock();
  expect(box.hsm.heads.map(({ counter }) => counter)).toEqual([1]);
}

/** The token, of which the `n`th call fails: before it does anything, or after it did all. */
function failing(n: number, when: "before" | "after") {
  const state = { calls: 0, failed: "" };
  const hsm = new Proxy(box.hsm, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      // These ask the token for nothing.
      if (typeof value !== "function" || name === "present" || name === "use") return value;
      return async (...parameters: unknown[]) => {
        const fails = ++state.calls === n;
        if (fails) state.failed = `${String(name)} ${String(parameters[0])}`;
        if (fails && when === "before") throw new Error("killed");
        const result = (await Reflect.apply(value, target, parameters)) as unknown;
        if (fails) throw new Error("killed");
        return result;
      };
    },
  });
  return { hsm: hsm as Hsm, state };
}

describe("NOTHING-LOST", () => {
  it.each(["before", "after"] as const)(
    "NOTHING-LOST: cut off %s any call of the token, create is run again and makes the box",
    async (when) => {
      const failed: string[] = [];
      for (let n = 1; ; n++) {
        const { hsm, state } = failing(n, when);
        const made = await create(hsm).then(
          () => true,
          () => false,
        );
        if (made) break;
        failed.push(state.failed);
        box.hsm.loggedIn = false;
        // After the last call everything was done.
        if (existsSync(store())) expect(await codeOf(create())).toBe("STORE");
        else await create();
        await expectMade();
        box.kill();
        box.hsm.heads = [];
        box.hsm.genesis = undefined;
        for (const name of readdirSync(box.config.state)) rmSync(join(box.config.state, name));
      }
      expect(failed.map((call) => call.replace(/ .*\d,.*/, ""))).toEqual(
        expect.arrayContaining(["login", "advanceHead genesis", "advanceHead head", "logout undefined"]),
      );
    },
  );

  it("NOTHING-LOST: a store that was cut off in the middle is made anew while the token holds no head", async () => {
    writeFileSync(store(".new"), "SQLite format 3\0 and no more");
    writeFileSync(store(".new-wal"), "half a log");
    await create();
    await expectMade();
  });

  it("CHAIN: a head in the token is taken as written only with the store that it names", async () => {
    const { hsm } = failing(6, "after");
    await create(hsm).catch(() => undefined);
    box.hsm.loggedIn = false;
    expect(box.hsm.heads).toHaveLength(1);
    copyFileSync(store(".new"), join(box.folder, "kept"));
    rmSync(store(".new"));
    expect(await codeOf(create())).toBe("CHAIN");
    expect(existsSync(store())).toBe(false);

    const { heads } = box.hsm;
    box.hsm.heads = [];
    box.clocks.offset += 60_000;
    const other = failing(5, "after");
    await create(other.hsm).catch(() => undefined);
    box.hsm.loggedIn = false;
    box.hsm.heads = heads;
    expect(await codeOf(create())).toBe("CHAIN");

    copyFileSync(join(box.folder, "kept"), store(".new"));
    await create();
    await expectMade();
  });

  it("CHAIN: a token that was made for another genesis policy is no token for this box", async () => {
    box.hsm.genesis = { counter: 1, content: new Uint8Array(32) };
    expect(await codeOf(create())).toBe("CHAIN");
    expect([existsSync(store()), box.hsm.heads]).toEqual([false, []]);
  });

  it("CHAIN: a head that has moved belongs to a box that was in use", async () => {
    await create();
    box.hsm.heads = box.hsm.heads.map((head) => {
      const content = JSON.parse(new TextDecoder().decode(head.content)) as object;
      return { counter: 2, content: utf8(JSON.stringify({ ...content, counter: 2 })) };
    });
    copyFileSync(store(), store(".new"));
    rmSync(store());
    expect(await codeOf(create())).toBe("CHAIN");
    expect(existsSync(store())).toBe(false);
  });

  it("SECRET: the PIN is wiped, whatever create refuses", async () => {
    const pin = utf8(rightPin);
    writeFileSync(store(), "");
    expect(await codeOf(createBox(box.parts(), genesis, pin))).toBe("STORE");
    expect([...pin].every((byte) => byte === 0)).toBe(true);
  });
});
