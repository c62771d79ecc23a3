/** An export with a fault at each of its steps: whole or absent on the stick, said by a code, and the same bytes again and on another stick. */

import "./file-effects.ts";
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import type { FilePart } from "../../manifests/encoding/file-stream.ts";
import { isRefusalFolder, writeAnswer } from "../../media/outgoing/answer.ts";
import { codeOf, filesOf } from "../appliance/signer/test-box.ts";
import { difference, type Files, filesBelow } from "./check-media.ts";
import { Effects, type How } from "./effects.ts";
import { watchFolder } from "./file-effects.ts";
import { SignerJourney } from "./signer-journey.ts";

let journey: SignerJourney;
let receipt: Files;
let folder: string;

beforeAll(async () => {
  journey = await SignerJourney.make([{ end: "sealed", count: 2 }]);
  await journey.run();
  receipt = await filesOf(journey.box, 1);
  folder = mkdtempSync(join(tmpdir(), "coldseal-sticks-"));
});

afterAll(() => {
  journey.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function* parts(): AsyncIterable<FilePart> {
  for (const [path, bytes] of receipt) {
    yield { path, size: bytes.length };
    yield { bytes };
  }
}

const write = (root: string) => writeAnswer({ root, folder: "contracts", files: parts(), replace: isRefusalFolder });

/** The names in a stick's outbox, and whether the answer in it is the whole receipt. */
function standing(stick: string): { readonly names: readonly string[]; readonly whole: boolean } {
  const outbox = join(stick, "coldseal/outbox");
  const names = existsSync(outbox) ? readdirSync(outbox).filter((name) => !name.startsWith(".partial-")) : [];
  return {
    names,
    whole: names.includes("contracts") && difference(filesBelow(join(outbox, "contracts")), receipt) === undefined,
  };
}

export interface Stick {
  readonly root: string;
  /** where it is once it was pulled out */
  readonly away: string;
}

/** Exports to a new stick for each effect of an export, until the effects are over. Gives the codes by effect. */
export async function atEachStep(
  how: How,
  meanwhile: (stick: Stick) => void = () => undefined,
  refused = false,
): Promise<readonly string[]> {
  const codes: string[] = [];
  for (let at = 1; ; at++) {
    const root = mkdtempSync(join(folder, "stick-"));
    const stick = { root, away: `${root}-away` };
    if (refused) await writeAnswer({ root, folder: "contracts", files: refusal(), replace: isRefusalFolder });
    const effects = new Effects();
    watchFolder(root, effects);
    effects.arm({ at, how, onHit: () => meanwhile(stick) });
    const code = await codeOf(write(root));
    const name = effects.hit;
    effects.revive();
    if (name === undefined) {
      expect([code, standing(root)]).toEqual(["none", { names: ["contracts"], whole: true }]);
      return codes;
    }
    const there = existsSync(stick.away) ? stick.away : root;
    check({ code, name, there, refused });
    await again(stick);
    codes.push(`${code} ${name}`);
  }
}

async function* refusal(): AsyncIterable<FilePart> {
  yield { path: "refusal.json", size: 2 };
  yield { bytes: new TextEncoder().encode("{}") };
}

/** Whole or absent, or what stood there before; told for written only where it is whole. */
function check({ code, name, there, refused }: { code: string; name: string; there: string; refused: boolean }): void {
  const { names, whole } = standing(there);
  expect(names, `${name}: ${code}`).toEqual(whole || refused ? ["contracts"] : []);
  if (code === "none") expect(whole, name).toBe(true);
  else expect(["MEDIA-WRITE", "CHECKED-OUT", "MEDIA-FULL"], name).toContain(code);
  if (!whole && names.length > 0)
    expect(readdirSync(join(there, "coldseal/outbox/contracts")), name).toEqual(["refusal.json"]);
}

/** On the same stick when it is well again, and on another: the same bytes, and nothing left beside them. */
async function again({ root, away }: Stick): Promise<void> {
  if (existsSync(away)) {
    rmSync(root, { recursive: true, force: true });
    renameSync(away, root);
  }
  const other = mkdtempSync(join(folder, "other-"));
  for (const stick of [root, other]) {
    await write(stick);
    expect(standing(stick)).toEqual({ names: ["contracts"], whole: true });
    expect(readdirSync(join(stick, "coldseal/outbox"))).toEqual(["contracts"]);
  }
}
