import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { type CreateOptions, runCreate } from "../../desk/commands/create.ts";
import { exitStatus } from "../../host/terminal/refusal-lines.ts";
import { documentationArc } from "../../manifests/encoding/oid.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { folder, write } from "./stick.ts";

async function refused(change: Partial<CreateOptions>): Promise<Refusal> {
  const stick = folder();
  const usual = { purpose: "Q4", mode: "test", expires: "7d", digest: "sha256", arc: documentationArc } as const;
  const options = {
    to: stick,
    key: write(folder(), "no.p12", ""),
    passwordFile: write(folder(), "pw", "x"),
    ...usual,
    ...change,
  };
  const noToken = async () => {
    throw new Error("no token here");
  };
  const fault = await runCreate([write(folder(), "a", "a")], options, noToken, () => undefined).catch((one) => one);
  expect(readdirSync(stick)).toEqual([]);
  if (!(fault instanceof Refusal)) throw new Error("not refused", { cause: fault });
  return fault;
}

it.each(["bogus", "7", "0d", "2026-11-23", "2026-02-30T00:00:00Z"])("USAGE: --expires %s", async (expires) => {
  const refusal = await refused({ expires });
  expect(refusal).toMatchObject({ code: "USAGE", got: expires, expected: expect.stringContaining("12h, 7d") });
  expect(exitStatus[refusal.kind]).toBe(2);
});

it.each(["a b", "", "-x", "x".repeat(65)])("USAGE: --batch '%s'", async (batch) => {
  const refusal = await refused({ batch });
  expect(refusal).toMatchObject({ code: "USAGE", got: batch, expected: expect.stringContaining("1 to 64 of A-Z") });
});

it.each(["con", "prn", "aux", "nul", "com1", "com9", "lpt1", "lpt9", "con.2026", "lpt9.a.b", "q4."])(
  "MEDIA-NAME: --folder %s, which a FAT stick cannot hold",
  async (name) => {
    expect(await refused({ folder: name })).toMatchObject({ code: "MEDIA-NAME", got: name });
    expect((await refused({ batch: name.toUpperCase() })).code).toBe("MEDIA-NAME");
  },
);

it.each(["conference", "com", "lpt10", "console.1", "x.con"])("--folder %s is only alike", async (name) => {
  expect((await refused({ folder: name })).code).not.toBe("MEDIA-NAME");
});
