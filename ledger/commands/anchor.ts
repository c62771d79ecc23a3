/** Wires `coldseal ledger anchor`: evidence of time for what waits, and the renewal of what is there. */

import { count } from "../../host/terminal/amounts.ts";
import { checkUrl, failedLines } from "../../host/tsa/words.ts";
import { rootIn } from "../../host/verify-folder.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import { shown } from "../../manifests/records/names.ts";
import { hashNames } from "../../manifests/records/request.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type AnchoredRound, anchorWaiting } from "../anchor/anchor-waiting.ts";
import type { AnchorWork } from "../anchor/ask.ts";
import { renewals } from "../anchor/due.ts";
import type { ClockConflict } from "../anchor/keep-round.ts";
import { rehashRounds } from "../anchor/rehash.ts";
import { type Ended, type Renewed, renewRounds } from "../anchor/renew-rounds.ts";
import { type AnchorSettings, changeSettings } from "../anchor/settings.ts";
import { lastTokens } from "../anchor/stored-chains.ts";
import { openLedger } from "../ledger-folder.ts";

export interface AnchorOptions {
  readonly tsa?: readonly string[];
  readonly tsaCa?: readonly string[];
  readonly alarmHours?: string;
  readonly renewDays?: string;
  readonly hashEnds?: readonly string[];
  readonly wait?: string;
  /** what is due; with `all` everything, with `hash` by another hash */
  readonly renew?: boolean;
  readonly all?: boolean;
  readonly hash?: string;
  /** what does not hold any more lapses */
  readonly giveUp?: boolean;
  readonly json?: boolean;
}

/** Exit status 1 where clocks disagree, and where evidence could not be renewed. Refuses USAGE, TSA-ANSWER; what was anchored before that stays. */
export async function runAnchor(
  folder: string,
  options: AnchorOptions,
  tell: (consequence: string) => void,
): Promise<void> {
  const { all, giveUp = false, hash, json, renew, wait } = options;
  if (!renew && (all || giveUp || hash !== undefined)) {
    throw new Refusal("USAGE", "--all, --hash and --give-up go with --renew");
  }
  const by = hash === undefined ? undefined : hashNamed(hash);
  const given = givenSettings(options);
  const patience = wait === undefined ? {} : { patience: amountIn("--wait", wait, 600) * 1000 };
  const say = (lines: readonly string[]) => (json ? undefined : process.stdout.write(`${lines.join("\n")}\n`));
  const ledger = await openLedger(folder);
  try {
    const { db } = ledger;
    const now = () => utcOf(Date.now());
    const settings = await db.writing((sql) => changeSettings(sql, given, now()));
    if (Object.keys(given).length > 0) tell("what was named stays set, and nothing else was changed");
    const work: AnchorWork = { db, settings, now, ...patience };
    const done = { rounds: [] as AnchoredRound[], renewed: [] as Renewed[], ended: [] as Ended[] };
    if (renew) {
      const rounds = await wanted(work, { all, by });
      const told = (one: Renewed) => {
        say(renewedLines(one));
        tell("what was renewed stays");
      };
      const those = { rounds, giveUp };
      const { ended, renewed } = await (by ? rehashRounds(work, by, those, told) : renewRounds(work, those));
      if (!by) renewed.forEach(told);
      done.renewed.push(...renewed);
      done.ended.push(...ended);
      if (ended.length > 0) say(ended.map((one) => endedLine(one, giveUp)));
    }
    for (let one = await anchorWaiting(work); one; one = await anchorWaiting(work)) {
      done.rounds.push(one);
      tell("what was anchored stays");
      say(roundLines(one));
    }
    if (json) process.stdout.write(`${JSON.stringify({ ...done, rounds: done.rounds.map(plain) })}\n`);
    else if (done.rounds.length === 0) say(["nothing waits for evidence of time"]);
    const conflict = done.rounds.some(({ conflicts }) => conflicts.length > 0);
    if (conflict || done.ended.length > 0) process.exitCode = 1;
  } finally {
    ledger.close();
  }
}

