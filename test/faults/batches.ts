/** The batches that a box of the sweep lives through: which they are, what people were told of each, and whether every promise holds at their end. */

import type Database from "better-sqlite3";
import type { Breach } from "../promises/breach.ts";
import type { Expected } from "../promises/check-media.ts";
import { Told } from "../promises/told.ts";
import type { FaultBox } from "./fault-box.ts";
import { judge } from "./judge.ts";
import { Life } from "./life.ts";

export class Batches {
  readonly #box: FaultBox;
  readonly #told = new Told();
  readonly #approved = new Set<string>();

  constructor(box: FaultBox) {
    this.#box = box;
  }

  /** How many there were. */
  get count(): number {
    return this.#approved.size;
  }

  async plug(folder: string, documents?: number): Promise<Life> {
    const batch = await this.#box.daemon.bring(folder, documents);
    this.#approved.add(batch.batchDigest);
    return new Life(this.#box, folder, batch, this.#told.of(batch.batchDigest));
  }

  /** Asks for every promise when these alone stand on the stick, and have ended. */
  judge(lives: readonly Life[], more?: (db: Database.Database) => readonly Breach[]): Promise<readonly Breach[]> {
    const expected: Expected = new Map(
      lives.flatMap(({ folder, end }) => (end ? [[folder, "number" in end ? end : ("refusal" as const)]] : [])),
    );
    return judge(this.#box, this.#told, this.#approved, expected, more);
  }
}
