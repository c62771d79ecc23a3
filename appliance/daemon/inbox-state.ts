/** The folders of the stick's inbox: when one is to be taken. Pure; times in milliseconds. */

import type { RefusalCode, RefusalRecord } from "../../manifests/refusal.ts";
import { pause, stillWaits } from "./box-matters.ts";

export interface FolderSeen {
  readonly folder: string;
  /** equal as long as nothing in the folder changed */
  readonly fingerprint: string;
  readonly files: number;
  readonly bytes: number;
}

export interface FolderState extends FolderSeen {
  /** since when nothing changed */
  readonly since: number;
  readonly phase:
    | { readonly at: "settling" }
    | { readonly at: "taking" }
    /** listed documents are missing; `got` says what is there, in words */
    | { readonly at: "incomplete"; readonly got: string }
    /** the same batch is here already, from another folder: its answer comes when that one ended */
    | { readonly at: "held"; readonly by: string };
  readonly trouble: { readonly refusal: RefusalRecord; readonly tries: number; readonly again: number } | null;
}

export type Inbox = ReadonlyMap<string, FolderState>;

export interface InboxSettings {
  readonly settleSeconds: number;
  readonly incompleteSeconds: number;
}

export type TakeEnd =
  | { readonly outcome: "taken" }
  | { readonly outcome: "incomplete"; readonly got: string }
  | { readonly outcome: "held"; readonly by: string }
  | { readonly outcome: "failed"; readonly refusal: RefusalRecord };

/** The inbox after a look: changed folders settle anew, vanished ones are forgotten. One that is being taken stays. */
export function looked(inbox: Inbox, seen: readonly FolderSeen[], now: number): Inbox {
  const next = new Map<string, FolderState>();
  for (const state of inbox.values()) if (state.phase.at === "taking") next.set(state.folder, state);
  for (const one of seen) {
    const before = inbox.get(one.folder);
    if (before?.phase.at === "taking") continue;
    const same = before?.fingerprint === one.fingerprint;
    // A time to come is one from before the clock was set back.
    const since = same ? Math.min(before.since, now) : now;
    next.set(one.folder, same ? { ...before, since } : { ...one, since, phase: { at: "settling" }, trouble: null });
  }
  return next;
}

/** The folder to take now, the one that waits longest; `settleOver`: what is missing now will not come. */
export function nextToTake(
  inbox: Inbox,
  settings: InboxSettings,
  now: number,
): { readonly state: FolderState; readonly settleOver: boolean } | undefined {
  const due = [...inbox.values()]
    .filter((state) => isDue(state, settings, now))
    .sort((a, b) => a.since - b.since || (a.folder < b.folder ? -1 : 1));
  const [state] = due;
  return state && { state, settleOver: now - state.since >= settings.incompleteSeconds * 1000 };
}

export function taking(inbox: Inbox, folder: string): Inbox {
  return changed(inbox, folder, (state) => ({ ...state, phase: { at: "taking" } }));
}

/** The inbox after a take ended. What was taken is forgotten: from then on it is a batch. */
export function tookEnd(inbox: Inbox, folder: string, end: TakeEnd, now: number): Inbox {
  switch (end.outcome) {
    case "taken": {
      const next = new Map(inbox);
      next.delete(folder);
      return next;
    }
    case "incomplete":
      return changed(inbox, folder, (state) => ({
        ...state,
        phase: { at: "incomplete", got: end.got },
        trouble: null,
      }));
    case "held":
      return changed(inbox, folder, (state) => ({ ...state, phase: { at: "held", by: end.by }, trouble: null }));
    case "failed":
      return changed(inbox, folder, (state) => {
        const tries = (state.trouble?.tries ?? 0) + 1;
        return {
          ...state,
          phase: { at: "settling" },
          trouble: { refusal: end.refusal, tries, again: now + pause(tries) },
        };
      });
  }
}

/** Folders held by a batch that ended may be taken now. */
export function freed(inbox: Inbox, by: string): Inbox {
  let next = inbox;
  for (const { folder, phase } of inbox.values()) {
    if (phase.at === "held" && phase.by === by)
      next = changed(next, folder, (state) => ({ ...state, phase: { at: "settling" } }));
  }
  return next;
}

/** How often a take may fail by itself (a stick read badly, a folder that changes, an intake that dies) before the batch is refused. */
const patience = 3;

/**
 * Whether a failed take is tried again: at most `patience` times where the batch may be the cause, so that a hostile
 * one cannot make the box work for ever; always where the stick or the box is.
 */
export function isTriedAgain(code: RefusalCode, triesBefore: number): boolean {
  if (["MEDIA-READ", "STORE", "STOPPED", "LOCKED"].includes(code)) return true;
  return ["MEDIA-CHANGED", "UNREACHABLE", "INTERNAL", "FRAME"].includes(code) && triesBefore + 1 < patience;
}

/**
 * Entries of the inbox that could not be read, look by look. A stick that is read badly once, or is being pulled, says nothing of a batch: such an
 * entry is refused only when it could not be read `patience` looks in a row.
 */
export class UnreadEntries {
  #looks: ReadonlyMap<string, number> = new Map();

  /** The odd entries of one look that are to be refused now: those that are wrong, and those that could not be read for long. */
  refusable<T extends { readonly name: string; readonly refusal: RefusalRecord }>(odd: readonly T[]): readonly T[] {
    const unread = odd.filter(({ refusal }) => refusal.code === "MEDIA-READ");
    const looks = new Map(unread.map(({ name }) => [name, (this.#looks.get(name) ?? 0) + 1]));
    this.#looks = looks;
    return odd.filter(({ name }) => (looks.get(name) ?? patience) >= patience);
  }
}

function isDue({ phase, since, trouble }: FolderState, settings: InboxSettings, now: number): boolean {
  if (trouble && stillWaits(trouble.again, now)) return false;
  const quiet = now - since;
  if (phase.at === "settling") return quiet >= settings.settleSeconds * 1000;
  return phase.at === "incomplete" && quiet >= settings.incompleteSeconds * 1000;
}

function changed(inbox: Inbox, folder: string, change: (state: FolderState) => FolderState): Inbox {
  const state = inbox.get(folder);
  return state ? new Map(inbox).set(folder, change(state)) : inbox;
}