/** Rounds to renew: those that are due, or all that stand. */
async function wanted(
  { db, now, settings }: AnchorWork,
  { all, by }: { readonly all: boolean | undefined; readonly by: HashName | undefined },
): Promise<readonly number[]> {
  const due = renewals(await db.reading(lastTokens), settings);
  const those = all ? due : due.filter((one) => one.due <= now());
  const another = those.filter((one) => one.by === "hash" && one.hash !== by);
  const [first] = another;
  if (by === undefined && first && !all) {
    throw new Refusal("USAGE", `the hash ${first.hash} ends: a further token by it would not outlast it`, {
      expected: "--hash NAME, another one",
      got: `${first.hash}, which ends ${first.ends}`,
    });
  }
  return those.map(({ round }) => round);
}

function givenSettings({
  alarmHours,
  hashEnds,
  renewDays,
  tsa,
  tsaCa,
}: AnchorOptions): Partial<Omit<AnchorSettings, "everyRoot">> {
  return {
    ...(tsa ? { urls: tsa.map(checkUrl) } : {}),
    ...(tsaCa ? { roots: tsaCa.map(rootIn) } : {}),
    ...(alarmHours === undefined ? {} : { alarmHours: amountIn("--alarm-hours", alarmHours, 100_000) }),
    ...(renewDays === undefined ? {} : { renewDays: amountIn("--renew-days", renewDays, 3650) }),
    ...(hashEnds ? { hashEnds: Object.fromEntries(hashEnds.map(hashEnd)) } : {}),
  };
}

/** Refuses USAGE. */
function amountIn(option: string, text: string, most: number): number {
  const amount = /^\d{1,6}$/.test(text) ? Number(text) : -1;
  if (amount >= 0 && amount <= most) return amount;
  throw new Refusal("USAGE", `${option} expects a number`, { expected: `0 to ${most}`, got: text });
}

/** NAME=DATE. Refuses USAGE. */
function hashEnd(text: string): readonly [HashName, Utc] {
  const [name = "", date = "", ...rest] = text.split("=");
  const at = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  if (rest.length === 0 && !Number.isNaN(at)) return [hashNamed(name), utcOf(at)];
  throw new Refusal("USAGE", "--hash-ends expects a hash and a date", { expected: "sha256=2035-12-31", got: text });
}

function hashNamed(text: string): HashName {
  const hash = hashNames.find((one) => one === text);
  if (hash) return hash;
  throw new Refusal("USAGE", "no such hash", { expected: hashNames.join(", "), got: text });
}

function roundLines(one: AnchoredRound): readonly string[] {
  const { authority, conflicts, ends, manifests, round, seals, stamped, url } = one;
  return [
    ...failedLines(one),
    `round ${round}: ${count(manifests, "manifest")} with ${count(seals, "seal")} existed by ${stamped}`,
    `  authority  ${shown(authority)}, ${shown(url)}`,
    `  until      ${ends}, when its first certificate ends: renew it before`,
    ...conflicts.map(conflictLine),
  ];
}

function endedLine({ reason, round }: Ended, givenUp: boolean): string {
  return givenUp
    ? `round ${round}: LAPSED, what it is over waits anew: ${shown(reason)}`
    : `round ${round}: CANNOT BE RENEWED (is this machine's clock right? then --give-up): ${shown(reason)}`;
}

export function conflictLine({ claimed, errorSeconds, genesis, latest, number }: ClockConflict): string {
  return `  CLOCK CONFLICT: manifest ${number} of ${genesis.slice(0, 16)} says ${claimed} (to ${errorSeconds} s), but existed by ${latest}: one of the clocks is wrong`;
}

function renewedLines({ authority, ends, rounds, stamped, url }: Renewed): readonly string[] {
  return [
    `${count(rounds.length, "round")} renewed at ${stamped}: ${rounds.join(", ")}`,
    `  authority  ${shown(authority)}, ${shown(url)}`,
    `  until      ${ends}`,
  ];
}

function plain({ failed, ...rest }: AnchoredRound) {
  return { ...rest, failed: failed.map(({ refusal, url }) => ({ url, refusal: refusal.toRecord() })) };
}
