import { randomBytes, randomUUID } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pkcs11js from "pkcs11js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HeadStore, headLimit } from "../../hardware/counter-object.ts";
import { listObjects } from "../../hardware/inventory.ts";
import type { Token } from "../../hardware/token.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { makeSoftToken, type SoftToken, withToken } from "./soft-token.ts";

let soft: SoftToken;

beforeAll(async () => {
  soft = await makeSoftToken("heads");
});
afterAll(() => soft?.remove());

/** The content of the one object of a label. */
function contents(token: Token, label: string): Promise<Buffer[]> {
  return token.withSession(({ library, handle }) => {
    library.C_FindObjectsInit(handle, [{ type: pkcs11js.CKA_LABEL, value: label }]);
    const found = library.C_FindObjects(handle, 10);
    library.C_FindObjectsFinal(handle);
    return found.map(
      (object) => library.C_GetAttributeValue(handle, object, [{ type: pkcs11js.CKA_VALUE }])[0]?.value as Buffer,
    );
  });
}

/** Puts an object there behind the store's back. */
function plant(token: Token, label: string, content: Uint8Array): Promise<unknown> {
  return token.withSession(({ library, handle }) =>
    library.C_CreateObject(handle, [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_DATA },
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_PRIVATE, value: true },
      { type: pkcs11js.CKA_LABEL, value: label },
      { type: pkcs11js.CKA_VALUE, value: Buffer.from(content) },
    ]),
  );
}

describe("heads in a token", () => {
  it("CHAIN: a head is read back after another login, from one object that is private", async () => {
    await withToken(soft, async (token) => {
      const store = new HeadStore(token);
      expect(store.hardware).toBe(false);
      expect(await store.read("head")).toBeUndefined();
      await store.advance("head", 1, utf8("one"));
      await store.advance("head", 2, utf8("two"));
      await store.advance("head", 10, utf8("ten"));
    });
    await withToken(soft, async (token) => {
      expect(await new HeadStore(token).read("head")).toEqual({ counter: 10, value: utf8("ten"), others: 0 });
      const objects = (await listObjects(token)).filter((object) => object.label === "head");
      expect(objects).toMatchObject([{ type: "data", private: true }]);
      await token.logout();
      await expect(new HeadStore(token).read("head")).rejects.toMatchObject({ code: "LOCKED" });
    });
  });

  it.each([0, 1, 4, 5])("CHAIN: after counter 5 there is no counter %i", async (counter) => {
    await withToken(soft, async (token) => {
      const store = new HeadStore(token);
      const label = `falling to ${counter}`;
      await store.advance(label, 5, utf8("five"));
      await expect(store.advance(label, counter, utf8("again"))).rejects.toMatchObject({
        code: counter === 0 ? "INTERNAL" : "CHAIN",
      });
      expect(await store.read(label)).toEqual({ counter: 5, value: utf8("five"), others: 0 });
    });
  });

  it("CHAIN: of two generations the higher counter wins, and the next advance leaves one", async () => {
    await withToken(soft, async (token) => {
      const store = new HeadStore(token);
      await store.advance("two", 7, utf8("old"));
      const [old] = await contents(token, "two");
      await store.advance("two", 8, utf8("new"));
      await plant(token, "two", old as Buffer); // as if the box had stopped before the old one was destroyed
      expect(await store.read("two")).toEqual({ counter: 8, value: utf8("new"), others: 1 });
      await store.advance("two", 9, utf8("next"));
      expect(await store.read("two")).toEqual({ counter: 9, value: utf8("next"), others: 0 });
    });
  });

  it("CHAIN: an object that was cut off while it was written does not count, and goes with the next advance", async () => {
    await withToken(soft, async (token) => {
      const store = new HeadStore(token);
      await store.advance("cut", 3, utf8("three"));
      await store.advance("cut-source", 4, utf8("four"));
      const [whole] = await contents(token, "cut-source");
      for (const length of [0, 8, 20, (whole as Buffer).length - 1]) {
        await plant(token, "cut", (whole as Buffer).subarray(0, length));
      }
      expect(await store.read("cut")).toEqual({ counter: 3, value: utf8("three"), others: 4 });
      await store.advance("cut", 4, utf8("four"));
      expect(await store.read("cut")).toEqual({ counter: 4, value: utf8("four"), others: 0 });
    });
  });

  it("T21: objects whose files a killed process left half written hide nothing and stop nothing", async () => {
    await withToken(soft, async (token) => new HeadStore(token).advance("half", 1, utf8("one")));
    const [folder = ""] = readdirSync(soft.tokens);
    const files = readdirSync(join(soft.tokens, folder)).filter((name) => name.endsWith(".object"));
    const newest = files
      .map((name) => join(soft.tokens, folder, name))
      .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0] as string;
    const whole = readFileSync(newest);
    const left: string[] = [];
    for (let length = 0; length < whole.length; length += 8) {
      const file = join(soft.tokens, folder, `${randomUUID()}.object`);
      writeFileSync(file, whole.subarray(0, length));
      left.push(file);
    }
    await withToken(soft, async (token) => {
      const store = new HeadStore(token);
      expect(await store.read("half")).toMatchObject({ counter: 1, value: utf8("one") });
      expect((await listObjects(token)).length).toBeGreaterThan(0);
      await store.advance("half", 2, utf8("two"));
      expect(await store.read("half")).toMatchObject({ counter: 2, value: utf8("two") });
    });
    for (const file of left) rmSync(file, { force: true });
  });

  it("CHAIN: two values of one counter are refused", async () => {
    await withToken(soft, async (token) => {
      const store = new HeadStore(token);
      await store.advance("fork", 1, utf8("one"));
      await store.advance("fork-source", 1, utf8("another"));
      const [another] = await contents(token, "fork-source");
      await plant(token, "fork", another as Buffer);
      await expect(store.read("fork")).rejects.toMatchObject({ code: "CHAIN" });
      await expect(store.advance("fork", 2, utf8("two"))).rejects.toMatchObject({ code: "CHAIN" });
    });
  });

  it("CHAIN: values may have up to 2 KiB, labels do not mix", async () => {
    await withToken(soft, async (token) => {
      const store = new HeadStore(token);
      const value = new Uint8Array(randomBytes(headLimit));
      await store.advance("long", 1, value);
      await store.advance("long-2", 9, utf8(""));
      expect(await store.read("long")).toEqual({ counter: 1, value, others: 0 });
      expect(await store.read("long-2")).toEqual({ counter: 9, value: utf8(""), others: 0 });
      await expect(store.advance("long", 2, new Uint8Array(headLimit + 1))).rejects.toMatchObject({ code: "INTERNAL" });
    });
  });
});
