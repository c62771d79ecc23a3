/**
 * Health that is proven: nothing is taken to work because it did before. Each part says when what it shows was last proven, how old that is, and how old it may be; it is proven
 * anew for whoever asks, but not more often than every `checkSeconds`.
 */

import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import { asRefusal, type RefusalCode } from "../../manifests/refusal.ts";
import { queueAnswer } from "../anchor/queue.ts";
import { ownLog, trustOf } from "../checkpoints/witness-settings.ts";
import { treeHead } from "../log/tree-head.ts";
import { placesOf } from "../publish/places.ts";
import { secondsSince } from "./age.ts";
import type { OpenStore } from "./open-store.ts";
import { makeProbe, probeOnce, proveProbe } from "./probe.ts";
import { type ProvenLog, proveLog } from "./prove-published.ts";
import { newestToken, proveToken } from "./prove-token.ts";
import type { ServeSettings } from "./settings.ts";
import { unpublishedSince } from "./unpublished.ts";

/** Why a part is not well; no path and no name is in it. */
export interface Problem {
  readonly code: RefusalCode;
  readonly message: string;
}

interface Part {
  readonly healthy: boolean;
  /** of what is proven; null: there is nothing yet */
  readonly ageSeconds: number | null;
  /** null: there is no limit */
  readonly limitSeconds: number | null;
  readonly problem: Problem | null;
}

export interface HealthAnswer {
  readonly healthy: boolean;
  /** when this was proven */
  readonly checked: Utc;
  /** the newest entry that was proven to be in a cosigned checkpoint, out of the published tiles of every place; its age is that of the checkpoint */
  readonly entry: Part & {
    readonly index: number | null;
    readonly size: number;
    readonly since: Utc | null;
    /** of the witnesses that the ledger's settings name */
    readonly cosignatures: number;
    /** what is stored and not published in every place */
    readonly unpublished: {
      readonly entries: number;
      readonly ageSeconds: number | null;
      readonly limitSeconds: number | null;
    };
  };
  /** the newest time-stamp that was checked again */
  readonly token: Part & { readonly stamped: Utc | null; readonly waitsTooLong: boolean };
  /** the newest entry of the probe's own log */
  readonly probe: Part & { readonly index: number | null; readonly made: Utc | null };
}

export interface HealthOf {
  readonly folder: string;
  readonly origin: string;
  readonly store: OpenStore;
  readonly settings: () => ServeSettings["health"];
  /** told what goes wrong with the probe */
  readonly told: (what: string, problem: Problem) => void;
}

/** A time-stamp that was checked stays checked for so long, in milliseconds: it is over what may be large. */
const tokenStays = 3_600_000;

export class Health {
  readonly #of: HealthOf;
  #answer: Promise<HealthAnswer> | undefined;
  #checkedAt = 0;
  #token: { readonly key: string; readonly at: number } | undefined;
  #probe: { readonly log: ProvenLog; readonly made: number } | undefined;
  #probeProblem: Problem | null = null;
  #timer: NodeJS.Timeout | undefined;
  #probing: Promise<void> | undefined;
  #stopped = false;

  constructor(of: HealthOf) {
    this.#of = of;
  }

