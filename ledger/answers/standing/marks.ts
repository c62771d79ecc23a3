/**
 * Whether what a manifest sealed still counts, by what came in later: compromises, revocations, re-sealing lists, policies that took a certificate back, the record that closed an
 * emergency. Pure. As `coldseal verify` has it: what is revoked does not count, whatever date stands there, unless it is proven to have existed before; of a compromise falls what claims to be
 * made from that time on.
 */

import type { Utc } from "../../../manifests/encoding/shape.ts";
import type { Listed } from "../../../manifests/records/closing.ts";
import type { Manifest } from "../../../manifests/records/manifest.ts";
import type { NumberRange } from "../../../manifests/records/number-ranges.ts";

/** One thing that a record says about what a manifest sealed. */
export interface Mark {
  readonly what:
    | "compromised"
    | "revoked-key"
    | "revoked-certificate"
    | "resealed"
    | "may-be-resealed"
    | "reseals"
    | "emergency-closed"
    | "emergency-exceeded"
    | "emergency-open";
  /** whose key or certificate, where it is about one */
  readonly of: MarkedKey | "submitter" | "approver" | null;
  /** from when on, where that is said */
  readonly since: Utc | null;
  /** whose word it is */
  readonly by: string;
  /** by it nothing counts that was sealed here */
  readonly takes: boolean;
  readonly text: string;
}

export type MarkedKey = "sealing" | "audit" | "time";

/** A key that was in other hands, by an order or a ceremony. */
export interface Compromised {
  readonly by: string;
  readonly reason: string | null;
  /** SHA-256 of its SubjectPublicKeyInfo, hex */
  readonly key: string;
  /** undefined: only `fall` says what falls */
  readonly since: Utc | null | undefined;
  /** numbers that are named one by one */
  readonly fall: readonly NumberRange[];
}

/** A key that was revoked for another reason. */
export interface RevokedOtherwise {
  readonly by: string;
  readonly key: string;
  readonly revocation: string;
  readonly created: Utc;
}

/** A certificate (SHA-256, hex) that is on a policy's list, or that its issuer revoked. */
export interface TakenBack {
  readonly by: string;
  readonly certificate: string;
  readonly since: Utc;
  /** of a policy: its number, which says nothing of what it was made under itself */
  readonly policy?: number;
}

/** A re-sealing list. */
export interface ResealList {
  readonly by: string;
  readonly manifests: ReadonlySet<number>;
}

export interface BoxWords {
  readonly compromised: readonly Compromised[];
  readonly revoked: readonly RevokedOtherwise[];
  readonly takenBack: readonly TakenBack[];
  readonly reseals: readonly ResealList[];
}

/** What is asked about. */
export interface Asked {
  readonly manifest: Pick<
    Manifest,
    "authorization" | "created" | "emergency" | "keys" | "number" | "policy" | "request" | "time"
  >;
  /** by when it is proven to have existed; undefined: nothing is proven */
  readonly proven: Utc | undefined;
  /** SHA-256 (hex) of the certificates of the box's paths that are at hand, without the roots */
  readonly paths: Readonly<Record<"sealing" | "audit", readonly string[]>>;
  /** numbers of manifests in the chain that sealed the same batch, others than this */
  readonly sameBatch: readonly number[];
  /** closing records of its emergency */
  readonly closings: readonly { readonly ended: Utc; readonly entry: number; readonly lists: Listed }[];
}

export function marksOf(asked: Asked, words: BoxWords): readonly Mark[] {
  return [
    ...compromises(asked, words.compromised),
    ...revokedKeys(asked, words.revoked),
    ...certificates(asked, words.takenBack),
    ...again(asked, words.reseals),
    ...closings(asked),
  ];
}

/** Why nothing of it counts; undefined: no record that is here says so. */
export function takenBy(marks: readonly Mark[]): string | undefined {
  return marks.find(({ takes }) => takes)?.text;
}

function keysOf({ manifest }: Asked): readonly (readonly [MarkedKey, string])[] {
  const { keys, time } = manifest;
  return [["sealing", keys.sealing.key], ["audit", keys.audit.key], ...(time ? [["time", time.key] as const] : [])];
}

function compromises(asked: Asked, all: readonly Compromised[]): readonly Mark[] {
  const { manifest } = asked;
  return all.flatMap(({ by, fall, key, reason, since }) =>
    keysOf(asked).flatMap(([of, digest]) => {
      if (digest !== key) return [];
      const named = fall.some(({ from, to }) => from <= manifest.number && manifest.number <= to);
      const from = since !== undefined && (since === null || manifest.created >= since);
      const falls = named || from;
      if (!falls && since === undefined) return [];
      const head = `compromised ${of} key`;
      const why = reason === null ? by : `${by}: ${reason}`;
      const text = falls
        ? `${head}: ${fallen(of, since)} (${why})`
        : `${head}: in other hands since ${since}; this was made before, ${earlier(asked, since ?? null)} (${why})`;
      // A stamp of the box's own proves nothing against the box, so that nothing rests on it.
      return [{ what: "compromised", of, since: since ?? null, by, takes: falls && of !== "time", text }] as const;
    }),
  );
}

