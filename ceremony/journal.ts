/** The signer's journal: reading rows, and having the whole chain checked. */

import { count } from "../host/terminal/amounts.ts";
import { cut, wrapped } from "../host/terminal/table.ts";
import { fromUtf8 } from "../manifests/encoding/bytes.ts";
import type { Json } from "../manifests/encoding/canonical-json.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { Sitting } from "./ports.ts";
import { asNumber, asText, members } from "./shown-json.ts";

type Row = { readonly [name: string]: Json };

/** Prints journal rows, one a line. Refuses with FRAME what is no JSON. */
export async function journal(sitting: Sitting, from: number, limit: number): Promise<void> {
  const lines = fromUtf8(await sitting.signer.journal(from, limit)).split("\n");
  const rows = lines.filter((line) => line !== "").map(readRow);
  sitting.output.say(...(rows.length === 0 ? ["No rows there."] : rows.flatMap(journalLines)));
  sitting.output.document({ rows });
}

/** `    12  2026-11-23 12:04:11Z  manifest      number 3, outcome sealed`; more facts on lines below. */
export function journalLines(row: Row): string[] {
  const time = (asText(row.time) ?? "?").replace("T", " ");
  const kind = shown(asText(row.kind) ?? "?").padEnd(13);
  const facts = Object.entries(recordOf(row)).map(([name, value]) => `${shown(name)} ${factText(value)}`);
  const head = `${String(asNumber(row.sequence) ?? "?").padStart(6)}  ${shown(time)}  ${kind} `;
  const [first = "", ...rest] = wrapped(facts.join(", "), 80 - head.length);
  return [head + first, ...rest.map((line) => " ".repeat(head.length) + line)];
}

/** Has the signer check every row of its journal and its manifests. Refuses with CHAIN, naming the first wrong row. */
export async function verifyJournal(sitting: Sitting): Promise<void> {
  const answer = members(await sitting.signer.verifyJournal());
  const rows = asNumber(answer.rows) ?? 0;
  const manifests = asNumber(answer.manifests) ?? 0;
  sitting.output.say(
    sitting.output.style.good(`The journal holds: ${count(rows, "row")}, ${count(manifests, "manifest")}.`),
    `Head, SHA-256: ${shown(asText(answer.head) ?? "?")}`,
  );
  sitting.output.document({ ...answer });
}

function readRow(line: string): Row {
  try {
    return members(JSON.parse(line) as Json);
  } catch (cause) {
    throw new Refusal("FRAME", "a row of the journal cannot be read", { cause });
  }
}

/** The record, which may also be its canonical text; another text is shown as it is. */
function recordOf({ record }: Row): Row {
  if (typeof record !== "string") return members(record);
  try {
    return members(JSON.parse(record) as Json);
  } catch {
    return { record };
  }
}

/** Digests and nested facts are cut to what the eye can hold; `--json` gives them whole. */
function factText(value: Json): string {
  if (typeof value === "string") return /^[0-9a-f]{64,}$/.test(value) ? `${value.slice(0, 16)}…` : shown(value);
  return cut(shown(JSON.stringify(value)), 30);
}
