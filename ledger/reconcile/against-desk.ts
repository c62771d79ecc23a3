/** The ledger's books against what lies at the desk: every seal there must be in a manifest's list, every document sealed, and the other way round. */

import { count as counted } from "../../host/terminal/amounts.ts";
import { fromHex } from "../../manifests/encoding/bytes.ts";
import { rangesOf, rangeText } from "../../manifests/records/number-ranges.ts";
import { listLines } from "../boxes/keep-manifest.ts";
import type { Sql } from "../store/database.ts";
import { BatchAnswers } from "./batch-answers.ts";
import { type Book, type BookedManifest, type Line, lineOf } from "./books.ts";
import type { DeskFacts, DeskSeal } from "./desk-folders.ts";

/** What the desk has, in numbers. */
export interface DeskCount {
  readonly documents: number;
  readonly sealedDocuments: number;
  /** each once, however often it lies there */
  readonly seals: number;
  /** of these in the list of a manifest */
  readonly knownSeals: number;
  /** not opened */
  readonly containers: number;
}

export interface AgainstDesk {
  readonly count: DeskCount;
  readonly lines: readonly Line[];
}

/** `books`: of all boxes that are enrolled; `asked`: genesis digests of those that are asked about. */
export async function againstDesk(
  sql: Sql,
  books: readonly Book[],
  asked: ReadonlySet<string>,
  desk: DeskFacts,
): Promise<AgainstDesk> {
  const lines: Line[] = desk.unread.map(({ file, why }) => lineOf("unread", `cannot be read: ${why}`, { file }));
  const documents = await findDocuments(sql, desk, lines);
  const seals = await findSeals(sql, books, desk.seals, lines);
  for (const book of books) {
    if (!asked.has(book.box.genesis)) continue;
    await ofBook(
      sql,
      book,
      { documents: documents.digests, seals: seals.known, hasDocuments: desk.documents.length > 0 },
      lines,
    );
  }
  if (desk.containers > 0) {
    const text = `${counted(desk.containers, "proof container")} not opened: what lies in them is not counted; name a folder with the answers that they were packed from`;
    lines.push(lineOf("unread", text, { explained: true }));
  }
  return {
    count: {
      documents: desk.documents.length,
      sealedDocuments: documents.sealed,
      seals: new Set(desk.seals.map(({ digest }) => digest)).size,
      knownSeals: [...seals.known.values()].reduce((total, { size }) => total + size, 0),
      containers: desk.containers,
    },
    lines,
  };
}

async function findDocuments(sql: Sql, { batches, documents }: DeskFacts, lines: Line[]) {
  const digests = new Set<string>();
  const answers = new BatchAnswers(batches);
  let sealed = 0;
  for (const { batch, digests: own, file } of documents) {
    for (const digest of own) digests.add(digest);
    if (await isSealed(sql, own)) {
      sealed += 1;
      continue;
    }
    const answer = batch === null ? undefined : answers.of(batch);
    const waits = answer === "open" ? "its batch has no answer yet" : undefined;
    const refused = answer?.startsWith("refused ") ? `its batch was ${answer}` : undefined;
    const why = waits ?? refused ?? "no box that is enrolled here sealed it";
    lines.push(
      lineOf("document-without-seal", `a document without seal: ${why}`, {
        file,
        explained: why === waits || why === refused,
      }),
    );
  }
  return { digests, sealed };
}

async function isSealed(sql: Sql, digests: readonly string[]): Promise<boolean> {
  for (const digest of digests) {
    const row = await sql.get(
      `SELECT d.idx FROM box_documents d JOIN box_manifests m ON m.manifest = d.manifest WHERE d.digest = ? AND m.outcome = 'sealed'
        AND NOT EXISTS (SELECT 1 FROM lost_manifests x WHERE x.manifest = m.manifest) LIMIT 1`,
      fromHex(digest),
    );
    if (row) return true;
  }
  return false;
}

