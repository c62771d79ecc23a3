/** Custody logs for tests: events as given, chained as they come. */

import { nodeHost } from "../../../host/crypto-host.ts";
import { concat, utf8 } from "../../../manifests/encoding/bytes.ts";
import { type CustodyLog, emptyLog, type NewEvent, type Party, withEvent } from "../../../manifests/records/custody.ts";

export const person = (id: string): Party => ({ id, kind: "person", name: `Person ${id}` });
export const place = (name: string): Party => ({ by: { id: "sam", name: "Person sam" }, kind: "place", name });
export const outside = (name: string): Party => ({ by: { id: "sam", name: "Person sam" }, kind: "outside", name });

export function event(asset: string, from: Party, to: Party, more: Partial<NewEvent> = {}): NewEvent {
  return {
    appliance: "box-1",
    archive: "2026-004",
    asset,
    ceremony: "0a".repeat(32),
    description: `the ${asset}`,
    deviation: null,
    from,
    kind: "token",
    nextSeal: null,
    run: "live",
    seal: "B-1",
    serial: "6F2C",
    time: "2026-11-26T12:00:00Z",
    to,
    ...more,
  };
}

export interface MadeLog {
  readonly bytes: Uint8Array;
  /** without line feeds */
  readonly lines: readonly Uint8Array[];
  readonly log: CustodyLog;
}

export async function logOf(events: readonly NewEvent[]): Promise<MadeLog> {
  const lines: Uint8Array[] = [];
  let log = emptyLog;
  for (const one of events) {
    const made = await withEvent(nodeHost, log, one);
    lines.push(made.line);
    log = made.log;
  }
  return { bytes: bytesOf(lines), lines, log };
}

export function bytesOf(lines: readonly Uint8Array[]): Uint8Array {
  return concat(lines.flatMap((line) => [line, utf8("\n")]));
}

/** Three events: from outside, into a new seal, and by a deviation from somebody who does not hold it. */
export const usualEvents: readonly NewEvent[] = [
  event("token-1", outside("Supplier"), person("op1"), { nextSeal: "B-2" }),
  event("key-1", outside("Locksmith"), place("safe 2"), { kind: "safe-key", serial: null, seal: null }),
  event("token-1", person("op2"), place("safe 2"), { deviation: "found in a drawer", seal: "B-2" }),
];
