/** What a ceremony asks of the people in the room. `terminal-scene.ts` asks them; a rehearsal plays them. */

/** Each question names the person whom it is put to. */
export interface Scene {
  /** Tells everybody. */
  say(...lines: readonly string[]): void;
  /** Tells everybody that a step begins. */
  announce(
    step: {
      readonly id: string;
      readonly title: string;
      readonly acts: string;
      readonly checks: string;
      readonly script: readonly string[];
    },
    number: number,
    of: number,
  ): void;
  /** The person agrees by an exact Yes. Refuses CEREMONY-STEP for every other answer, STOPPED. */
  confirm(person: string, question: string): Promise<void>;
  /** The person types something that is not secret, of this form. Refuses CEREMONY-STEP, STOPPED. */
  type(person: string, question: string, form: Form): Promise<string>;
  /**
   * Shows a digest (32 bytes, hex) as words; the person types two groups, chosen at random, as they stand on the paper
   * that was printed or written down. Refuses CEREMONY-STEP when they differ, STOPPED.
   */
  compare(person: string, label: string, digest: string): Promise<void>;
  /** A PIN or passphrase, without echo. The caller wipes the bytes. Refuses STOPPED. */
  secret(person: string, question: string): Promise<Uint8Array>;
  /** What to do about a step that was refused. */
  decide(person: string, choices: readonly Choice[]): Promise<Choice>;
}

export type Choice = "again" | "skip" | "strike" | "stop" | "abandon";

export interface Form {
  readonly pattern: RegExp;
  /** said when it does not fit */
  readonly expected: string;
  /** what a rehearsal types */
  readonly example: () => string;
}
