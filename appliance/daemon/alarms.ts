/** T27: what is plugged in and refused goes to the journal, once each, and never so often that it fills a disk. Pure. */

import type { Json } from "../../manifests/encoding/canonical-json.ts";
import type { StickEvent } from "../client/mount-client.ts";

const minute = 60_000;
const rowsAMinute = 10;

export interface AlarmRow {
  /** the event's number: what was journalled up to there is not asked for again */
  readonly sequence: number;
  readonly kind: "usb-alarm" | "stick-refused" | "stick-torn";
  readonly record: { readonly [name: string]: Json };
}

/** Counts rows; what is more than ten in a minute is counted in the next row. */
export class Alarms {
  #minute = { began: Number.NEGATIVE_INFINITY, rows: 0 };
  #left = 0;

  /** The rows for some events, in their order. */
  rows(events: readonly StickEvent[], now: number): readonly AlarmRow[] {
    return events.flatMap((event) => {
      const kind = kindOf(event);
      if (kind === undefined) return [];
      if (now - this.#minute.began >= minute) this.#minute = { began: now, rows: 0 };
      if (this.#minute.rows >= rowsAMinute) {
        this.#left++;
        return [];
      }
      this.#minute.rows++;
      const { classes, id, off, refusal, sequence, serial } = event;
      const record = {
        classes,
        code: refusal?.code ?? null,
        device: id,
        got: refusal?.got ?? null,
        serial,
        switchedOff: off,
        unrecorded: this.#left,
      };
      this.#left = 0;
      return [{ sequence, kind, record }];
    });
  }
}

function kindOf({ kind }: StickEvent): AlarmRow["kind"] | undefined {
  switch (kind) {
    case "alarm":
      return "usb-alarm";
    case "refused":
      return "stick-refused";
    case "torn":
      return "stick-torn";
    case "plugged":
    case "pulled":
      return undefined;
  }
}
