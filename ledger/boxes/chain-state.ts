/**
 * The chain of one box as the ledger has it: which manifest goes into the log next, which waits for one before it, and what stops it. Pure: state and what
 * comes in, new state and the step out. Whether a manifest holds by itself, and whether it fits those around it in more than its link, others say.
 */

import type { NumberRange } from "../../manifests/records/number-ranges.ts";
import { Refusal } from "../../manifests/refusal.ts";

/** A manifest that holds by itself. */
export interface Arrival {
  readonly number: number;
  /** SHA-256 of its content, hex; so is the other */
  readonly digest: string;
  /** what it says that it follows */
  readonly previous: string;
}

/** The quorum's word on where a box goes on that was made anew (the order `recover`). */
export interface Continuity {
  /** SHA-256 of its content, hex: the `previous` of manifest `next` */
  readonly digest: string;
  readonly next: number;
  /** numbers before `next` of which nothing was at hand */
  readonly missing: readonly NumberRange[];
}

/** What is here of one number. */
export interface AtNumber {
  /** the one that is in the chain */
  readonly chained?: Arrival | undefined;
  readonly waiting: readonly Arrival[];
  /** put out for ever by decisions */
  readonly lost: readonly Arrival[];
}

/**
 * "fork": two contents of one number. "link": it does not follow what is in the chain before it, or what is after it does not follow it. "rules": something else that
 * no box does (a batch sealed twice, a clock that ran backwards), which the verifier finds.
 */
export type DisputeCause = "fork" | "link" | "rules";

export interface Dispute {
  readonly number: number;
  readonly cause: DisputeCause;
}

export interface ChainState {
  /** hex */
  readonly genesis: string;
  /** highest number that is in the chain; 0: none */
  readonly highest: number;
  /** at least the number in question and those beside it; of what is not in here, nothing is here */
  readonly at: ReadonlyMap<number, AtNumber>;
  readonly records: readonly Continuity[];
  /** that no decision has settled: while there is one, the chain stands still */
  readonly disputes: readonly Dispute[];
}

/** By what a manifest came into the chain: the one before it; a continuity record; a gap that a record explains before it; two keepers. */
export type Via = "link" | "record" | "gap" | "decision";

export type Standing = "chained" | "waiting" | "lost";

export type Step =
  | { readonly kind: "known"; readonly as: Standing }
  | { readonly kind: "chain"; readonly manifest: Arrival; readonly via: Via }
  /** for number `next`, or for a decision */
  | { readonly kind: "wait"; readonly manifest: Arrival; readonly next: number }
  | { readonly kind: "dispute"; readonly manifest: Arrival; readonly dispute: Dispute };

export interface Stepped {
  readonly state: ChainState;
  readonly step: Step;
}

const nothing: AtNumber = { waiting: [], lost: [] };

export function emptyChain(genesis: string): ChainState {
  return { genesis, highest: 0, at: new Map(), records: [], disputes: [] };
}

export function atNumber({ at }: Pick<ChainState, "at">, number: number): AtNumber {
  return at.get(number) ?? nothing;
}

/** The lowest number that is neither in the chain nor in a gap that a record explains, after the highest that is. */
export function nextNumber({ highest, records }: Pick<ChainState, "highest" | "records">): number {
  let next = highest + 1;
  for (let range = explaining(records, next); range; range = explaining(records, next)) next = range.to + 1;
  return next;
}

/** Takes a manifest. What is here already changes nothing. */
export function arrive(state: ChainState, manifest: Arrival): Stepped {
  const { number } = manifest;
  const { chained, waiting } = atNumber(state, number);
  const as = standingOf(atNumber(state, number), manifest.digest);
  if (as) return { state, step: { kind: "known", as } };
  const kept = withWaiting(state, manifest);
  if (chained || waiting.length > 0) return disputed(kept, manifest, "fork");
  const waits: Stepped = { state: kept, step: { kind: "wait", manifest, next: nextNumber(state) } };
  if (state.disputes.length > 0 || !isTurnOf(state, number)) return waits;
  return judged(kept, manifest);
}

