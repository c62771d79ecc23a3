/** What lies on media of a box that was lost: the copies that its ceremonies left, and the bundles that it gave out. */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { copyFolder } from "../box-copy.ts";
import { stickLogPath } from "../custody/box-log.ts";

/** Files of the copies, by their path in one; of one path the copy that knows most orders and policies counts. */
export function copiesOn(media: readonly string[], appliance: string): ReadonlyMap<string, Uint8Array> {
  const copies = media
    .map((one) => copyFolder(one, appliance))
    .filter((folder) => existsSync(join(folder, "signer.json")))
    .map((folder) => ({ folder, paths: [...filesBelow(folder, "")] }));
  if (copies.length === 0) {
    throw new Refusal("CONFIG", "no medium holds a copy of this box", {
      expected: `${copyFolder("MEDIUM", appliance)}/signer.json`,
      got: media.join(", "),
    });
  }
  copies.sort((a, b) => records(a.paths) - records(b.paths));
  const files = new Map<string, Uint8Array>();
  for (const { folder, paths } of copies) for (const path of paths) files.set(path, readLimited(join(folder, path)));
  return files;
}

/** The signer's configuration as it was last copied. Refuses CONFIG. */
export function copiedSettings(media: readonly string[], appliance: string): { readonly [name: string]: Json } {
  const bytes = copiesOn(media, appliance).get("signer.json") ?? new Uint8Array(0);
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as { readonly [name: string]: Json };
  } catch (cause) {
    throw new Refusal("CONFIG", "the copy of the signer's configuration cannot be read", { cause });
  }
}

/** Folders of bundles and of the keeper's audit files, in no order that counts. */
export function bundlesOn(media: readonly string[]): readonly string[] {
  return media.flatMap((one) =>
    ["coldseal/outbox", "coldseal/audit"].flatMap((where) =>
      names(join(one, where))
        .map((name) => join(one, where, name))
        .filter((folder) => existsSync(join(folder, "manifest.p7m"))),
    ),
  );
}

/** Signed transcripts, by the name of their ceremony. */
export function transcriptsOn(media: readonly string[]): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const one of media) {
    const folder = join(one, "coldseal/transcripts");
    for (const name of names(folder)) {
      if (name.endsWith(".p7m")) files.set(name.slice(0, -".p7m".length), readLimited(join(folder, name)));
    }
  }
  return files;
}

/** The longest custody log on the media; whether it is whole, the next custody ceremony holds against transcripts. */
export function custodyLogOn(media: readonly string[]): Uint8Array | undefined {
  const logs = media
    .map(stickLogPath)
    .filter((path) => existsSync(path))
    .map(readLimited);
  return logs.sort((a, b) => b.length - a.length)[0];
}

function records(paths: readonly string[]): number {
  return paths.filter((path) => /^(orders|policies|statements)\//.test(path)).length;
}

function* filesBelow(folder: string, below: string): Generator<string> {
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* filesBelow(folder, path);
    else if (entry.isFile()) yield path;
  }
}

/** The largest file of a copy is a transcript. */
const largest = 32 << 20;

function readLimited(path: string): Uint8Array {
  const { size } = statSync(path);
  if (size <= largest) return readFileSync(path);
  throw new Refusal("STORE", "a file on the medium is too large", {
    expected: `at most ${largest} bytes`,
    got: `${size}`,
    about: path,
  });
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
