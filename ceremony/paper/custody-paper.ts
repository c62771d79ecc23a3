/** A custody log on paper: who holds what, how it came there, the log's head, lines for ink. Pure. */

import { count } from "../../host/terminal/amounts.ts";
import {
  actorOf,
  type CustodyEvent,
  type CustodyLog,
  type Held,
  type Party,
  partyText,
} from "../../manifests/records/custody.ts";
import { shown } from "../../manifests/records/names.ts";
import { inkLines, labelled, paragraph } from "./lines.ts";
import { columns, type Paper, type PaperItem } from "./page.ts";
import { runWarning } from "./run-warning.ts";

/** Who looked on at a hand-over, by the transcript of its ceremony. */
export interface SeenBy {
  readonly witnesses: readonly { readonly id: string; readonly name: string }[];
  /** SHA-256 of the transcript's content, hex */
  readonly transcript: string;
}

export interface CustodySheet {
  /** at least one event */
  readonly log: CustodyLog;
  /** by the SHA-256 of an event's line, hex; what is not in it is left blank */
  readonly seen: ReadonlyMap<string, SeenBy>;
}

export function custodyPaper({ log, seen }: CustodySheet): Paper {
  const { events, held, head } = log;
  const last = events.at(-1) as CustodyEvent;
  const about = `custody of box ${shown(last.appliance)}`;
  const marked = `, as of event ${last.number}`;
  return {
    title: "Custody sheet",
    mark: about.slice(0, columns - marked.length) + marked,
    warning: runWarning[last.run],
    items: [
      ...labelled([
        ["box", last.appliance],
        ["events", `${count(events.length, "event")}, ${(events[0] as CustodyEvent).time} to ${last.time}`],
        ["chain", "each line follows the one before it"],
        [
          "not checked",
          "whether it is the log that was written, and all of it: nobody signs it, so compare its head with the signed record of the last custody ceremony; whether the certificates in its transcripts are the box's own",
        ],
        ["witnesses", witnessNote(events, seen, log)],
      ]),
      { heading: "Who holds what" },
      ...[...held].map(([id, one]) => ({ together: holderLines(id, one) })),
      ...[...held].flatMap(([id, one]) => assetItems(id, one, { log, seen })),
      {
        together: [
          { heading: "Head of the log: SHA-256 of its last line, in words" },
          { digest: head as string },
          "",
          `Event ${last.number}. Archive number ${"_".repeat(24)}  Date ${"_".repeat(16)}`,
          "",
          "Signed in ink by those who hold something, and by a witness:",
          "",
          ...inkLines([...holders(held), "Witness"]),
        ],
      },
    ],
  };
}

/** SHA-256 of an event's line, hex. */
export function lineDigest({ events, head }: CustodyLog, event: CustodyEvent): string {
  return events[event.number]?.previous ?? (head as string);
}

function witnessNote(events: readonly CustodyEvent[], seen: CustodySheet["seen"], log: CustodyLog): string {
  const known = events.filter((event) => seen.has(lineDigest(log, event))).length;
  if (known === 0) return "in the ceremonies' transcripts, of which none was found: write them in by hand";
  const rest = known === events.length ? "" : "; write in the others by hand";
  return `of ${known} of ${count(events.length, "event")}, by transcripts that all signed who were there${rest}`;
}

function holderLines(id: string, { custodian, seal }: Held): string[] {
  const [first = "", ...rest] = paragraph(`${id}: ${holderText(custodian)}; ${sealText(seal)}`, "    ");
  return [first.slice(2), ...rest];
}

function holderText(party: Party): string {
  if (party.kind === "person") return partyText(party);
  const { id, name } = actorOf(party);
  return `${partyText(party)}, brought there by ${name} (${id})`;
}

function sealText(seal: string | null): string {
  return seal === null ? "no seal" : `seal or bag ${seal}`;
}

function assetItems(id: string, { custodian, event, seal }: Held, { log, seen }: CustodySheet): PaperItem[] {
  const own = log.events.filter(({ asset }) => asset === id);
  return [
    { heading: `Asset ${id}` },
    ...labelled([
      ["what", `${event.kind}: ${event.description}`],
      ["serial no.", event.serial ?? "none"],
      ["held by", holderText(custodian)],
      ["since", `${event.time}, event ${event.number}`],
      ["in", sealText(seal)],
    ]),
    ...own.map((one) => ({ together: eventLines(one, event, { log, seen }) })),
  ];
}

function eventLines(event: CustodyEvent, last: CustodyEvent, { log, seen }: CustodySheet): string[] {
  const { archive, ceremony, description, deviation, from, kind, nextSeal, number, seal, serial, time, to } = event;
  const isSame = kind === last.kind && description === last.description && serial === last.serial;
  return [
    "",
    `  Event ${number}, ${time}`,
    ...(deviation === null ? [] : paragraph(`NOT AS PLANNED: ${deviation}`, "!! ")),
    ...labelled([
      ...(isSame ? [] : [["as", `${kind}: ${description}, serial no. ${serial ?? "none"}`] satisfies [string, string]]),
      ["from", actedText(from, "taken out by")],
      ["to", actedText(to, "put there by")],
      ["witness", witnessText(seen.get(lineDigest(log, event)))],
      ["came in", sealText(seal)],
      ["went in", nextSeal === null ? "the same" : sealText(nextSeal)],
      ["ceremony", `archive no. ${archive}, entry before it ${ceremony}`],
    ]),
  ];
}

function actedText(party: Party, acted: string): string {
  if (party.kind === "person") return partyText(party);
  const { id, name } = actorOf(party);
  return `${partyText(party)}, ${acted} ${name} (${id})`;
}

function witnessText(seen: SeenBy | undefined): string {
  if (!seen) return "_".repeat(40);
  const names = seen.witnesses.map(({ id, name }) => `${name} (${id})`).join(", ");
  return `${names || "nobody"}, by transcript ${seen.transcript.slice(0, 16)}...`;
}

/** Each person once who holds something or brought it to its place. */
function holders(held: CustodyLog["held"]): string[] {
  const all = [...held.values()]
    .filter(({ custodian }) => custodian.kind !== "outside")
    .map(({ custodian }) => actorOf(custodian));
  const byId = new Map(all.map(({ id, name }) => [id, `${name} (${id})`]));
  return [...byId.values()];
}
