/** An emergency on a running box, from its declaration to its closing record: batches, one operator's approval, the stick, the verifier. */

import { cpSync, existsSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperatorPaths } from "../../ceremony/provision/layout.ts";
import {
  allowEmergency,
  declareEmergency,
  emergencyText,
  endEmergency,
} from "../../ceremony/rehearse/every-ceremony.ts";
import type { Rehearsal } from "../../ceremony/rehearse/rehearsal.ts";
import type { RehearsedBox } from "../../ceremony/rehearse/rehearsed-box.ts";
import { endTokenProcesses } from "../../ceremony/tokens/token-process.ts";
import type { Box } from "../../demo/launcher.ts";
import { approve, asOperator, succeeded } from "../../demo/people.ts";
import { runCommand } from "../../demo/run-command.ts";
import type { BundleVerdict } from "../../manifests/verify/verdict.ts";
import { beginDay, type RehearsedDay } from "./rehearsed-day.ts";

let dir: string;
let made: RehearsedBox;
let rehearsal: Rehearsal;
let box: Box;
let day: RehearsedDay;

beforeAll(async () => {
  ({ box, day, dir, made, rehearsal } = await beginDay("emergency"));
}, 600_000);

afterAll(async () => {
  await box?.stop();
  endTokenProcesses();
  await rm(dir, { recursive: true, force: true });
});

const verdictOn = async (folder: string, ...more: readonly string[]) =>
  JSON.parse((await day.verify(folder, ...more)).stdout) as BundleVerdict;

describe("an emergency on a running box", () => {
  it("EMERGENCY: refused before, sealed after one approval, closed by a record that every bundle of it fits", async () => {
    await allowEmergency(rehearsal);
    await day.bring("early", { "a.txt": "one" }, ["--mode", "emergency"]);
    await day.until("early", "refused");

    await declareEmergency(rehearsal);
    const slip = await day.bring("crisis", { "a.txt": "one", "b.txt": "two" }, ["--mode", "emergency"]);
    await day.until("crisis", "waiting-for-approval");
    const [op1] = made.paths.operators as [OperatorPaths];
    const status = succeeded(await asOperator(op1, ["status"]), "status");
    expect(status.stdout).toMatch(/EMERGENCY +declared .* 1,000 of 1,000 seals left/);
    const approved = succeeded(await approve(op1, slip), "approve");
    expect(`${approved.stdout}${approved.stderr}`).toContain("EMERGENCY, cause: provider");
    expect(`${approved.stdout}${approved.stderr}`.replaceAll(/\s+/g, " ")).toContain(emergencyText);
    await day.until("crisis", "released");
    const usual = await day.sealed("usual", { "c.txt": "three" });
    expect(usual.folder).toBe("usual");

    const open = await verdictOn("crisis");
    expect(open).toMatchObject({
      emergency: { cause: "provider", closing: null, officers: ["op1", "op2", "op3"] },
      ok: true,
    });
    expect(await verdictOn("usual")).toMatchObject({ emergency: null, mode: "test", ok: true });

    await endEmergency(rehearsal);
    const closings = join(made.paths.stick, "coldseal/closings");
    const [name = ""] = readdirSync(closings);
    const closed = await verdictOn("crisis", "--closing", join(closings, name));
    expect(closed).toMatchObject({ emergency: { closing: { manifests: 1, missing: [], seals: 2 } }, ok: true });
    // Put into the bundle it needs no option, and the words say how it ended.
    const copy = join(dir, "crisis-closed");
    cpSync(day.outbox("crisis"), copy, { recursive: true });
    expect(existsSync(join(copy, "evidence/declaration.p7m"))).toBe(true);
    cpSync(join(closings, name), join(copy, "evidence/closing.p7m"));
    const trusted = ["--ca", made.paths.pki.root, "--genesis", made.paths.genesis];
    const documents = ["--documents", join(made.paths.stick, "coldseal/inbox/crisis/documents")];
    const words = succeeded(await runCommand("desk/main.ts", ["verify", copy, ...trusted, ...documents]), "verify");
    expect(words.stdout.replaceAll(/\s+/g, " ")).toMatch(
      /its closing ended .* 2 seals in 1 manifest, numbers 1, this one among them/,
    );

    await day.bring("late", { "d.txt": "four" }, ["--mode", "emergency"]);
    await day.until("late", "refused");
  }, 600_000);
});
