/** What happened to sticks and USB devices, numbered, for whoever asks later: what was refused and pulled out at once is told all the same. */

import { randomBytes } from "node:crypto";
import type { RefusalRecord } from "../../manifests/refusal.ts";
import type { Found, Plugged, RefusedDevice, Stick } from "../stick/plugged.ts";

/** `alarm`: a USB device that is no stick or not only one. `refused`: a stick that is not taken. `torn`: pulled out while mounted. */
export type EventKind = "alarm" | "refused" | "plugged" | "pulled" | "torn";

export interface HelperEvent extends Plugged {
  readonly sequence: number;
  readonly kind: EventKind;
  readonly classes: readonly string[];
  readonly refusal: RefusalRecord | null;
  /** whether a refused device could be switched off; null where that was not tried */
  readonly off: boolean | null;
}

/** Events that are kept; who asks too late sees by the numbers that some are missing. */
const kept = 256;

export class StickEvents {
  /** of this start of the helper: numbers begin anew with it */
  readonly session = randomBytes(8).toString("hex");
  #events: HelperEvent[] = [];
  #sequence = 0;

  /** Notes what came and went. Gives the devices that are to be switched off: those of an alarm that is new. */
  compare(before: Found, now: Found): readonly RefusedDevice[] {
    const reason = ({ key, refusal }: RefusedDevice) => `${key} ${refusal.code} ${refusal.got}`;
    const known = new Set(before.refused.map(reason));
    const fresh = now.refused.filter((one) => !known.has(reason(one)));
    for (const one of fresh) this.#add(kindOf(one), one, one.classes, one.refusal.toRecord());
    for (const one of without(now.sticks, before.sticks)) this.#add("plugged", one, ["08"]);
    for (const one of without(before.sticks, [...now.sticks, ...now.refused])) this.#add("pulled", one, ["08"]);
    return fresh.filter((one) => kindOf(one) === "alarm");
  }

  /** Notes whether a device of an alarm was switched off. */
  switched(one: RefusedDevice, off: boolean): void {
    this.#events = this.#events.map((event) =>
      event.kind === "alarm" && event.key === one.key ? { ...event, off } : event,
    );
  }

  /** A stick was pulled out while it was mounted. */
  pulledWhileMounted({ stick }: { readonly stick: Stick }): void {
    this.#add("torn", stick, ["08"]);
  }

  after(sequence: number): readonly HelperEvent[] {
    return this.#events.filter((one) => one.sequence > sequence);
  }

  #add(
    kind: EventKind,
    { key, port, id, serial }: Plugged,
    classes: readonly string[],
    refusal: RefusalRecord | null = null,
  ): void {
    this.#sequence++;
    this.#events.push({ sequence: this.#sequence, kind, key, port, id, serial, classes, refusal, off: null });
    if (this.#events.length > kept) this.#events.shift();
  }
}

function kindOf({ refusal }: RefusedDevice): "alarm" | "refused" {
  return refusal.code === "STICK-DEVICE" ? "alarm" : "refused";
}

function without(some: readonly Plugged[], others: readonly Plugged[]): readonly Plugged[] {
  return some.filter((one) => !others.some(({ key }) => key === one.key));
}
