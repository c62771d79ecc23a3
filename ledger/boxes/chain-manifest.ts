/**
 * One manifest, one transaction: what is verified is kept, goes into its box's chain and the log where it is its turn, or waits, or is in dispute; and what waited
 * goes on. Interrupted anywhere, the same again ends the same: nothing is lost, nothing is there twice.
 */

import { hex } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { type OfManifest, WrittenRecord } from "../../manifests/log/entry.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import { inOneLine, Refusal } from "../../manifests/refusal.ts";
import type { Appended } from "../log/append.ts";
import { type SaltedRecord, type SaltedSeals, saltRecords } from "../log/salted-records.ts";
import type { Sql } from "../store/database.ts";
import { addDispute, addLink, chainAround, manifestRow, openDisputes, settle } from "./chain-rows.ts";
import {
  type Arrival,
  advance,
  arrive,
  breaksRules,
  type ChainState,
  nextNumber,
  type Standing,
  type Step,
} from "./chain-state.ts";
import { completeManifest, fileOf, type HeldRecord, keepManifest, listLines, listPath } from "./keep-manifest.ts";
import type { KnownBox } from "./known-box.ts";
import { brokenRules } from "./rules.ts";

/** Puts records into the log, within the transaction; their indexes. What is there already has the one that it had. */
export type Append = (sql: Sql, records: Appended) => Promise<readonly number[]>;

/** What became of a manifest. */
export type Taken =
  | { readonly kind: "chained"; readonly number: number; readonly entry: number; readonly entries: number }
  | { readonly kind: "waits"; readonly number: number; readonly next: number }
  | { readonly kind: "disputed"; readonly number: number; readonly finding: string }
  | { readonly kind: "known"; readonly number: number; readonly as: Standing }
  /** known by its digests before; now its seals are here and verified */
  | { readonly kind: "completed"; readonly number: number };

/** Takes a record that holds. */
export async function takeRecord(
  sql: Sql,
  append: Append,
  known: KnownBox,
  record: HeldRecord,
  now: Utc,
): Promise<Taken> {
  const { box } = known.enrolled;
  const { number, previous } = record.manifest;
  const arrival: Arrival = { number, digest: record.digest, previous };
  const before = await chainAround(sql, known.enrolled, number);
  const { step } = arrive(before, arrival);
  if (step.kind === "known") {
    const row = await manifestRow(sql, box, record.digest);
    if (row === undefined) throw new Refusal("INTERNAL", "a manifest that is known has no row");
    const completed = await completeManifest(sql, row, record, now);
    return completed ? { kind: "completed", number } : { kind: "known", number, as: step.as };
  }
  await keepManifest(sql, box, record, now);
  return put({ sql, append, known, now, salted: record.salted }, before, step);
}

/** Goes on with the chain of a box by one step; undefined: nothing can be done. */
export async function goOn(sql: Sql, append: Append, known: KnownBox, now: Utc): Promise<Taken | undefined> {
  const { box } = known.enrolled;
  const disputes = await openDisputes(sql, box);
  const numbers = disputes.map(({ number }) => number);
  for (const number of numbers.length > 0 ? numbers : [undefined]) {
    const state = await chainAround(sql, known.enrolled, number ?? (await turnOf(sql, known)));
    const next = advance(state);
    if (!next || next.step.kind === "known" || next.step.kind === "wait") continue;
    for (const one of disputes) {
      if (!next.state.disputes.some((open) => open.number === one.number)) await settle(sql, one.dispute, null, now);
    }
    return put({ sql, append, known, now }, state, next.step);
  }
  return undefined;
}

async function turnOf(sql: Sql, { enrolled }: KnownBox): Promise<number> {
  return nextNumber(await chainAround(sql, enrolled, 1));
}

interface Work {
  readonly sql: Sql;
  readonly append: Append;
  readonly known: KnownBox;
  readonly now: Utc;
  /** of the manifest that is taken */
  readonly salted?: HeldRecord["salted"];
}

