/** Where a ceremony stands, by its entries alone. Pure: entries in, state out. */

import type { Entry } from "../../manifests/records/transcript.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Facts, StepPlan } from "./procedure.ts";

export interface CeremonyState {
  readonly status: "not-opened" | "open" | "completed" | "abandoned";
  /** the step that comes next; undefined when all are done */
  readonly next: string | undefined;
  /** what the steps that count left */
  readonly facts: ReadonlyMap<string, Facts>;
  /** ids of those who are there: of the last opening or resumption, without those struck out */
  readonly present: readonly string[];
  readonly struck: readonly string[];
}

const nothing: CeremonyState = { status: "not-opened", next: undefined, facts: new Map(), present: [], struck: [] };

/**
 * Folds entries over a procedure's steps. A resumption voids what lay between the next step's `restartAt` and it. Refuses
 * CEREMONY-STATE when the entries are another procedure's, or do a step out of its turn.
 */
export function stateOf(steps: readonly StepPlan[], entries: readonly Entry[]): CeremonyState {
  return entries.reduce((state, entry) => after(steps, state, entry), { ...nothing, next: steps[0]?.id });
}

/** The step that an interrupted ceremony goes on at. */
export function resumeAt(steps: readonly StepPlan[], next: string | undefined): string | undefined {
  return steps.find(({ id }) => id === next)?.restartAt ?? next;
}

/** Each deviation that was recorded at a step: what and why, and what was done instead. */
export function deviationsAt(entries: readonly Entry[], step: string): readonly string[] {
  return entries
    .filter((entry) => entry.kind === "deviation" && entry.step === step)
    .map(({ text, facts }) => `${text}; instead: ${facts.instead}`);
}

function after(steps: readonly StepPlan[], state: CeremonyState, entry: Entry): CeremonyState {
  const { kind, people } = entry;
  if (kind === "opened") return { ...state, status: "open", present: people };
  if (state.status !== "open") throw new Refusal("CEREMONY-STATE", "the ceremony is over", { got: kind });
  switch (kind) {
    case "done":
      return done(steps, state, entry);
    case "failed":
      return state;
    case "deviation":
      return entry.facts.skipped === undefined ? state : done(steps, state, entry);
    case "struck":
      return {
        ...state,
        present: state.present.filter((id) => !people.includes(id)),
        struck: [...state.struck, ...people],
      };
    case "resumed":
      return resumed(steps, state, people);
    case "abandoned":
    case "completed":
      return { ...state, status: kind, next: undefined };
  }
}

function done(steps: readonly StepPlan[], state: CeremonyState, { step, facts }: Entry): CeremonyState {
  if (step === null || step !== state.next) {
    throw new Refusal("CEREMONY-STATE", "a step is done out of its turn", {
      expected: state.next ?? "the end",
      got: step ?? "no step",
    });
  }
  const at = steps.findIndex(({ id }) => id === step);
  return { ...state, facts: new Map(state.facts).set(step, facts), next: steps[at + 1]?.id };
}

function resumed(steps: readonly StepPlan[], state: CeremonyState, people: readonly string[]): CeremonyState {
  const next = resumeAt(steps, state.next);
  const from = steps.findIndex(({ id }) => id === next);
  const kept = from < 0 ? steps : steps.slice(0, from);
  const facts = new Map(kept.flatMap(({ id }) => (state.facts.has(id) ? [[id, state.facts.get(id) as Facts]] : [])));
  return { ...state, next, facts, present: people.filter((id) => !state.struck.includes(id)) };
}
