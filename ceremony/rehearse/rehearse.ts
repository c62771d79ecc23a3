/** Rehearsals: a ceremony from its file by made-up people, with the code of the live one. */

import { utcOf } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type CeremonyFile, readCeremonyFile } from "../engine/ceremony-file.ts";
import { hold } from "../engine/hold.ts";
import type { Held } from "../engine/hold-parts.ts";
import { type PlayedScene, playedScene } from "../engine/played-scene.ts";
import { RecordFile } from "../engine/record-file.ts";
import { recordFolder } from "../engine/records-folder.ts";
import type { Scene } from "../engine/scene.ts";
import { procedureOf } from "../procedures/registry.ts";
import type { Cast } from "./cast.ts";

export interface Rehearsed {
  readonly ceremony: string;
  readonly archive: string;
  /** path of the ceremony file */
  readonly file: string;
  /** path of the signed transcript, and SHA-256 of its content */
  readonly transcript: string;
  readonly digest: string;
  /** what the script plans */
  readonly minutes: number;
  /** characters typed by each person; none where people typed */
  readonly typed: ReadonlyMap<string, number>;
}

/** Where a rehearsal is played: `say` is told everything; one ceremony may have people at the keyboard. */
export interface PlayedAt {
  say(line: string): void;
  /** the scene of a ceremony that people hold themselves; undefined for those that are played */
  typed?(file: CeremonyFile, secret: Cast["secret"]): Scene | undefined;
}

/** Holds one ceremony to its end. Refuses what refused a step, CEREMONY-STATE. */
export async function rehearse(path: string, cast: Pick<Cast, "secret">, at: PlayedAt): Promise<Rehearsed> {
  const file = readCeremonyFile(path);
  const procedure = procedureOf(file);
  const played: PlayedScene = playedScene({ secret: cast.secret, say: (line) => at.say(line) });
  const scene = at.typed?.(file, cast.secret) ?? played;
  const record = await RecordFile.open(recordFolder(procedure, file), file.digest);
  let held: Held;
  try {
    held = await hold({ procedure, file, run: "rehearsal", scene, record, now: () => utcOf(Date.now()) });
  } finally {
    record.close();
  }
  if (held.outcome === "paused") {
    throw held.refusal ?? new Refusal("CEREMONY-STATE", "the rehearsal stopped", { got: held.next ?? "no step" });
  }
  const minutes = procedure.steps.reduce((sum, step) => sum + step.minutes, 0);
  return {
    ceremony: file.ceremony,
    archive: file.archive,
    file: path,
    transcript: held.path,
    digest: held.digest,
    minutes,
    typed: played.typed,
  };
}