/** Writes a step down; the manifest is kept already. */
async function put(work: Work, before: ChainState, step: Exclude<Step, { kind: "known" }>): Promise<Taken> {
  const { known, now, sql } = work;
  const { box } = known.enrolled;
  const { number } = step.manifest;
  switch (step.kind) {
    case "wait":
      return { kind: "waits", number, next: step.next };
    case "dispute":
      return dispute(work, step, disputeWords(before, step.manifest));
    case "chain": {
      const row = await manifestRow(sql, box, step.manifest.digest);
      const content = row === undefined ? undefined : await contentOf(sql, row);
      if (row === undefined || !content) throw new Refusal("INTERNAL", "a manifest that is its turn has no row");
      const [broken] = await brokenRules(sql, known, step.manifest.digest, readManifest(content));
      if (broken) {
        const stopped = breaksRules(before, step.manifest).step;
        if (stopped.kind === "dispute") return dispute(work, stopped, inOneLine(broken));
      }
      const entries = await appendManifest(work, row);
      const [entry = 0] = entries;
      await addLink(sql, { box, number, manifest: row, entry, via: step.via, now });
      return { kind: "chained", number, entry, entries: entries.length };
    }
  }
}

async function dispute(
  { known, now, sql }: Work,
  step: Extract<Step, { kind: "dispute" }>,
  finding: string,
): Promise<Taken> {
  await addDispute(sql, known.enrolled.box, step.dispute, { finding, now });
  return { kind: "disputed", number: step.manifest.number, finding };
}

/** The entry of the manifest, then one for each line of its list, in order and one after another. */
export async function appendManifest(
  { append, known, salted, sql }: Pick<Work, "append" | "known" | "salted" | "sql">,
  row: number,
): Promise<readonly number[]> {
  const content = await contentOf(sql, row);
  if (!content) throw new Refusal("INTERNAL", "a manifest to append has no row");
  const { appliance, number } = readManifest(content);
  const { genesis } = known.enrolled;
  const found = await sql.get<{ digest: Uint8Array }>("SELECT digest FROM box_manifests WHERE manifest = ?", row);
  const digest = hex(found?.digest ?? new Uint8Array(0));
  const box = { appliance, genesis, number, version: 1 } as const;
  const indexes = [...(await append(sql, [{ ...box, digest, type: "manifest" }]))];
  for await (const records of sealRecords(sql, row, { ...box, manifest: digest }, await salted)) {
    indexes.push(...(await append(sql, records)));
  }
  const [first = 0] = indexes;
  const stray = indexes.findIndex((index, at) => index !== first + at);
  if (stray < 0) return indexes;
  throw new Refusal("STORE", "the log holds the entries of a manifest in another order", {
    expected: `index ${first + stray}`,
    got: `${indexes[stray]}`,
  });
}

/** Those that were made already, where they are of this manifest and of the list that is stored with it. */
async function* sealRecords(
  sql: Sql,
  row: number,
  of: OfManifest,
  made: SaltedSeals | undefined,
): AsyncGenerator<readonly SaltedRecord[]> {
  const list = await fileOf(sql, row, listPath);
  if (made && list && made.manifest === of.manifest && made.list === hex(list)) return yield made.records;
  const recordOf = WrittenRecord.ofSeals(of);
  for await (const lines of listLines(sql, row)) yield await saltRecords(lines.map(recordOf));
}

async function contentOf(sql: Sql, row: number): Promise<Uint8Array | undefined> {
  return (await sql.get<{ content: Uint8Array }>("SELECT content FROM box_manifests WHERE manifest = ?", row))?.content;
}

function disputeWords(state: ChainState, { digest, number, previous }: Arrival): string {
  const here = state.at.get(number);
  const others = [...(here?.chained ? [here.chained] : []), ...(here?.waiting ?? [])].filter(
    (one) => one.digest !== digest,
  );
  if (others.length > 0)
    return `two manifests have number ${number}: ${others.map((one) => one.digest).join(", ")}, and ${digest}`;
  const before = number === 1 ? state.genesis : (state.at.get(number - 1)?.chained?.digest ?? "a continuity record");
  return `number ${number}, ${digest}, says that it follows ${previous}, and what is in the chain before it is ${before}`;
}
