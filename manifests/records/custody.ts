/** The custody log: who gave what to whom, an event a line, each line chained to the one before (docs/formats.md, "custody.jsonl"). */

import { hex } from "../encoding/bytes.ts";
import { canonicalBytes, readCanonical } from "../encoding/canonical-json.ts";
import { Lines } from "../encoding/lines.ts";
import {
  hexText,
  integer,
  literal,
  nullable,
  object,
  oneOf,
  type Read,
  type Reader,
  text,
  utc,
} from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { runKinds, type Transcript } from "./transcript.ts";

export const assetKinds = [
  "hsm",
  "token",
  "stick",
  "computer",
  "bag",
  "safe-key",
  "paper",
  "share-envelope",
  "other",
] as const;

const personId = text(32, { pattern: /^[a-z][a-z0-9-]*$/ });
export const assetId = text(32, { pattern: /^[a-z0-9][a-z0-9-]*$/ });
/** What is written on a thing or on its seal: no blank at either end. */
export const thingNumber = text(64, { pattern: /^\S(?:.*\S)?$/ });
export const placeName = text(100, { pattern: /^\S(?:.*\S)?$/ });
const readPerson = object({ id: personId, name: text(100) });

const readPersonParty = object({ id: personId, kind: literal("person"), name: text(100) });
const readPlaceParty = object({ by: readPerson, kind: oneOf(["outside", "place"]), name: placeName });

/** A person, a place, or somebody outside of this log; for the last two `by` is the person who put it there or took it from there. */
export type Party = Read<typeof readPersonParty> | Read<typeof readPlaceParty>;

const readParty: Reader<Party> = (value, path) => {
  const isPerson = typeof value === "object" && value !== null && "kind" in value && value.kind === "person";
  return isPerson ? readPersonParty(value, path) : readPlaceParty(value, path);
};

const readEventValue = object({
  appliance: text(64),
  archive: text(64),
  asset: assetId,
  /** SHA-256 of the last entry of the ceremony's record when this was written: it is found in the transcript again */
  ceremony: hexText(),
  description: text(200),
  /** what was recorded as not as planned; null: everything was as the log and the ceremony file say */
  deviation: nullable(text(4096)),
  from: readParty,
  kind: oneOf(assetKinds),
  /** the seal that it was given at this hand-over; null: it kept the one that it had */
  nextSeal: nullable(thingNumber),
  number: integer(1),
  /** SHA-256 of the line before, without its line feed; null for number 1 */
  previous: nullable(hexText()),
  run: oneOf(runKinds),
  /** seal and serial number as they were read from the thing */
  seal: nullable(thingNumber),
  serial: nullable(thingNumber),
  time: utc,
  to: readParty,
  type: literal("custody"),
  version: literal(1),
});

export type CustodyEvent = Read<typeof readEventValue>;

/** An asset by its last event. */
export interface Held {
  readonly custodian: Party;
  readonly seal: string | null;
  readonly event: CustodyEvent;
}

export interface CustodyLog {
  readonly events: readonly CustodyEvent[];
  /** by the asset's id */
  readonly held: ReadonlyMap<string, Held>;
  /** SHA-256 of the last line, hex; null while there is none */
  readonly head: string | null;
}

export const emptyLog: CustodyLog = { events: [], held: new Map(), head: null };

const longestLine = 16 << 10;

/**
 * Reads a whole log. Refuses JSON, SHAPE; CHAIN when a line is missing, changed or out of order, and where somebody gave what
 * by the log was another's, with another seal or serial number, and no deviation says so.
 */
export async function readCustodyLog(host: Host, bytes: Uint8Array): Promise<CustodyLog> {
  const lines = new Lines(longestLine);
  const events: CustodyEvent[] = [];
  const held = new Map<string, Held>();
  let head: string | null = null;
  for (const line of lines.push(bytes)) {
    const event = readEventValue(readCanonical(line), `line ${events.length + 1}`);
    checkFollows({ events, held, head }, event);
    events.push(event);
    held.set(event.asset, heldAfter(event));
    head = hex(await host.digest("sha256", line));
  }
  lines.end();
  return { events, held, head };
}

/** Number, digest before and time are the log's to say. */
export type NewEvent = Omit<CustodyEvent, "number" | "previous" | "type" | "version">;

