/** What must not outlive a ceremony: kept in memory only, by name, and wiped at its end. */

import { Refusal } from "../../manifests/refusal.ts";

export class Secrets {
  readonly #kept = new Map<string, Uint8Array>();

  /** Keeps the bytes themselves; they are this object's to wipe from now on. What had the name is wiped. */
  keep(name: string, secret: Uint8Array): void {
    this.#kept.get(name)?.fill(0);
    this.#kept.set(name, secret);
  }

  has(name: string): boolean {
    return this.#kept.has(name);
  }

  /** The bytes; they stay this object's. Refuses CEREMONY-STATE when an interruption took them. */
  use(name: string): Uint8Array {
    const found = this.#kept.get(name);
    if (!found) throw new Refusal("CEREMONY-STATE", `the ${name} is not in memory any more`, { about: name });
    return found;
  }

  /** Wipes one, if it is there. */
  drop(name: string): void {
    this.#kept.get(name)?.fill(0);
    this.#kept.delete(name);
  }

  wipe(): void {
    for (const secret of this.#kept.values()) secret.fill(0);
    this.#kept.clear();
  }
}
