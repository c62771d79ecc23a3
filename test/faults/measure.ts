/** Counts the calls of every process over an unharmed batch: the list of the points. */

import { join } from "node:path";
import { pause } from "../promises/real-daemon.ts";
import type { Between } from "./fault-box.ts";
import { faults, type Part, type Point, parts, type TokenPlace } from "./point.ts";
import { documentsForToken, StruckBox } from "./strike.ts";
import { threadsOf } from "./threads.ts";
import { faultsOfCall, isTokenCall } from "./token/token-faults.ts";
import { countsIn, knownCalls, Tracer } from "./tracer.ts";

/** How often a call is made at one place: by one thread from plug to answer, or at most by any thread of a process that starts; of the token, by the signer. */
export interface Counted {
  readonly part: Part;
  readonly where: string;
  readonly call: string;
  readonly times: number;
}

/** The counts of one batch, and of one start of each process, on a box of its own: of starts where `between` has what starts them, of the token's calls where it has a module. */
export async function measure(between: Between): Promise<readonly Counted[]> {
  const struck = await StruckBox.make(between);
  try {
    const names = knownCalls();
    // What a process does for the first time only is not what the next batch meets.
    const first = await struck.plug();
    await first.untilAnswered("daemon");
    if (first.byHand || first.broken.length > 0) throw new Error("an unharmed batch did not go through");
    struck.takeAway(first);
    return [
      ...(await inThreads(struck, names)),
      ...(between.starter === undefined ? [] : await inStarts(struck, names)),
      ...(between.shim === undefined ? [] : await atToken(struck)),
    ];
  } finally {
    await struck.box.remove();
  }
}

/** The points of what was counted. */
export function pointsOf(counted: readonly Counted[]): readonly Point[] {
  return counted.flatMap(({ part, where, call, times }) =>
    Array.from({ length: times }, (_, at): readonly Point[] => {
      const when = at + 1;
      if (!isTokenCall(call)) return faults.map((fault) => ({ kind: "call", part, where, call, when, fault }));
      const place = where as TokenPlace;
      return faultsOfCall(call).map((fault) => ({ kind: "token", part: "signer", where: place, call, when, fault }));
    }).flat(),
  );
}

/** What the signer asks of its token: over a batch, and when it is started and unlocked in the middle of one. */
async function atToken(struck: StruckBox): Promise<readonly Counted[]> {
  const { box } = struck;
  const { token } = box;
  if (!token) throw new Error("nothing stands between signer and token");
  const counted: Counted[] = [];
  const take = (where: TokenPlace, who: "main" | "probe") => {
    for (const [call, times] of token.counts(who)) counted.push({ part: "signer", where, call, times });
  };
  for (const inTheMiddle of [false, true]) {
    if (!inTheMiddle) token.count();
    const life = await struck.plug(documentsForToken);
    if (inTheMiddle) {
      await life.untilApprovedOnce();
      token.count();
      await box.end("signer");
      await box.keep();
      take("token-start", "main");
      take("token-probe", "probe");
    }
    await life.untilAnswered("signer");
    if (life.byHand || life.broken.length > 0) throw new Error("an unharmed batch did not go through");
    if (!inTheMiddle) take("token", "main");
    token.clear();
    struck.takeAway(life);
  }
  return counted;
}

async function inThreads(struck: StruckBox, names: readonly string[]): Promise<readonly Counted[]> {
  const { box } = struck;
  const log = (part: Part) => join(box.signer.folder, `count-${part}.log`);
  const watched = new Map<Part, { readonly roles: ReadonlyMap<string, number>; readonly tracer: Tracer }>();
  const watch = async (part: Part, pid: number | undefined) => {
    const tracer = pid === undefined ? undefined : await Tracer.count(pid, names, log(part));
    if (pid === undefined || !tracer) throw new Error(`${part} cannot be watched`);
    watched.set(part, { roles: threadsOf(pid), tracer });
  };
  for (const part of ["scan", "daemon", "signer"] as const) await watch(part, box.pid(part));
  box.gate.close();
  const life = await struck.plug();
  const stopped = await box.stoppedAtGate();
  await watch("take", stopped);
  if (stopped !== undefined) await box.letGo(stopped);
  await life.untilAnswered("daemon");
  if (life.byHand || life.broken.length > 0) throw new Error("an unharmed batch did not go through");
  const counted: Counted[] = [];
  for (const [part, { roles, tracer }] of watched) {
    await tracer.detach();
    const counts = countsIn(tracer.text);
    for (const [where, id] of roles)
      for (const [call, times] of counts.get(id) ?? []) counted.push({ part, where, call, times });
  }
  struck.takeAway(life);
  return counted;
}

async function inStarts(struck: StruckBox, names: readonly string[]): Promise<readonly Counted[]> {
  const counted: Counted[] = [];
  for (const part of parts) {
    const { box } = struck;
    box.plan(part).count(names);
    if (part !== "take") await box.end(part);
    await box.keep();
    await box.looking();
    const life = part === "take" ? await struck.plug() : undefined;
    await life?.untilAnswered("daemon");
    if (!life) await pause(1_500);
    const most = new Map<string, number>();
    for (const counts of countsIn(box.plan(part).text).values())
      for (const [call, times] of counts) most.set(call, Math.max(times, most.get(call) ?? 0));
    if (most.size === 0) throw new Error(`no start of ${part} was counted`);
    for (const [call, times] of most) counted.push({ part, where: "start", call, times });
    box.plan(part).clear();
    await box.untraced();
    if (life) struck.takeAway(life);
  }
  return counted;
}