/** The log with one more event, and its line without a line feed. The time is never before the last one's. Refuses SHAPE, and CHAIN as `readCustodyLog`. */
export async function withEvent(
  host: Host,
  log: CustodyLog,
  made: NewEvent,
): Promise<{ readonly log: CustodyLog; readonly line: Uint8Array }> {
  const last = log.events.at(-1);
  const time = last && last.time > made.time ? last.time : made.time;
  const line = canonicalBytes({
    ...made,
    number: log.events.length + 1,
    previous: log.head,
    time,
    type: "custody",
    version: 1,
  });
  const event = readEventValue(readCanonical(line), "event");
  checkFollows(log, event);
  return {
    line,
    log: {
      events: [...log.events, event],
      held: new Map(log.held).set(event.asset, heldAfter(event)),
      head: hex(await host.digest("sha256", line)),
    },
  };
}

/** The fact of a hand-over, in its ceremony's transcript, that names its line: SHA-256, hex. */
export const lineFact = "log line";

/**
 * The lines that a transcript names, by their digests: that of each hand-over, and the log's head as it was seen at the beginning and at the end. By the chain each names all
 * before it too, so that whoever signed the transcript vouches for the log up to there. None where it is of another ceremony.
 */
export function linesNamed({ ceremony, entries }: Pick<Transcript, "ceremony" | "entries">): ReadonlySet<string> {
  if (ceremony !== "custody") return new Set();
  const named = entries
    .filter(({ kind }) => kind === "done")
    .flatMap(({ facts, shown, step }) => [
      facts[lineFact],
      step === "log" ? facts.head : undefined,
      ...shown.map(({ digest }) => digest),
    ]);
  return new Set(named.filter((digest) => digest !== undefined));
}

export interface Difference {
  readonly what: string;
  readonly expected: string;
  readonly got: string;
}

/** In what an asset is not as the log has it. Nothing for one that comes from outside for the first time. */
export function notAsLogged(
  known: Held | undefined,
  now: Pick<CustodyEvent, "from" | "kind" | "seal" | "serial">,
): readonly Difference[] {
  if (!known) {
    if (now.from.kind === "outside") return [];
    return [{ what: "custodian", expected: "from outside: the log does not know it", got: partyText(now.from) }];
  }
  const pairs: readonly (readonly [string, string, string])[] = [
    ["custodian", partyText(known.custodian), partyText(now.from)],
    ["kind", known.event.kind, now.kind],
    ["serial number", known.event.serial ?? "none", now.serial ?? "none"],
    ["seal", known.seal ?? "none", now.seal ?? "none"],
  ];
  return pairs
    .filter(([, expected, got]) => expected !== got)
    .map(([what, expected, got]) => ({ what, expected, got }));
}

/** A custodian in words; equal words are the same custodian. Who acted for a place does not count. */
export function partyText(party: Party): string {
  switch (party.kind) {
    case "person":
      return `${party.name} (${party.id})`;
    case "place":
      return `place: ${party.name}`;
    case "outside":
      return `outside: ${party.name}`;
  }
}

/** The person who gave or took. */
export function actorOf(party: Party): { readonly id: string; readonly name: string } {
  return party.kind === "person" ? { id: party.id, name: party.name } : party.by;
}

function heldAfter(event: CustodyEvent): Held {
  return { custodian: event.to, seal: event.nextSeal ?? event.seal, event };
}

function checkFollows({ events, held, head }: CustodyLog, event: CustodyEvent): void {
  const number = events.length + 1;
  if (event.number !== number) throw broken("custody events are not counted from 1", `${number}`, `${event.number}`);
  if (event.previous !== head) {
    throw broken(`custody event ${number} follows another line`, head ?? "null", event.previous ?? "null");
  }
  const last = events.at(-1);
  if (last && last.time > event.time) {
    throw broken(`custody event ${number} is older than the one before`, last.time, event.time);
  }
  if (last && (last.appliance !== event.appliance || last.run !== event.run)) {
    const [expected, got] = [last, event].map(({ appliance, run }) => `${appliance}, ${run}`) as [string, string];
    throw broken(`custody event ${number} is of another box or another kind of run`, expected, got);
  }
  const [difference] = notAsLogged(held.get(event.asset), event);
  if (!difference || event.deviation !== null) return;
  const { what, expected, got } = difference;
  throw broken(`custody event ${number}: another ${what} of ${event.asset} than the log says`, expected, got);
}

function broken(message: string, expected: string, got: string): Refusal {
  return new Refusal("CHAIN", message, { expected, got });
}