const made: Readonly<Record<MarkedKey, string>> = {
  sealing: "seal",
  audit: "manifest",
  time: "local time-stamp",
};

function fallen(of: MarkedKey, since: Utc | null | undefined): string {
  if (since === null) return `nobody knows since when it was in other hands; no ${made[of]} made by it counts`;
  if (since === undefined) return `the ${made[of]} is among those that fall, and does not count`;
  return `${made[of]} made from ${since} on does not count`;
}

function earlier({ proven }: Asked, since: Utc | null): string {
  if (proven !== undefined && since !== null && proven < since) return `and is proven to have existed by ${proven}`;
  return "by the box's own clock and chained record; no evidence of time says so";
}

/** The box signs nothing by a revoked key; what was made before stands. */
function revokedKeys(asked: Asked, all: readonly RevokedOtherwise[]): readonly Mark[] {
  return all.flatMap(({ by, created, key, revocation }) =>
    keysOf(asked).flatMap(([of, digest]) => {
      if (digest !== key) return [];
      const takes = asked.manifest.created > created && of !== "time";
      const text = `${of} key revoked (${revocation}) by ${by}: ${takes ? "this claims to be made after that, and does not count" : "what it made before stands"}`;
      return [{ what: "revoked-key", of, since: created, by, takes, text }] as const;
    }),
  );
}

function certificates(asked: Asked, all: readonly TakenBack[]): readonly Mark[] {
  const { authorization, keys, policy, request, time } = asked.manifest;
  const named: readonly (readonly [NonNullable<Mark["of"]>, ReadonlySet<string>])[] = [
    ["sealing", new Set([keys.sealing.certificate, ...asked.paths.sealing])],
    ["audit", new Set([keys.audit.certificate, ...asked.paths.audit])],
    ["time", new Set(time ? [time.certificate] : [])],
    ["submitter", new Set([request.submitter.certificate])],
    ["approver", new Set(authorization.approvers.map(({ certificate }) => certificate))],
  ];
  return all.flatMap(({ by, certificate, policy: number, since }) =>
    named.flatMap(([of, digests]) => {
      if (!digests.has(certificate) || (number !== undefined && number <= policy.number)) return [];
      return [certificateMark(asked, of, { by, since })];
    }),
  );
}

function certificateMark(
  { proven }: Asked,
  of: NonNullable<Mark["of"]>,
  { by, since }: Omit<TakenBack, "certificate">,
): Mark {
  const head = `certificate of ${of === "approver" || of === "submitter" ? `the ${of}` : `the ${of} key`} revoked by ${by}, since ${since}`;
  const isBox = of === "sealing" || of === "audit";
  const before = proven !== undefined && proven < since;
  const takes = isBox && !before;
  const rest = !isBox
    ? "what was asked for and approved before stands"
    : before
      ? `after all of this is proven to have existed (${proven}), so that it stands`
      : "this does not count, as nothing proves that it existed before";
  return { what: "revoked-certificate", of, since, by, takes, text: `${head}: ${rest}` };
}

/** What a list permits says with the compromise, which takes it, what became of its documents. */
function again({ manifest, sameBatch }: Asked, lists: readonly ResealList[]): readonly Mark[] {
  const list = lists.find(({ manifests }) => manifests.has(manifest.number));
  const mark = { of: null, since: null };
  const [next] = sameBatch.filter((number) => number > manifest.number).sort((a, b) => a - b);
  const before = sameBatch.filter((number) => number < manifest.number).sort((a, b) => b - a)[0];
  const marks: Mark[] = [];
  if (list && next !== undefined)
    marks.push({
      ...mark,
      what: "resealed",
      by: list.by,
      takes: true,
      text: `resealed by manifest ${next}, as ${list.by} permits: the seal to use is that one`,
    });
  if (list && next === undefined)
    marks.push({
      ...mark,
      what: "may-be-resealed",
      by: list.by,
      takes: true,
      text: `to be sealed once more, as ${list.by} permits; nothing that is here did`,
    });
  if (before !== undefined)
    marks.push({
      ...mark,
      what: "reseals",
      by: `manifest ${manifest.number}`,
      takes: false,
      text: `seals again what manifest ${before} had sealed`,
    });
  return marks;
}

function closings({ closings: all, manifest }: Asked): readonly Mark[] {
  if (!manifest.emergency) return [];
  const mark = { of: null, takes: false } as const;
  const closing = all.find(({ lists }) => lists === "not-listed") ?? all[0];
  if (!closing) {
    const text = "emergency: no closing record is here; how much more was sealed in it is not known";
    return [{ ...mark, what: "emergency-open", since: manifest.emergency.since, by: "the manifest", text }];
  }
  const by = `the closing record, entry ${closing.entry} of the log`;
  if (closing.lists === "not-listed") {
    const text = `emergency ended ${closing.ended}: ${by}, does not list this manifest, which does not count`;
    return [{ of: null, takes: true, what: "emergency-exceeded", since: closing.ended, by, text }];
  }
  const lists = closing.lists === "listed" ? "which lists this manifest" : "by which this number is missing";
  return [
    {
      ...mark,
      what: "emergency-closed",
      since: closing.ended,
      by,
      text: `emergency ended ${closing.ended}: ${by}, ${lists}`,
    },
  ];
}
