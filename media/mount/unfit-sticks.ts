/** Sticks that were looked into and cannot be mounted: until they are pulled out people are told so, and nobody tries again. */

import type { Refusal } from "../../manifests/refusal.ts";
import { type Found, type Role, refusedStick, type Stick } from "../stick/plugged.ts";

interface Unfit {
  readonly roles: readonly Role[];
  readonly refusal: Refusal;
}

export class UnfitSticks {
  readonly #unfit = new Map<string, Unfit>();

  /** What is on the stick is refused, by us or by the kernel. */
  add({ key, roles }: Stick, refusal: Refusal): void {
    this.#unfit.set(key, { roles, refusal });
  }

  /** With these among what is refused. Those that were pulled out are forgotten. */
  apart({ sticks, refused }: Found): Found {
    const there = new Set([...sticks, ...refused].map(({ key }) => key));
    for (const key of this.#unfit.keys()) if (!there.has(key)) this.#unfit.delete(key);
    const unfit = sticks.flatMap((one) => {
      const refusal = this.#unfit.get(one.key)?.refusal;
      return refusal ? [refusedStick(one, refusal)] : [];
    });
    return { sticks: sticks.filter(({ key }) => !this.#unfit.has(key)), refused: [...refused, ...unfit] };
  }

  /** Why a use has no stick, where it is for that. */
  why(role: Role): Refusal | undefined {
    return [...this.#unfit.values()].find(({ roles }) => roles.includes(role))?.refusal;
  }
}
