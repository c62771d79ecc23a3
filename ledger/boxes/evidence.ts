/** Files of evidence in the store, by the SHA-256 of the whole, each once: in pieces, so that none is in memory as a whole unless it is small. */

import { closeSync, openSync, readSync } from "node:fs";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { concat } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Sql } from "../store/database.ts";

const pieceBytes = 1 << 20;
const columns = ["file", "piece", "bytes"];

/** Keeps a small file; gives its digest. */
export async function keepBytes(sql: Sql, bytes: Uint8Array): Promise<Uint8Array> {
  const file = sha256(bytes);
  if (await isKept(sql, file)) return file;
  const rows: (readonly [Uint8Array, number, Uint8Array])[] = [];
  for (let at = 0, piece = 0; at < bytes.length || piece === 0; at += pieceBytes, piece++) {
    rows.push([file, piece, bytes.subarray(at, at + pieceBytes)]);
  }
  await sql.insert("evidence", columns, rows);
  return file;
}

/** Keeps a file of a private copy, which nobody else writes; gives its digest. Refuses STORE. */
export async function keepFile(sql: Sql, path: string): Promise<Uint8Array> {
  const hasher = nodeHost.hasher("sha256");
  let size = 0;
  for (const bytes of piecesOfFile(path)) {
    hasher.update(bytes);
    size += bytes.length;
  }
  const file = await hasher.digest();
  if (await isKept(sql, file)) return file;
  await sql.insert("evidence", columns, rowsOf(path, file, size));
  return file;
}

/** A file in pieces. Refuses STORE where it is not there. */
export async function* evidencePieces(sql: Sql, file: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let piece = 0; ; piece++) {
    const bytes = await kept(sql, file, piece);
    if (!bytes && piece === 0)
      throw new Refusal("STORE", "a file of evidence is not in the store", { about: file.toHex() });
    if (!bytes) return;
    yield bytes;
    if (bytes.length < pieceBytes) return;
  }
}

/** How many pieces there are of a file; 0: none. */
export async function countPieces(sql: Sql, file: Uint8Array): Promise<number> {
  const row = await sql.get<{ last: number | null }>("SELECT max(piece) AS last FROM evidence WHERE file = ?", file);
  return row?.last == null ? 0 : row.last + 1;
}

/** One piece of a file. Refuses STORE where it is not there. */
export async function pieceOf(sql: Sql, file: Uint8Array, piece: number): Promise<Uint8Array> {
  const bytes = await kept(sql, file, piece);
  if (bytes) return bytes;
  const got = `no piece ${piece}`;
  throw new Refusal("STORE", "a piece of evidence is not in the store", { got, about: file.toHex() });
}

/** A whole file, which is of a kind that fits into memory. Refuses STORE. */
export async function wholeEvidence(sql: Sql, file: Uint8Array): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of evidencePieces(sql, file)) pieces.push(piece);
  return concat(pieces);
}

/** A file of one piece. Refuses STORE. */
export async function smallEvidence(sql: Sql, file: Uint8Array): Promise<Uint8Array> {
  for await (const bytes of evidencePieces(sql, file)) if (bytes.length < pieceBytes) return bytes;
  throw new Refusal("STORE", "a file of evidence is larger than was expected", { about: file.toHex() });
}

async function kept(sql: Sql, file: Uint8Array, piece: number): Promise<Uint8Array | undefined> {
  const row = await sql.get<{ bytes: Uint8Array }>(
    "SELECT bytes FROM evidence WHERE file = ? AND piece = ?",
    file,
    piece,
  );
  return row?.bytes;
}

async function isKept(sql: Sql, file: Uint8Array): Promise<boolean> {
  return (await sql.get("SELECT piece FROM evidence WHERE file = ? AND piece = 0", file)) !== undefined;
}

function* rowsOf(path: string, file: Uint8Array, size: number): Generator<readonly [Uint8Array, number, Uint8Array]> {
  let piece = 0;
  let length = 0;
  for (const bytes of piecesOfFile(path)) {
    length += bytes.length;
    yield [file, piece++, bytes];
  }
  if (piece === 0) yield [file, 0, new Uint8Array(0)];
  if (length !== size) throw new Refusal("STORE", "a private copy changed while it was stored", { about: path });
}

/** A file of a private copy, some of it at a time. Refuses STORE. */
export function* piecesOfFile(path: string): Generator<Uint8Array> {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, "r");
    for (;;) {
      const bytes = new Uint8Array(pieceBytes);
      let length = 0;
      for (let got = -1; got !== 0 && length < pieceBytes; length += got) {
        got = readSync(descriptor, bytes, length, pieceBytes - length, null);
      }
      if (length > 0) yield bytes.subarray(0, length);
      if (length < pieceBytes) return;
    }
  } catch (fault) {
    if (fault instanceof Refusal) throw fault;
    throw new Refusal("STORE", "a private copy cannot be read", { about: path, cause: fault });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