/** How one of these stands; undefined: it is not here. */
export function standingOf({ chained, lost, waiting }: AtNumber, digest: string): Standing | undefined {
  if (chained?.digest === digest) return "chained";
  if (waiting.some((one) => one.digest === digest)) return "waiting";
  return lost.some((one) => one.digest === digest) ? "lost" : undefined;
}

/** The next step that what is here allows; undefined where there is none. Call it until there is none. */
export function advance(state: ChainState): Stepped | undefined {
  const settled = state.disputes.find((dispute) => settlesItself(state, dispute));
  const open = settled ? without(state, settled.number) : state;
  if (open.disputes.length > 0) return undefined;
  const number = settled?.number ?? nextNumber(open);
  const [manifest] = atNumber(open, number).waiting;
  return manifest && judged(open, manifest);
}

/** A manifest that it is the turn of breaks a rule of the verifier's: from the state before, it is kept, and stops the chain. */
export function breaksRules(state: ChainState, manifest: Arrival): Stepped {
  const isHere = standingOf(atNumber(state, manifest.number), manifest.digest) !== undefined;
  return disputed(isHere ? state : withWaiting(state, manifest), manifest, "rules");
}

function disputed(state: ChainState, manifest: Arrival, cause: DisputeCause): Stepped {
  const known = state.disputes.find(({ number }) => number === manifest.number);
  const dispute = { number: manifest.number, cause };
  // A second content of a number that is in dispute by itself makes it a fork, whatever it was.
  const others = state.disputes.filter((one) => one !== known);
  return { state: { ...state, disputes: [...others, dispute] }, step: { kind: "dispute", manifest, dispute } };
}

/** A continuity record. The same again changes nothing; a box that was made anew twice in a row has two for one number, of which it follows the later. */
export function continueBy(state: ChainState, record: Continuity): ChainState {
  if (state.records.some(({ digest }) => digest === record.digest)) return state;
  return { ...state, records: [...state.records, record].sort((a, b) => a.next - b.next) };
}

export interface Decision {
  readonly number: number;
  /** digest of the manifest that stays; null: none of those that are here */
  readonly keep: string | null;
}

export interface Decided {
  readonly state: ChainState;
  /** put out for ever */
  readonly lost: readonly Arrival[];
  /** that were in the chain, and go on waiting, as they follow one that lost */
  readonly unchained: readonly Arrival[];
  /** it comes into the chain by this decision */
  readonly chained: Arrival | undefined;
}

/** Settles a dispute. The state must hold all numbers from the highest in the chain before the decision's on. Refuses with LEDGER-FORK what is not in dispute. */
export function decide(state: ChainState, { keep, number }: Decision): Decided {
  const here = atNumber(state, number);
  const contenders = [...(here.chained ? [here.chained] : []), ...here.waiting];
  const kept = contenders.find(({ digest }) => digest === keep);
  if (!state.disputes.some((one) => one.number === number)) {
    throw new Refusal("LEDGER-FORK", `number ${number} is not in dispute`, {
      expected: state.disputes.map((one) => `number ${one.number}`).join(", ") || "no decision: nothing is in dispute",
      got: `number ${number}`,
    });
  }
  if (keep !== null && !kept) {
    const expected = contenders.map(({ digest }) => digest).join(", or ");
    throw new Refusal("LEDGER-FORK", `no such manifest of number ${number} is here`, { expected, got: keep });
  }
  const lost = contenders.filter((one) => one !== kept);
  const unchained = here.chained && here.chained !== kept ? followers(state, here.chained) : [];
  let decided = without(state, number);
  decided = withAt(decided, number, {
    chained: kept === here.chained ? here.chained : undefined,
    waiting: kept && kept !== here.chained ? [kept] : [],
    lost: [...here.lost, ...lost],
  });
  for (const one of unchained) {
    const { waiting, ...rest } = atNumber(decided, one.number);
    decided = withAt(decided, one.number, { ...rest, chained: undefined, waiting: [...waiting, one] });
  }
  decided = { ...decided, highest: highestOf(decided, state.highest) };
  const enters = kept !== undefined && kept !== here.chained && isTurnOf(decided, number);
  if (!enters) return { state: decided, lost, unchained, chained: undefined };
  return { state: chainedIn(decided, kept), lost, unchained, chained: kept };
}

