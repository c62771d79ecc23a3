/** A rehearsed box for the tests of custody, ceremony files on it, and people who play. */

import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { readCeremonyFile } from "../../../ceremony/engine/ceremony-file.ts";
import { hold } from "../../../ceremony/engine/hold.ts";
import type { Held } from "../../../ceremony/engine/hold-parts.ts";
import { type Play, playedScene } from "../../../ceremony/engine/played-scene.ts";
import { RecordFile } from "../../../ceremony/engine/record-file.ts";
import { recordFolder } from "../../../ceremony/engine/records-folder.ts";
import { boxLogPath, stickLogPath } from "../../../ceremony/procedures/custody/box-log.ts";
import { boxLayout } from "../../../ceremony/procedures/layout.ts";
import { procedureOf } from "../../../ceremony/procedures/registry.ts";
import { type RehearsedAsset, writeCustodyFile } from "../../../ceremony/rehearse/custody-file.ts";
import { type RehearsedBox, rehearsedBox } from "../../../ceremony/rehearse/rehearsed-box.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { documentationArc, ownOids } from "../../../manifests/encoding/oid.ts";
import { utcOf } from "../../../manifests/encoding/shape.ts";
import { type CustodyLog, readCustodyLog } from "../../../manifests/records/custody.ts";
import { type VerifiedTranscript, verifyTranscript } from "../../../manifests/records/transcript.ts";

let dir: string;
let box: RehearsedBox;
let count = 0;

/** Makes the box of one test file, and removes it. */
export function custodyBox(): void {
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "coldseal-custody-"));
    box = await rehearsedBox(dir, { profile: "ecdsa-p256-sha256", operators: 2 }, { say: () => undefined });
  }, 120_000);
  afterAll(async () => {
    await rm(dir, { recursive: true, force: true });
    if (box) await rm(box.paths.box.run, { recursive: true, force: true });
  });
}

export const boxLog = () => boxLogPath(boxLayout(box.wanted.box).records);
export const stickLog = () => stickLogPath(box.wanted.stick);
export const logNow = (): Promise<CustodyLog> => readCustodyLog(nodeHost, readFileSync(boxLog()));

/** A new ceremony file, under an archive number of its own. */
export function custodyFile(assets?: readonly RehearsedAsset[], countersigned = false): Promise<string> {
  count += 1;
  const archive = `R-1${String(count).padStart(2, "0")}`;
  return writeCustodyFile(dir, box.cast, box.wanted, { archive, countersigned, ...(assets ? { assets } : {}) });
}

export interface Played {
  readonly held: Held;
  readonly said: readonly string[];
}

/** Holds it. `crashAt`: the program dies when this step is done, before that is recorded. One officer who signs is enough unless `here` says more. */
export async function holdCustody(path: string, play: Partial<Play> = {}, crashAt?: string): Promise<Played> {
  const file = readCeremonyFile(path);
  const procedure = procedureOf(file);
  const said: string[] = [];
  const scene = playedScene({ secret: box.cast.secret, say: (line) => void said.push(line), ...play });
  const record = await RecordFile.open(recordFolder(procedure, file), file.digest);
  const append = record.append.bind(record);
  record.append = (entry) => {
    if (entry.kind === "done" && entry.step === crashAt) throw new Error("the power goes");
    return append(entry);
  };
  try {
    const held = await hold({ procedure, file, run: "rehearsal", scene, record, now: () => utcOf(Date.now()) });
    return { held, said };
  } finally {
    record.close();
  }
}

/** Once for each question: the first that matches an answer's pattern gets that answer, for this person or for all. */
export function answering(...answers: readonly (readonly [RegExp, string])[]) {
  const left = [...answers];
  return (person: string, question: string): string | undefined => {
    const at = left.findIndex(([pattern]) => pattern.test(`${person}: ${question}`));
    return at < 0 ? undefined : left.splice(at, 1)[0]?.[1];
  };
}

export async function verified(held: Held): Promise<VerifiedTranscript> {
  if (held.outcome === "paused") throw held.refusal ?? new Error(`paused at ${held.next}`);
  return verifyTranscript(nodeHost, ownOids(documentationArc), readFileSync(held.path));
}

/** `STEP CODE` of what was refused. */
export const failures = ({ transcript }: VerifiedTranscript) =>
  transcript.entries.filter(({ kind }) => kind === "failed").map(({ step, facts }) => `${step} ${facts.code}`);
