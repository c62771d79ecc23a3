/** What a ceremony asks of the people in the room. `terminal-scene.ts` asks them; `played-scene.ts` answers for made-up ones. */

import type { CeremonyPerson } from "./ceremony-file.ts";
import type { StepPlan } from "./procedure.ts";

/** Each question names the person whom it is put to. All refuse STOPPED where somebody stops the program. */
export interface Scene {
  /** Tells everybody. */
  say(...lines: readonly string[]): void;
  /** Asks who is here; ids of the ceremony file's people. Refuses CEREMONY-STEP for others. */
  roll(people: readonly CeremonyPerson[]): Promise<readonly string[]>;
  /** Tells everybody that a step comes, and waits for whoever leads: on with it, a deviation to record first, or a pause. */
  begin(leader: string, step: StepPlan, number: number, of: number): Promise<Beginning>;
  /** The person agrees by an exact Yes. Refuses CEREMONY-STEP for every other answer. */
  confirm(person: string, question: string): Promise<void>;
  /** The person types something that is not secret, of this form. Refuses CEREMONY-STEP. */
  type(person: string, question: string, form: Form): Promise<string>;
  /** Shows a digest (hex of 32 bytes) whole, as words, for the paper. */
  show(label: string, digest: string): void;
  /**
   * Shows a digest (hex of 32 bytes) as words but for two groups, chosen at random; the person types these from the paper. Refuses CEREMONY-STEP when they differ.
   */
  compare(person: string, label: string, digest: string): Promise<void>;
  /** A PIN or passphrase, without echo. The caller wipes the bytes. */
  secret(person: string, kind: SecretKind, question: string): Promise<Uint8Array>;
  /** What to do about a step that was refused. */
  decide(leader: string, choices: readonly Choice[]): Promise<Choice>;
}

export type Beginning = "go" | "deviation" | "stop";
export type Choice = "again" | "skip" | "strike" | "stop" | "abandon";
export type SecretKind = "pin" | "passphrase";

export interface Form {
  readonly pattern: RegExp;
  /** said when it does not fit */
  readonly expected: string;
  /** what a made-up person types */
  readonly example: () => string;
}

/** A sentence for the record. */
export const sentence: Form = {
  pattern: /^\P{Cc}{3,500}$/u,
  expected: "a sentence of 3 to 500 characters",
  example: () => "as rehearsed",
};
