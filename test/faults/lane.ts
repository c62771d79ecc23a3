/** Lanes: processes that strike points beside each other, each on a box of its own. */

import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Between } from "./fault-box.ts";
import type { Counted } from "./measure.ts";
import type { Point } from "./point.ts";
import type { Outcome } from "./strike.ts";

/** Points that are struck in one batch; `fresh`: on a box that nothing happened to. */
export interface ChainOrder {
  readonly points: readonly Point[];
  readonly fresh: boolean;
}

export type LaneOrder = ChainOrder | "measure" | "end";
export type LaneAnswer =
  | { readonly counted: readonly Counted[] }
  | { readonly outcomes: readonly Outcome[] }
  | { readonly failed: string }
  | "ended";

export interface LanePlace extends Between {
  readonly folder: string;
}

export class Lane {
  readonly #child: ChildProcess;

  /** `folder`: where its boxes stand, and the code that Node compiled. */
  constructor({ folder, shim, starter }: LanePlace) {
    const places = { NODE_COMPILE_CACHE: join(folder, "compiled"), TMPDIR: folder };
    const between = {
      ...(shim === undefined ? {} : { COLDSEAL_FAULT_SHIM: shim }),
      ...(starter === undefined ? {} : { COLDSEAL_FAULT_STARTER: starter }),
    };
    this.#child = fork(join(import.meta.dirname, "lane-main.ts"), {
      env: { ...process.env, ...places, ...between, UV_THREADPOOL_SIZE: "1" },
    });
  }

  /** One order at a time. */
  ask(order: LaneOrder): Promise<LaneAnswer> {
    return new Promise((resolve) => {
      const done = (answer: LaneAnswer) => {
        this.#child.off("message", done);
        this.#child.off("exit", gone);
        resolve(answer);
      };
      const gone = (status: number | null) =>
        done(order === "end" ? "ended" : { failed: `the lane ended (${status})` });
      this.#child.once("message", done);
      this.#child.once("exit", gone);
      this.#child.send(order);
    });
  }
}