  /** The probe, now and then until `stop`. */
  start(): void {
    this.#probing ??= this.#probeNow().finally(() => {
      this.#probing = undefined;
      const { probeEverySeconds } = this.#of.settings();
      if (!this.#stopped) this.#timer = setTimeout(() => this.start(), probeEverySeconds * 1000);
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#probing;
    await this.#answer?.catch(() => undefined);
  }

  /** The last answer where it is new enough, else a new one. */
  check(): Promise<HealthAnswer> {
    const stale = performance.now() - this.#checkedAt > this.#of.settings().checkSeconds * 1000;
    if (!this.#answer || stale) {
      this.#checkedAt = performance.now();
      this.#answer = this.#checkNow();
    }
    return this.#answer;
  }

  async #checkNow(): Promise<HealthAnswer> {
    const [entry, token, probe] = [await this.#entry(), await this.#tokenPart(), await this.#probePart()];
    return {
      healthy: entry.healthy && token.healthy && probe.healthy,
      checked: utcOf(Date.now()),
      entry,
      token,
      probe,
    };
  }

  async #entry(): Promise<HealthAnswer["entry"]> {
    const { entrySeconds: limitSeconds, unpublishedSeconds } = this.#of.settings();
    let stored = 0;
    let published = 0;
    let unpublishedAge: number | null = null;
    let proven: ProvenLog | undefined;
    let since: Utc | null = null;
    const problem = await problemOf(async () => {
      const { folder, origin, store } = this.#of;
      const rows = await store.reading(async (sql) => ({
        head: await treeHead(sql),
        publications: await sql.all<{ place: string; size: number }>(
          "SELECT place, max(size) AS size FROM publications GROUP BY place",
        ),
      }));
      stored = rows.head.size;
      const places = placesOf({ folder, origin });
      const sizes = new Map(rows.publications.map(({ place, size }) => [place, size]));
      const sizeIn = (place: string) => sizes.get(place) ?? 0;
      // In every place: one that nobody writes to any more is no second copy.
      published = Math.min(...places.map(({ name }) => sizeIn(name)));
      const waiting = await store.reading((sql) => unpublishedSince(sql, published));
      unpublishedAge = waiting === null ? null : secondsSince(waiting, Date.now());
      // Nothing to prove, and nothing wrong with that: `unpublished` has its own limit.
      if (places.every(({ name }) => sizeIn(name) === 0)) return;
      proven = await proveLog(places, trustOf(await ownLog(folder)), sizeIn);
      since = proven.cosigned ?? (await store.reading((sql) => signedAt(sql, proven?.size ?? 0)));
    });
    const ageSeconds = since === null ? null : secondsSince(since, Date.now());
    const unpublished = {
      entries: Math.max(0, stored - published),
      ageSeconds: unpublishedAge,
      limitSeconds: unpublishedSeconds,
    };
    return {
      healthy: problem === null && within(ageSeconds, limitSeconds) && within(unpublishedAge, unpublishedSeconds),
      ageSeconds,
      limitSeconds,
      problem,
      index: proven?.index ?? null,
      size: proven?.size ?? 0,
      since,
      cosignatures: proven?.cosigners.length ?? 0,
      unpublished,
    };
  }

  async #tokenPart(): Promise<HealthAnswer["token"]> {
    const { tokenSeconds: limitSeconds } = this.#of.settings();
    let stamped: Utc | null = null;
    let waitsTooLong = false;
    const problem = await problemOf(() =>
      this.#of.store.reading(async (sql, now) => {
        waitsTooLong = (await queueAnswer(sql, now)).waiting.alarm;
        const token = await newestToken(sql);
        if (token === undefined) return;
        const key = `${token.round} ${token.stamped}`;
        const known = this.#token?.key === key && performance.now() - this.#token.at < tokenStays;
        if (!known) await proveToken(sql, token);
        if (!known) this.#token = { key, at: performance.now() };
        stamped = token.stamped;
      }),
    );
    const ageSeconds = stamped === null ? null : secondsSince(stamped, Date.now());
    const healthy = problem === null && !waitsTooLong && within(ageSeconds, limitSeconds);
    return { healthy, ageSeconds, limitSeconds, problem, stamped, waitsTooLong };
  }

  async #probePart(): Promise<HealthAnswer["probe"]> {
    const { probeSeconds: limitSeconds } = this.#of.settings();
    const probe = this.#probe;
    const problem = probe
      ? await problemOf(async () => void (await proveProbe(this.#of.folder, probe.log.size)))
      : (this.#probeProblem ?? { code: "UNPUBLISHED" as const, message: "no entry of the probe's log was proven yet" });
    const ageSeconds = probe ? Math.max(0, Math.round((Date.now() - probe.made) / 1000)) : null;
    return {
      healthy: problem === null && probe !== undefined && within(ageSeconds, limitSeconds),
      ageSeconds,
      limitSeconds,
      problem: problem ?? this.#probeProblem,
      index: probe?.log.index ?? null,
      made: probe ? utcOf(probe.made) : null,
    };
  }

  async #probeNow(): Promise<void> {
    const { folder, origin, told } = this.#of;
    this.#probeProblem = await problemOf(async () => {
      await makeProbe(folder, origin);
      this.#probe = { log: await probeOnce(folder, origin), made: Date.now() };
    });
    // What was proven before the probe is not the whole answer any more.
    this.#checkedAt = Number.NEGATIVE_INFINITY;
    if (this.#probeProblem) told("probe", this.#probeProblem);
  }
}

async function problemOf(prove: () => Promise<void>): Promise<Problem | null> {
  try {
    await prove();
    return null;
  } catch (fault) {
    const { code, message } = asRefusal(fault, "INTERNAL", "a fault of the service");
    return { code, message };
  }
}

async function signedAt(sql: Parameters<typeof treeHead>[0], size: number): Promise<Utc | null> {
  const row = await sql.get<{ signed: string }>("SELECT signed FROM checkpoints WHERE size = ?", size);
  return row?.signed ?? null;
}

/** What there is none of has no age: a quiet ledger is not ill. */
function within(ageSeconds: number | null, limitSeconds: number | null): boolean {
  return ageSeconds === null || limitSeconds === null || ageSeconds <= limitSeconds;
}
