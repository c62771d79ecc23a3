/** What the store has of a manifest, as the verifier's port: the same bytes that came in, and no documents. */

import { Refusal } from "../../manifests/refusal.ts";
import type { BundleSource } from "../../manifests/verify/source.ts";
import type { Sql } from "../store/database.ts";
import { evidencePieces } from "./evidence.ts";
import { fileOf, listLines } from "./keep-manifest.ts";

const sealForm = /^seals\/\d{4,}\/(\d{6,})-/;

/** Good within the transaction. Seals are in it where an outbox brought them. */
export function storedBundle(sql: Sql, manifest: number): BundleSource {
  let seals: Promise<readonly string[]> | undefined;
  async function* stream(path: string): AsyncGenerator<Uint8Array> {
    const index = Number(sealForm.exec(path)?.[1] ?? 0);
    if (index > 0) {
      const row = await sql.get<{ bytes: Uint8Array }>(
        "SELECT bytes FROM box_seals WHERE manifest = ? AND idx = ?",
        manifest,
        index,
      );
      if (!row) throw missing(path);
      yield row.bytes;
      return;
    }
    const file = await fileOf(sql, manifest, path);
    if (!file) throw missing(path);
    yield* evidencePieces(sql, file);
  }
  return {
    stream,
    read: async (path, limit) => {
      const pieces: Uint8Array[] = [];
      let length = 0;
      for await (const piece of stream(path)) {
        length += piece.length;
        if (length > limit) throw new Refusal("BUNDLE-FORM", `${path} is longer than ${limit} bytes`, { about: path });
        pieces.push(piece);
      }
      return pieces.length === 1 ? (pieces[0] as Uint8Array) : new Uint8Array(Buffer.concat(pieces));
    },
    list: async (folder) => {
      const below = folder === "" ? "" : `${folder}/`;
      const isSeals = folder === "" || folder === "seals" || folder.startsWith("seals/");
      const paths = await sql.all<{ path: string }>("SELECT path FROM manifest_files WHERE manifest = ?", manifest);
      seals ??= isSeals ? sealPaths(sql, manifest) : undefined;
      const all = isSeals
        ? [...paths.map(({ path }) => path), ...((await seals) ?? [])]
        : paths.map(({ path }) => path);
      const names = all
        .filter((path) => path.startsWith(below))
        .map((path) => path.slice(below.length).split("/")[0] as string);
      return [...new Set(names)];
    },
    documentDigest: async () => undefined,
  };
}

async function sealPaths(sql: Sql, manifest: number): Promise<readonly string[]> {
  const counted = await sql.get<{ n: number }>("SELECT count(*) AS n FROM box_seals WHERE manifest = ?", manifest);
  const paths: string[] = [];
  if ((counted?.n ?? 0) > 0)
    for await (const lines of listLines(sql, manifest)) for (const { entry } of lines) paths.push(entry.seal);
  return paths;
}

function missing(path: string): Refusal {
  return new Refusal("BUNDLE-FORM", `${path} is not in the store`, { about: path });
}
