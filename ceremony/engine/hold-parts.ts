/** What a ceremony is held with, and how it ended. */

import type { RunKind } from "../../manifests/records/transcript.ts";
import type { Refusal } from "../../manifests/refusal.ts";
import type { CeremonyFile } from "./ceremony-file.ts";
import type { Procedure } from "./procedure.ts";
import type { RecordFile } from "./record-file.ts";
import type { Scene } from "./scene.ts";

export interface HoldParts {
  readonly procedure: Procedure;
  readonly file: CeremonyFile;
  readonly run: RunKind;
  readonly scene: Scene;
  readonly record: RecordFile;
  /** UTC, to the second */
  now(): string;
}

export type Held =
  | {
      readonly outcome: "completed" | "abandoned";
      /** SHA-256 of the transcript's content, hex: what stands above the ink signatures */
      readonly digest: string;
      /** path of the signed transcript on the medium */
      readonly path: string;
    }
  | {
      readonly outcome: "paused";
      /** the step that it goes on at */
      readonly next: string | undefined;
      /** what was refused last, if that is why */
      readonly refusal: Refusal | undefined;
    };
