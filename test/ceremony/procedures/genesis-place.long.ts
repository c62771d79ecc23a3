import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { boxLayout, wrappedPath } from "../../../ceremony/procedures/layout.ts";
import { codeOf } from "../software-box.ts";
import { type GenesisJson, genesisPeople, holdGenesis, newBox } from "./genesis-box.ts";

genesisPeople();

describe("genesis, where another one was begun", () => {
  it("GENESIS: a folder that is a box, or another genesis's, is not written over, at whatever step that one is gone on with", async () => {
    const stopAt = (at: string) => ({
      begin: ({ id }: { id: string }) => (id === at ? ("stop" as const) : ("go" as const)),
    });
    const box = await newBox();
    const another = async (archive: string, label: string) => {
      const json = JSON.parse(readFileSync(box.file, "utf8")) as GenesisJson & { archive: string };
      Object.assign(json, { archive });
      Object.assign(json.parameters.token as object, { label });
      const path = box.file.replace(/[^/]*$/, `${archive}.json`);
      writeFileSync(path, JSON.stringify(json));
      return path;
    };
    const early = await another("2026-8", "early");
    expect((await holdGenesis(early, stopAt("token"))).held).toMatchObject({ outcome: "paused", next: "token" });
    expect((await holdGenesis(box.file, stopAt("relock"))).held).toMatchObject({ outcome: "paused" });
    const layout = boxLayout(box.box);
    const wrapped = readFileSync(wrappedPath(layout, "unlock"));
    // Both were begun; the folder is the second one's, which made something.
    expect(await codeOf(holdGenesis(early))).toBe("STORE");
    expect(await codeOf(holdGenesis(await another("2026-9", "late")))).toBe("STORE");
    expect(readFileSync(wrappedPath(layout, "unlock")).equals(wrapped)).toBe(true);
    expect((await holdGenesis(box.file)).held).toMatchObject({ outcome: "completed" });
    const made = [layout.signerJson, wrappedPath(layout, "unlock")].map((path) => readFileSync(path));
    await expect(holdGenesis(early)).rejects.toMatchObject({ code: "STORE", message: "this folder is a box already" });
    await expect(holdGenesis(await another("2026-10", "later"))).rejects.toMatchObject({ code: "STORE" });
    const after = [layout.signerJson, wrappedPath(layout, "unlock")].map((path) => readFileSync(path));
    expect(after).toEqual(made);
  });
});