/** Its turn: it is the next, or missing in a gap that a record explains. */
function isTurnOf(state: ChainState, number: number): boolean {
  return number === nextNumber(state) || (number < state.highest && explaining(state.records, number) !== undefined);
}

/** Of a manifest whose turn it is, and that waits alone at its number. */
function judged(state: ChainState, manifest: Arrival): Stepped {
  const via = linkOf(state, manifest);
  if (!via || !isFollowed(state, manifest)) return disputed(state, manifest, "link");
  return { state: chainedIn(state, manifest), step: { kind: "chain", manifest, via } };
}

/** Whether one that waits alone at its number would go in by its link; undefined: it is not its turn. */
export function wouldFollow(state: ChainState, manifest: Arrival): boolean | undefined {
  if (!isTurnOf(state, manifest.number)) return undefined;
  return linkOf(state, manifest) !== undefined && isFollowed(state, manifest);
}

/** What it follows, as the verifier judges it (`chain-links.ts`); undefined where it does not. */
function linkOf(state: ChainState, { number, previous }: Arrival): Via | undefined {
  const records = state.records.filter(({ next }) => next === number);
  if (records.some(({ digest }) => digest === previous)) return "record";
  if (number === 1) return previous === state.genesis ? "link" : undefined;
  const before = atNumber(state, number - 1).chained;
  if (before) return before.digest === previous ? "link" : undefined;
  return records.length === 0 && explaining(state.records, number - 1) ? "gap" : undefined;
}

/** One that comes late into a gap: what is after it must follow it, or a record. */
function isFollowed(state: ChainState, { digest, number }: Arrival): boolean {
  const after = atNumber(state, number + 1).chained;
  return !after || after.previous === digest || linkOf(state, after) === "record";
}

/** One manifest that did not follow does so now: what came since explains it. */
function settlesItself(state: ChainState, { cause, number }: Dispute): boolean {
  const { chained, waiting } = atNumber(state, number);
  const [only, other] = waiting;
  return cause === "link" && !chained && only !== undefined && !other && wouldFollow(state, only) === true;
}

/** Those that were chained after it because each holds the one before. */
function followers(state: ChainState, from: Arrival): readonly Arrival[] {
  const all: Arrival[] = [];
  for (let before = from; ; ) {
    const next = atNumber(state, before.number + 1).chained;
    if (next?.previous !== before.digest) return all;
    all.push(next);
    before = next;
  }
}

function highestOf(state: ChainState, below: number): number {
  for (let number = below; number > 0; number--) if (state.at.get(number)?.chained) return number;
  return 0;
}

/** The range in which a record, made behind it, says that this number is missing. */
export function explaining(records: readonly Continuity[], number: number): NumberRange | undefined {
  for (const { missing, next } of records) {
    const range = number < next ? missing.find(({ from, to }) => from <= number && number <= to) : undefined;
    if (range) return range;
  }
  return undefined;
}

function chainedIn(state: ChainState, manifest: Arrival): ChainState {
  const { number, digest } = manifest;
  const { lost, waiting } = atNumber(state, number);
  const left = waiting.filter((one) => one.digest !== digest);
  const added = withAt(state, number, { chained: manifest, waiting: left, lost });
  return { ...added, highest: Math.max(state.highest, number) };
}

function withWaiting(state: ChainState, manifest: Arrival): ChainState {
  const here = atNumber(state, manifest.number);
  return withAt(state, manifest.number, { ...here, waiting: [...here.waiting, manifest] });
}

function withAt(state: ChainState, number: number, here: AtNumber): ChainState {
  return { ...state, at: new Map(state.at).set(number, here) };
}

function without(state: ChainState, number: number): ChainState {
  return { ...state, disputes: state.disputes.filter((one) => one.number !== number) };
}
