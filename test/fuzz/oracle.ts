/**
 * Judges one run: a result or a `Refusal` of the closed union, in at most its time, and nothing else. A refusal that only
 * wraps a programming fault (a TypeError, a RangeError, a code INTERNAL) counts as that fault, and each must fit
 * into a frame between two processes.
 */

import { readRefusal, refusalJson } from "../../host/wire-stream.ts";
import { canonicalBytes, readCanonical } from "../../manifests/encoding/canonical-json.ts";
import { shown } from "../../manifests/records/names.ts";
import { isRefusalCode, Refusal } from "../../manifests/refusal.ts";
import { Broken, type Target, timeLimit } from "./target.ts";

export interface Judged {
  /** `accepted`, a refusal's code and message without digits, or the failure: equal words are one finding */
  readonly words: string;
  readonly failure: "exception" | "time" | "memory" | "promise" | undefined;
  /** what was thrown, with its stack, where it is a failure */
  readonly detail: string;
  readonly milliseconds: number;
}

/** Runs an input. Only a run that is too long three times in a row fails for its time: the machine may be busy. */
export async function judge(target: Target, input: Uint8Array): Promise<Judged> {
  const most = target.most ?? timeLimit;
  let judged = await once(target, input);
  for (let again = 0; judged.failure === undefined && judged.milliseconds > most && again < 2; again++) {
    const next = await once(target, input);
    judged = next.milliseconds < judged.milliseconds ? next : { ...next, milliseconds: judged.milliseconds };
  }
  if (judged.failure !== undefined || judged.milliseconds <= most) return judged;
  return {
    ...judged,
    failure: "time",
    words: `time over ${most} ms: ${judged.words}`,
    detail: `${judged.milliseconds} ms`,
  };
}

/** What makes two outcomes different ones: digits, quoted text and hex do not. */
export function plainWords(text: string): string {
  return text
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\\u\{[0-9a-f]+\}/g, "")
    .replace(/[0-9]+/g, "")
    .slice(0, 160);
}

async function once(target: Target, input: Uint8Array): Promise<Judged> {
  const given = new Uint8Array(input);
  const cpu = process.cpuUsage();
  const start = performance.now();
  const settled = await settle(() => target.run(given));
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const milliseconds = Math.min(wall, (user + system) / 1000);
  if (settled.thrown === undefined && target.after) {
    const checked = await settle(() => target.after?.(given, settled.value));
    if (checked.thrown !== undefined) return { ...wordsOf(checked.thrown), milliseconds };
  }
  if (settled.thrown !== undefined) return { ...wordsOf(settled.thrown), milliseconds };
  return { words: `accepted ${plainWords(summary(settled.value))}`, failure: undefined, detail: "", milliseconds };
}

async function settle(run: () => unknown): Promise<{ readonly value?: unknown; readonly thrown?: unknown }> {
  try {
    return { value: await run() };
  } catch (thrown) {
    return { thrown: thrown ?? new Error("threw nothing") };
  }
}

function wordsOf(thrown: unknown): Omit<Judged, "milliseconds"> {
  const detail =
    thrown instanceof Error
      ? `${thrown.stack}\ncause: ${String((thrown.cause as Error | undefined)?.stack ?? thrown.cause)}`
      : String(thrown);
  if (thrown instanceof Broken) return { words: `promise: ${plainWords(thrown.message)}`, failure: "promise", detail };
  if (!(thrown instanceof Refusal)) {
    const kind = thrown instanceof Error ? thrown.name : typeof thrown;
    return { words: `exception: ${kind} at ${placeOf(thrown)}`, failure: "exception", detail };
  }
  const fault = faultIn(thrown);
  if (fault) return { words: `exception: ${fault} ${placeOf(deepest(thrown))}`, failure: "exception", detail };
  const { code, message, about } = thrown;
  const plain = plainWords(about ? message.replaceAll(about, "").replaceAll(shown(about), "") : message);
  return { words: `${code} ${plain}`, failure: undefined, detail };
}

/** What is wrong with a refusal; undefined for a right one. */
export function faultIn(refusal: Refusal): string | undefined {
  if (!isRefusalCode(refusal.code)) return `unknown code ${refusal.code}`;
  if (refusal.code === "INTERNAL") return `INTERNAL ${plainWords(refusal.message)}`;
  for (let cause = refusal.cause; cause !== undefined; cause = (cause as Error).cause) {
    if (isProgrammingFault(cause)) return `${refusal.code} over ${plainWords(String(cause))}`;
    if (!(cause instanceof Error)) break;
  }
  try {
    const read = readRefusal(readCanonical(canonicalBytes(refusalJson(refusal))));
    return read.code === refusal.code ? undefined : `comes out of a frame as ${read.code}`;
  } catch (fault) {
    return `does not go into a frame: ${String(fault)}`;
  }
}

/** TypeErrors and RangeErrors that Node did not give a code: V8's own, for code of the project that went wrong. */
function isProgrammingFault(cause: unknown): boolean {
  if (placeOf(cause).startsWith("node_modules/")) return false;
  const own = cause instanceof TypeError || cause instanceof RangeError || cause instanceof ReferenceError;
  return own && (cause as NodeJS.ErrnoException).code === undefined;
}

function deepest(refusal: Error): unknown {
  let at: unknown = refusal;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  return at;
}

/** The first file of the project's own in a stack: where it went wrong. */
function placeOf(thrown: unknown): string {
  const stack = thrown instanceof Error ? (thrown.stack ?? "") : "";
  return (
    /\/((?:manifests|host|hardware|media|appliance|ceremony|desk|node_modules)\/[^:)]+\.[tj]s:\d+)/.exec(stack)?.[1] ??
    ""
  );
}

/** The shape of a result: a verdict's findings by file and code, else which members are there. */
function summary(value: unknown): string {
  if (typeof value !== "object" || value === null)
    return typeof value === "string" ? value.slice(0, 100) : typeof value;
  const { findings } = value as { findings?: readonly { file: string; code: string; message: string }[] };
  if (!Array.isArray(findings)) return "";
  return findings.map(({ file, code, message }) => `${file.slice(0, 12)} ${code} ${message.slice(0, 30)}`).join(";");
}
