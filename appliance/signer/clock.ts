/** CLOCK: the box's time never runs backwards, steps are told, and a clock that is behind the record refuses to seal. */

import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";

/** Milliseconds: of the wall clock since 1970, and of a clock that only ever runs forwards. */
export interface Clocks {
  wall(): number;
  monotonic(): number;
}

export interface ClockState {
  /** the latest time ever given or recorded, ms */
  readonly latest: number;
  /** wall minus monotonic, ms, at the start or at the last step */
  readonly offset: number;
}

export interface ClockStep {
  readonly from: Utc;
  readonly to: Utc;
  /** whole seconds, negative backwards */
  readonly seconds: number;
}

export interface ClockReading {
  readonly state: ClockState;
  /** never before any time given or recorded earlier */
  readonly now: Utc;
  /** the wall clock itself is before the latest recorded time */
  readonly behind: boolean;
  readonly step: ClockStep | undefined;
}

const stepMs = 1000;

/** Reads the clocks against `state`. `latest` moves forwards only; a step is a second or more between wall and monotonic. */
export function readClock(state: ClockState, wall: number, monotonic: number): ClockReading {
  const offset = wall - monotonic;
  const moved = offset - state.offset;
  const stepped = Math.abs(moved) >= stepMs;
  const latest = Math.max(state.latest, wall);
  return {
    state: { latest, offset: stepped ? offset : state.offset },
    now: utcOf(latest),
    behind: utcOf(wall) < utcOf(state.latest),
    step: stepped ? { from: utcOf(wall - moved), to: utcOf(wall), seconds: Math.round(moved / 1000) } : undefined,
  };
}

export interface ClockSetting {
  /** when the clock was last set against a witnessed reference, and how wrong that could be */
  readonly lastSet: Utc;
  readonly errorSeconds: number;
}

/** Claimed error in whole seconds: that of the last setting plus drift since then. */
export function claimedError(setting: ClockSetting, driftPpm: number, now: Utc): number {
  const seconds = Math.max(0, (Date.parse(now) - Date.parse(setting.lastSet)) / 1000);
  return setting.errorSeconds + Math.ceil((seconds * driftPpm) / 1_000_000);
}

/** Of times as text. */
export function earliest(...times: readonly [Utc, ...Utc[]]): Utc {
  return [...times].sort()[0] as Utc;
}

export function latest(...times: readonly [Utc, ...Utc[]]): Utc {
  return [...times].sort().at(-1) as Utc;
}

/** The signer's clock. `onStep` is told of each step, once; it may journal, and is called before the time is given. */
export class BoxClock {
  readonly #clocks: Clocks;
  readonly #onStep: (step: ClockStep, now: Utc) => void;
  #state: ClockState;
  #behind = false;

  constructor(clocks: Clocks, lastRecorded: Utc, onStep: (step: ClockStep, now: Utc) => void) {
    this.#clocks = clocks;
    this.#onStep = onStep;
    this.#state = { latest: Date.parse(lastRecorded), offset: clocks.wall() - clocks.monotonic() };
  }

  now(): Utc {
    const reading = readClock(this.#state, this.#clocks.wall(), this.#clocks.monotonic());
    this.#state = reading.state;
    this.#behind = reading.behind;
    if (reading.step) this.#onStep(reading.step, reading.now);
    return reading.now;
  }

  /** The wall clock itself, which may be before the box's time. */
  wall(): Utc {
    return utcOf(this.#clocks.wall());
  }

  /** From now on the wall clock is the box's time, also where it is before what was recorded: a quorum set it. */
  reset(): void {
    const wall = this.#clocks.wall();
    this.#state = { latest: wall, offset: wall - this.#clocks.monotonic() };
    this.#behind = false;
  }

  /** Refuses with CLOCK while the wall clock is before the last recorded time or setting, or may be too far off. */
  check(setting: ClockSetting, limits: { readonly driftPpm: number; readonly maximumErrorSeconds: number }): void {
    const now = this.now();
    if (this.#behind) {
      throw new Refusal("CLOCK", "the clock is before the last recorded time", {
        expected: `at least ${now}`,
        got: utcOf(this.#clocks.wall()),
      });
    }
    if (now < setting.lastSet) {
      throw new Refusal("CLOCK", "the clock is before its last setting", { expected: setting.lastSet, got: now });
    }
    const error = claimedError(setting, limits.driftPpm, now);
    if (error > limits.maximumErrorSeconds) {
      throw new Refusal("CLOCK", "the clock may be too far off", {
        expected: `at most ${limits.maximumErrorSeconds} s`,
        got: `${error} s`,
      });
    }
  }
}
