/** `coldseal ledger reconcile`: seals in manifests, signatures that signer and HSM counted, documents and seals at the desk, each held against the others. */

import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { boxNamed, type EnrolledBox, enrolledBoxes } from "../boxes/enrolled.ts";
import type { Database, Sql } from "../store/database.ts";
import { type AgainstDesk, againstDesk } from "./against-desk.ts";
import { againstHsm, againstJournal, bookOfJournal, type KeyCount, keyCounts, ownLines } from "./against-signer.ts";
import { type Book, bookOf, type Line } from "./books.ts";
import { type DeskFacts, readDesks } from "./desk-folders.ts";
import type { HsmLog } from "./hsm-log.ts";
import type { SignerJournal } from "./signer-journal.ts";

export interface Others {
  readonly desk?: DeskFacts | undefined;
  readonly hsm?: HsmLog | undefined;
  readonly journal?: SignerJournal | undefined;
}

export interface Reconciled {
  readonly boxes: readonly {
    readonly appliance: string | null;
    readonly genesis: string;
    readonly manifests: number;
    readonly seals: number;
    readonly keys: readonly KeyCount[];
  }[];
  readonly desk: AgainstDesk["count"] | null;
  /** what was named to hold the books against */
  readonly against: { readonly desk: boolean; readonly hsm: string | null; readonly journal: string | null };
  readonly unexplained: readonly Line[];
  readonly explained: readonly Line[];
}

/** The folders are read, which may take hours, while nothing of the store is held. `look`: reads them. Refuses CHAIN, LEDGER-BOX, MEDIA-*, STORE. */
export async function reconcileFolders(
  db: Pick<Database, "reading">,
  box: string | undefined,
  { folders, ...others }: Omit<Others, "desk"> & { readonly folders: readonly string[] | undefined },
  now: () => Utc,
  look: typeof readDesks = readDesks,
): Promise<Reconciled> {
  const arcs = await db.reading(async (sql) => {
    if (box !== undefined) await boxNamed(sql, box);
    return (await enrolledBoxes(sql)).map(({ arc }) => arc);
  });
  const desk = folders && (await look(folders, [...new Set([...arcs, documentationArc])].map(ownOids)));
  return db.reading(async (sql) => {
    const all = await enrolledBoxes(sql);
    const asked = box === undefined ? all : [await boxNamed(sql, box)];
    return reconcile(sql, { all, asked }, { ...others, desk }, now());
  });
}

/** `all`: every box that is enrolled; `asked`: those that are asked about. Refuses CHAIN, STORE. */
export async function reconcile(
  sql: Sql,
  { all, asked }: { readonly all: readonly EnrolledBox[]; readonly asked: readonly EnrolledBox[] },
  { desk, hsm, journal }: Others,
  now: Utc,
): Promise<Reconciled> {
  const wanted = new Set(asked.map(({ genesis }) => genesis));
  const books: Book[] = [];
  for (const box of all) if (wanted.has(box.genesis) || desk) books.push(await bookOf(sql, box, now));
  const own = books.filter(({ box }) => wanted.has(box.genesis));
  const lines: Line[] = own.flatMap(ownLines);
  const journaled = journal && bookOfJournal(own, journal);
  if (journal && journaled) lines.push(...againstJournal(journaled, journal, now));
  if (hsm) lines.push(...againstHsm(own, hsm, journal));
  const held = desk && (await againstDesk(sql, books, wanted, desk));
  if (held) lines.push(...held.lines);
  return {
    boxes: own.map((book) => ({
      appliance: book.appliance,
      genesis: book.box.genesis,
      manifests: book.manifests.length,
      seals: book.manifests.reduce((total, { seals }) => total + seals, 0),
      keys: keyCounts(book, book === journaled ? journal : undefined, hsm),
    })),
    desk: held?.count ?? null,
    against: {
      desk: desk !== undefined,
      hsm: hsm?.source ?? null,
      journal: journal ? `rows ${journal.from} to ${journal.to}, until ${journal.until}` : null,
    },
    unexplained: lines.filter(({ explained }) => !explained),
    explained: lines.filter(({ explained }) => explained),
  };
}