/** Which indexes of which manifest (row) are at the desk. */
async function findSeals(sql: Sql, books: readonly Book[], seals: readonly DeskSeal[], lines: Line[]) {
  const known = new Map<number, Set<number>>();
  const places = Map.groupBy(seals, ({ appliance, number }) => `${number} ${appliance}`);
  const numbered = books.map(({ appliance, box, manifests }) => ({
    appliance,
    genesis: box.genesis,
    byNumber: Map.groupBy(manifests, ({ number }) => number),
  }));
  for (const own of places.values()) {
    const [first] = own as [DeskSeal, ...DeskSeal[]];
    const of_ = numbered.filter(({ appliance }) => appliance === first.appliance);
    if (of_.length === 0) {
      for (const { appliance, file, index, number } of own) {
        const text = `a seal of another box: it says ${appliance}, number ${number}, document ${index}, and no such box is enrolled here`;
        lines.push(lineOf("seal-of-another-box", text, { file, number }));
      }
      continue;
    }
    const left = new Map(own.map((seal) => [seal.file, seal]));
    const here = of_.flatMap(({ byNumber }) => byNumber.get(first.number) ?? []);
    for (const manifest of here) await strikeOff(sql, manifest, left, known);
    const box = of_.length === 1 ? (of_[0]?.genesis ?? null) : null;
    for (const { file, index, number } of left.values()) {
      const why = here.length > 0 ? "its list has another seal there, or none" : "no such number is here";
      lines.push(
        lineOf("seal", `a seal that no manifest lists: it says number ${number}, document ${index}, and ${why}`, {
          box,
          file,
          number,
        }),
      );
    }
  }
  return { known };
}

async function strikeOff(
  sql: Sql,
  { outcome, row }: BookedManifest,
  left: Map<string, DeskSeal>,
  known: Map<number, Set<number>>,
): Promise<void> {
  if (outcome !== "sealed" || left.size === 0) return;
  const wanted = Map.groupBy(left.values(), ({ index }) => index);
  const indexes = known.get(row) ?? new Set<number>();
  for await (const some of listLines(sql, row)) {
    for (const { entry } of some) {
      const { index, sealDigest } = entry;
      for (const seal of wanted.get(index) ?? []) {
        if (seal.digest !== sealDigest) continue;
        indexes.add(index);
        left.delete(seal.file);
      }
    }
  }
  known.set(row, indexes);
}

/** Most names of documents in one line. */
const mostNamed = 3;

async function ofBook(
  sql: Sql,
  { box: { genesis: box }, manifests }: Book,
  desk: {
    readonly documents: ReadonlySet<string>;
    readonly seals: ReadonlyMap<number, ReadonlySet<number>>;
    readonly hasDocuments: boolean;
  },
  lines: Line[],
): Promise<void> {
  // A desk has the batches of its own submitters.
  const ours = new Set(
    manifests.filter(({ row }) => (desk.seals.get(row)?.size ?? 0) > 0).map(({ submitter }) => submitter.key),
  );
  const others = new Map<string, number>();
  for (const { number, outcome, row, seals, submitter } of manifests) {
    if (outcome !== "sealed") continue;
    const there = desk.seals.get(row) ?? new Set<number>();
    if (!ours.has(submitter.key)) {
      others.set(submitter.name, (others.get(submitter.name) ?? 0) + seals);
      continue;
    }
    if (there.size === 0) {
      lines.push(
        lineOf("seals-not-at-desk", `number ${number}: none of its ${counted(seals, "seal")} is at the desk`, {
          box,
          number,
        }),
      );
      continue;
    }
    const absent: number[] = [];
    const bare: string[] = [];
    for await (const some of listLines(sql, row)) {
      for (const { entry } of some) {
        const { digest, index, name } = entry;
        if (!there.has(index)) absent.push(index);
        else if (desk.hasDocuments && !desk.documents.has(digest)) bare.push(`${index} ${name}`);
      }
    }
    if (absent.length > 0) {
      const which = rangesOf(absent).map(rangeText).join(", ");
      lines.push(
        lineOf("seals-not-at-desk", `number ${number}: the seals of documents ${which} are not at the desk`, {
          box,
          number,
        }),
      );
    }
    if (bare.length > 0) {
      const more = bare.length > mostNamed ? ` and ${bare.length - mostNamed} more` : "";
      const text = `number ${number}: ${counted(bare.length, "seal")} without document at the desk: ${bare.slice(0, mostNamed).join(", ")}${more}`;
      lines.push(lineOf("seal-without-document", text, { box, number }));
    }
  }
  for (const [name, seals] of others) {
    lines.push(
      lineOf("seals-not-at-desk", `${counted(seals, "seal")} for ${name}, of whom this desk has none`, {
        box,
        explained: true,
      }),
    );
  }
  if (!desk.hasDocuments)
    lines.push(
      lineOf("seal-without-document", "no document is in these folders: seals were not held against documents", {
        box,
        explained: true,
      }),
    );
}
