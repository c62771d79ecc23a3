/** Lanes: processes that strike points beside each other, each on a box of its own. */

import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Counted } from "./measure.ts";
import type { Point } from "./point.ts";
import type { Outcome } from "./strike.ts";

export type LaneOrder = Point | "measure" | "end";
export type LaneAnswer =
  | { readonly counted: readonly Counted[] }
  | { readonly outcome: Outcome }
  | { readonly failed: string }
  | "ended";

export interface LanePlace {
  readonly folder: string;
  readonly shim: string | undefined;
}

export class Lane {
  readonly #child: ChildProcess;

  /** `folder`: where its boxes stand, and the code that Node compiled. `shim`: the module between its signers and their tokens. */
  constructor({ folder, shim }: LanePlace) {
    const places = { NODE_COMPILE_CACHE: join(folder, "compiled"), TMPDIR: folder };
    const between = shim === undefined ? {} : { COLDSEAL_FAULT_SHIM: shim };
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
