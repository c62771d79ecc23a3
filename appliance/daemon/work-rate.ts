/** How fast work goes and when it will end, from what was seen of it. Pure; times in milliseconds. */

import type { RowProgress } from "../client/batch-row.ts";

export interface WorkDone {
  readonly documents: number;
  readonly of: number;
  readonly bytes: number;
  readonly ofBytes: number;
}

interface Sample {
  readonly at: number;
  readonly documents: number;
  readonly bytes: number;
}

export interface Work extends WorkDone {
  /** the last seconds, oldest first */
  readonly samples: readonly Sample[];
}

const window = 5_000;
const spacing = 200;
/** Less than this is no measurement. */
const shortest = 1_000;

export function workBegun(done: WorkDone, now: number): Work {
  return { ...done, samples: [{ at: now, documents: done.documents, bytes: done.bytes }] };
}

/** The work after more of it was seen. */
export function workSeen(work: Work, done: WorkDone, now: number): Work {
  const last = work.samples.at(-1);
  if (last && now - last.at < spacing) return { ...work, ...done };
  const kept = work.samples.filter(({ at }, index) => now - at <= window || index === work.samples.length - 1);
  return { ...done, samples: [...kept, { at: now, documents: done.documents, bytes: done.bytes }] };
}

/** What is told of it. Time left goes by the slower of documents and bytes, and is null until a second was measured. */
export function workProgress(work: Work, now: number): RowProgress {
  const { documents, of, bytes, ofBytes } = work;
  const first = work.samples[0] as Sample;
  const seconds = (now - first.at) / 1000;
  const told = { documents, of, bytes, ofBytes };
  if (seconds * 1000 < shortest) return { ...told, bytesPerSecond: null, secondsLeft: null };
  const left = [
    remaining(of - documents, (documents - first.documents) / seconds),
    remaining(ofBytes - bytes, (bytes - first.bytes) / seconds),
  ];
  const known = left.filter((one) => one !== null);
  return {
    ...told,
    bytesPerSecond: Math.max(0, Math.round((bytes - first.bytes) / seconds)),
    secondsLeft: known.length === 0 ? null : Math.ceil(Math.max(...known)),
  };
}

/** Seconds; null when nothing moves, so that nothing is promised. */
function remaining(left: number, perSecond: number): number | null {
  if (left <= 0) return 0;
  return perSecond > 0 ? left / perSecond : null;
}
