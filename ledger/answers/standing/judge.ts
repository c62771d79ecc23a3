/** Asks the store what has become of what manifests of a box sealed: for `find`, `show` and `list`. */

import { fromHex, hex } from "../../../manifests/encoding/bytes.ts";
import type { Utc } from "../../../manifests/encoding/shape.ts";
import { type Manifest, readManifest } from "../../../manifests/records/manifest.ts";
import { type Certificate, readCertificate } from "../../../manifests/x509/certificate.ts";
import { standingRound } from "../../anchor/stored-chains.ts";
import { linked, manifestRow } from "../../boxes/chain-rows.ts";
import { closingsOf } from "../../boxes/closings.ts";
import type { EnrolledBox } from "../../boxes/enrolled.ts";
import type { Sql } from "../../store/database.ts";
import { boxWords } from "./box-words.ts";
import { digestsOf, type Lists, listsOf, newestCertificates, pathsOf, revokedByIssuers } from "./issuers-words.ts";
import { type Asked, type BoxWords, type Mark, marksOf, type TakenBack } from "./marks.ts";

/** What revocation was judged by, as far as records came in. */
export interface JudgedBy {
  /** the newest policy that is here; 0: none */
  readonly policy: number;
  /** orders that revoke a key or let manifests be sealed once more, and ceremonies that found a key compromised */
  readonly words: number;
  /** CRLs and OCSP responses, of bundles and the asker's */
  readonly lists: number;
}

/** Asked of one box; read once. */
export class Standing {
  readonly #sql: Sql;
  readonly #enrolled: EnrolledBox;
  readonly #now: Utc;
  readonly #words: BoxWords;
  readonly #lists: Lists;
  readonly #byIssuers = new Map<string, readonly TakenBack[]>();
  /** by row */
  readonly #marks = new Map<number, readonly Mark[]>();
  /** by sealing key */
  readonly #beside = new Map<string, readonly Certificate[]>();
  #roots: readonly Certificate[] | undefined;
  #closings: ReturnType<typeof closingsOf> | undefined;
  readonly judgedBy: JudgedBy;

  private constructor(
    { enrolled, now, sql }: { readonly sql: Sql; readonly enrolled: EnrolledBox; readonly now: Utc },
    words: BoxWords,
    lists: Lists,
    policy: number,
  ) {
    this.#sql = sql;
    this.#enrolled = enrolled;
    this.#now = now;
    this.#words = words;
    this.#lists = lists;
    const { compromised, revoked } = words;
    this.judgedBy = {
      policy,
      words: compromised.length + revoked.length,
      lists: lists.crls.length + lists.ocsp.length,
    };
  }

  /** `own`: lists of the asker's. Good within the transaction. Refuses STORE. */
  static async of(sql: Sql, enrolled: EnrolledBox, now: Utc, own: Lists = { crls: [], ocsp: [] }): Promise<Standing> {
    const held = await listsOf(sql, enrolled.box);
    const lists = { crls: [...held.crls, ...own.crls], ocsp: [...held.ocsp, ...own.ocsp] };
    const newest = await sql.get<{ number: number | null }>(
      "SELECT max(number) AS number FROM box_policies WHERE box = ?",
      enrolled.box,
    );
    return new Standing({ sql, enrolled, now }, await boxWords(sql, enrolled), lists, newest?.number ?? 0);
  }

