import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCeremonyFile } from "../../ceremony/engine/ceremony-file.ts";
import { hold } from "../../ceremony/engine/hold.ts";
import { playedScene } from "../../ceremony/engine/played-scene.ts";
import { RecordFile } from "../../ceremony/engine/record-file.ts";
import { recordFolder } from "../../ceremony/engine/records-folder.ts";
import { procedureOf } from "../../ceremony/procedures/registry.ts";
import { sharePath } from "../../ceremony/procedures/shares-of.ts";
import { rehearse } from "../../ceremony/rehearse/rehearse.ts";
import { type RehearsedBox, rehearsedBox } from "../../ceremony/rehearse/rehearsed-box.ts";
import { resplitArchive, writeResplitFile } from "../../ceremony/rehearse/resplit-file.ts";
import { type Box, startBox } from "../../demo/launcher.ts";
import { runCommand } from "../../demo/run-command.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";

const silent = { say: () => undefined };

let dir: string;
let made: RehearsedBox;
let box: Box;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "coldseal-resplit-"));
  made = await rehearsedBox(dir, { profile: "ecdsa-p256-sha256" }, silent);
  box = await startBox(dir);
}, 180_000);

afterAll(async () => {
  await box?.stop();
  await rm(dir, { recursive: true, force: true });
});

function ceremony(args: readonly string[]) {
  const answer = (printed: string) => {
    const holder = /passphrase of share \d+ of \d+, ([a-z0-9-]+)'s: $/.exec(printed)?.[1];
    return holder === undefined ? undefined : made.cast.secret(holder, "passphrase");
  };
  return runCommand("ceremony/main.ts", ["--as", made.paths.operators[0]?.operatorJson ?? "", ...args], { answer });
}

/** Locks the box, and says whether these shares open it, or what is refused. */
async function opens(shares: readonly string[]): Promise<string> {
  await ceremony(["lock"]);
  const ran = await ceremony(["unlock", "--share", ...shares]);
  return ran.status === 0 ? "opens" : (/^([A-Z]+(?:-[A-Z]+)+): /m.exec(ran.stderr)?.[1] ?? ran.stderr);
}

/** Holds the ceremony until a step, and stops there; what was in memory is gone, as after a power cut. Gives the step that it goes on at. */
async function pausedBefore(path: string, id: string): Promise<string | undefined> {
  const file = readCeremonyFile(path);
  const procedure = procedureOf(file);
  const begin = (step: { readonly id: string }) => (step.id === id ? ("stop" as const) : ("go" as const));
  const scene = playedScene({ secret: made.cast.secret, say: () => undefined, begin });
  const record = await RecordFile.open(recordFolder(procedure, file), file.digest);
  try {
    const held = await hold({ procedure, file, run: "rehearsal", scene, record, now: () => utcOf(Date.now()) });
    return held.outcome === "paused" ? held.next : held.outcome;
  } finally {
    record.close();
  }
}

describe("splitting anew", () => {
  it("SHARES: interrupted between any two steps, the old or the new shares open the box, and it goes on", async () => {
    await ceremony(["unlock", "--share", made.shares.get("op1") ?? "", made.shares.get("op3") ?? ""]);
    const path = await writeResplitFile(dir, made.cast, made.wanted, made.shares, ["op1", "op2"]);
    const fresh = ["op1", "op2"].map((id) => sharePath(made.wanted.stick, resplitArchive, "unlock", id));
    const old = ["op1", "op2"].map((id) => made.shares.get(id) ?? "");
    expect(await pausedBefore(path, "share-check")).toBe("share-check");
    expect([await opens(fresh), await opens(old)]).toEqual(["PIN-WRONG", "opens"]);
    expect(await pausedBefore(path, "change-pin")).toBe("change-pin");
    expect(await opens(old)).toBe("opens");
    expect(await pausedBefore(path, "relock")).toBe("relock");
    expect([await opens(old), await opens(fresh)]).toEqual(["PIN-WRONG", "opens"]);
    await rehearse(path, made.cast, silent);
    expect([await opens(old), await opens(fresh)]).toEqual(["SHARE-FOREIGN", "opens"]);
  }, 300_000);
});
