/** A ceremony as a procedure: its steps in order, each with who acts, who checks, how long, and the way back. */

import type { Utc } from "../../manifests/encoding/shape.ts";
import type { EntryKind, RunKind, ShownDigest } from "../../manifests/records/transcript.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { CeremonyFile } from "./ceremony-file.ts";
import type { Scene } from "./scene.ts";
import type { Secrets } from "./secrets.ts";

export type Facts = Readonly<Record<string, string>>;

/** What is printed of a step before the ceremony, and held by it. */
export interface StepPlan {
  readonly id: string;
  readonly title: string;
  /** who does it and who looks on, in the script's words */
  readonly acts: string;
  readonly checks: string;
  readonly minutes: number;
  /** what is done, a sentence each */
  readonly script: readonly string[];
  /** what to do when it fails */
  readonly wayBack: string;
  /** steps whose facts it reads: they must come before */
  readonly needs: readonly string[];
  /** after an interruption the ceremony goes on at this earlier step: what lay between was in memory only */
  readonly restartAt?: string;
  /** it may be left out by a recorded deviation */
  readonly mayBeSkipped?: boolean;
}

/** What a step leaves in the record. */
export interface StepResult {
  readonly facts?: Facts;
  /** ids of those who acted and checked */
  readonly people: readonly string[];
  readonly shown?: readonly ShownDigest[];
}

/** What a step may use. */
export interface Stage {
  readonly file: CeremonyFile;
  readonly run: RunKind;
  readonly scene: Scene;
  /** wiped when the ceremony ends or stops */
  readonly secrets: Secrets;
  /** ids of those who are there and not struck out */
  present(): readonly string[];
  /** Facts of an earlier step. Refuses CEREMONY-STATE when it left none. */
  facts(step: string): Facts;
  /** What was recorded as not as planned at a step, and what was done instead. */
  deviations(step: string): readonly string[];
  /** SHA-256 of the record's last entry, hex: it stands for all that was recorded so far. */
  head(): string;
  /** UTC, to the second */
  now(): string;
  /** Records something beside the step's end, durably: a person struck out, a deviation. */
  note(kind: Extract<EntryKind, "deviation" | "struck">, people: readonly string[], text: string, facts?: Facts): void;
}

export interface Step extends StepPlan {
  perform(stage: Stage): Promise<StepResult>;
}

export interface OpeningAt {
  readonly begun: boolean;
  readonly now: Utc;
}

export interface Procedure {
  readonly name: string;
  /** what it is for, in a sentence */
  readonly purpose: string;
  readonly steps: readonly Step[];
  /** true where tokens are files in software (HONEST) */
  readonly simulated: boolean;
  /** the box's folder of records; transcripts are kept there and chained */
  readonly records: string;
  /** root of the medium that the signed transcript goes to */
  readonly media: string;
  readonly arc: string;
  /**
   * Before the opening, and days before it: what is found about the tokens that this ceremony needs. Refuses what some step would refuse whoever
   * is there. `begun`: it is gone on with, so that what it made itself is there.
   */
  tokenCheck(at: OpeningAt): Promise<Facts>;
  /** brings up to date what the medium holds of the box, after the transcript */
  leave?(): Promise<void>;
  /** adds the audit key's signature to the transcript that people signed, where the key can sign; else gives it back as it is */
  countersign(stage: Stage, p7m: Uint8Array): Promise<Uint8Array>;
}

/** Refuses CEREMONY-FILE when a step needs what no step before it gives, or two steps have one name. */
export function checkOrder(steps: readonly StepPlan[]): void {
  const before = new Set<string>();
  for (const step of steps) {
    if (before.has(step.id)) throw new Refusal("CEREMONY-FILE", "two steps have one name", { about: step.id });
    const missing = [...step.needs, ...(step.restartAt === undefined ? [] : [step.restartAt])].filter(
      (need) => !before.has(need) && need !== step.id,
    );
    if (missing.length > 0) {
      throw new Refusal("CEREMONY-FILE", `step ${step.id} comes before what it needs`, {
        expected: `${missing.join(", ")} before it`,
        got: [...before].join(", ") || "nothing before it",
        about: step.id,
      });
    }
    before.add(step.id);
  }
}