  /** By the digest of the content, hex. */
  async marksOf(digest: string): Promise<readonly Mark[]> {
    const row = await manifestRow(this.#sql, this.#enrolled.box, digest);
    return row === undefined ? [] : this.marks(row);
  }

  /** By when a manifest is proven to have existed, by time-stamps of others than the box; null: it waits for them. */
  async provenOf(digest: string): Promise<Utc | null> {
    const row = await manifestRow(this.#sql, this.#enrolled.box, digest);
    return (row === undefined ? undefined : await provenBy(this.#sql, row)) ?? null;
  }

  /** Of a row of box_manifests; judged once. */
  async marks(row: number): Promise<readonly Mark[]> {
    const known = this.#marks.get(row) ?? (await this.#judge(row));
    this.#marks.set(row, known);
    return known;
  }

  async #judge(row: number): Promise<readonly Mark[]> {
    const sql = this.#sql;
    const stored = await sql.get<{ content: Uint8Array; digest: Uint8Array }>(
      "SELECT content, digest FROM box_manifests WHERE manifest = ?",
      row,
    );
    if (!stored) return [];
    const manifest = readManifest(stored.content);
    const { box, roots } = this.#enrolled;
    const { key } = manifest.keys.sealing;
    const beside = this.#beside.get(key) ?? (await newestCertificates(sql, box, key));
    this.#beside.set(key, beside);
    this.#roots ??= roots.map(readCertificate);
    const paths = await pathsOf(sql, this.#roots, row, manifest, beside);
    const byIssuers = new Map<string, TakenBack>();
    for (const path of [paths.sealing, paths.audit]) {
      if (!path || this.judgedBy.lists === 0) continue;
      const leaf = digestsOf(path, roots)[0] ?? "";
      const found = this.#byIssuers.get(leaf) ?? (await revokedByIssuers(path, this.#lists, this.#now));
      this.#byIssuers.set(leaf, found);
      for (const one of found) byIssuers.set(one.certificate, one);
    }
    const asked: Asked = {
      manifest,
      proven: await provenBy(sql, row),
      paths: { sealing: digestsOf(paths.sealing, roots), audit: digestsOf(paths.audit, roots) },
      sameBatch: await sealedSame(sql, box, row, manifest),
      closings: await this.#closingsOver(manifest, hex(stored.digest)),
    };
    return marksOf(asked, { ...this.#words, takenBack: [...this.#words.takenBack, ...byIssuers.values()] });
  }

  /** What closing records say of a manifest of an emergency; they are read when the first one is asked for. */
  async #closingsOver(manifest: Manifest, digest: string): Promise<Asked["closings"]> {
    const { emergency } = manifest;
    if (!emergency) return [];
    this.#closings ??= closingsOf(this.#sql, this.#enrolled.box);
    const own = (await this.#closings).get(emergency.order) ?? [];
    return own.map(({ closing, entry, lists }) => ({
      ended: closing.ended.time,
      entry,
      lists: lists({ ...manifest, digest }),
    }));
  }
}

/** By the first token of the first round over it that stands; undefined: it waits. */
async function provenBy(sql: Sql, row: number): Promise<Utc | undefined> {
  const round = await standingRound(sql, row);
  if (round === undefined) return undefined;
  const token = await sql.get<{ latest: Utc }>(
    "SELECT latest FROM anchor_tokens WHERE round = ? ORDER BY chain, position LIMIT 1",
    round,
  );
  return token?.latest;
}

/** Numbers of others in the chain that sealed the same batch. */
async function sealedSame(sql: Sql, box: number, row: number, { request }: Manifest): Promise<readonly number[]> {
  const rows = await sql.all<{ number: number }>(
    `SELECT m.number FROM box_manifests m JOIN chain_links l ON l.manifest = m.manifest AND ${linked}
      WHERE m.box = ? AND m.identity = ? AND m.outcome = 'sealed' AND m.manifest <> ? ORDER BY m.number LIMIT 1000`,
    box,
    fromHex(request.identity),
    row,
  );
  return rows.map(({ number }) => number);
}

/** Of several boxes, each read once. */
export class Standings {
  readonly #sql: Sql;
  readonly #now: Utc;
  readonly #own: Lists | undefined;
  readonly #known = new Map<number, Standing>();

  constructor(sql: Sql, now: Utc, own?: Lists) {
    this.#sql = sql;
    this.#now = now;
    this.#own = own;
  }

  async of(enrolled: EnrolledBox): Promise<Standing> {
    const known = this.#known.get(enrolled.box) ?? (await Standing.of(this.#sql, enrolled, this.#now, this.#own));
    this.#known.set(enrolled.box, known);
    return known;
  }
}
