/** Holds an unpacked or installed package against its list of digests: everything that is listed is there, and nothing else where it matters. */

import { createHash } from "node:crypto";
import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { readCanonical } from "../../manifests/encoding/canonical-json.ts";
import { flag, hexText, integer, list, literal, object, type Read, text } from "../../manifests/encoding/shape.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { productFolder } from "./entry.ts";
import { listPath, signaturePath } from "./file-list.ts";
import { filesBelow } from "./files-below.ts";

const mostFiles = 100_000;
const path = text(4096);
const readList = object({
  architecture: text(16),
  changed: flag,
  commit: hexText(20),
  control: list(object({ path, sha256: hexText() }), 0, 16),
  files: list(object({ executable: flag, path, sha256: hexText(), size: integer(0) }), 0, mostFiles),
  links: list(object({ path, to: path }), 0, mostFiles),
  package: text(64),
  software: hexText(),
  type: literal("package-files"),
  version: literal(1),
});

export type Listed = Read<typeof readList>;

/** Reads a list of digests. Refuses with JSON and SHAPE what is none. */
export function listOf(bytes: Uint8Array): Listed {
  const listed = readList(readCanonical(bytes), "files.json");
  const paths = [...listed.control, ...listed.files, ...listed.links].map((row) => row.path);
  const wrong = paths.find(
    (one) => one.startsWith("/") || one.split("/").some((name) => ["", ".", ".."].includes(name)),
  );
  if (wrong !== undefined) throw new Refusal("SHAPE", "a path leaves the package", { about: wrong });
  return listed;
}

/** What differs, a sentence each, by path; none: all is as listed. `folder` was unpacked by `dpkg-deb -R`, or is a box's root. */
export function differences(folder: string, { control, files, links }: Listed): readonly string[] {
  const unpacked = exists(join(folder, "DEBIAN"));
  const listed = new Set([listPath, signaturePath, ...files.map((one) => one.path), ...links.map((one) => one.path)]);
  const listedControl = new Set(control.map((one) => `DEBIAN/${one.path}`));
  // On a box other packages have files, too: only the product's own folder must hold nothing else.
  const here = unpacked
    ? presentIn(folder)
    : presentIn(join(folder, productFolder)).map((one) => `${productFolder}/${one}`);
  return [
    ...files.flatMap((one) => fileFault(join(folder, one.path), one.path, one.sha256, one.executable)),
    ...(unpacked
      ? control.flatMap((one) => fileFault(join(folder, "DEBIAN", one.path), `DEBIAN/${one.path}`, one.sha256))
      : []),
    ...links.flatMap((one) => linkFault(join(folder, one.path), one.path, one.to)),
    ...here.filter((one) => !listed.has(one) && !listedControl.has(one)).map((one) => `${one}: is not in the list`),
  ].sort();
}

function fileFault(at: string, name: string, sha256: string, executable?: boolean): readonly string[] {
  if (!exists(at)) return [`${name}: is missing`];
  const stat = lstatSync(at);
  if (!stat.isFile()) return [`${name}: is no file`];
  if (executable !== undefined && ((stat.mode & 0o111) !== 0) !== executable) return [`${name}: has another mode`];
  return createHash("sha256").update(readFileSync(at)).digest("hex") === sha256 ? [] : [`${name}: was changed`];
}

function linkFault(at: string, name: string, to: string): readonly string[] {
  if (!exists(at)) return [`${name}: is missing`];
  return lstatSync(at).isSymbolicLink() && readlinkSync(at) === to ? [] : [`${name}: is not the link to ${to}`];
}

function exists(at: string): boolean {
  return lstatSync(at, { throwIfNoEntry: false }) !== undefined;
}

function presentIn(folder: string): readonly string[] {
  return exists(folder) ? filesBelow(folder, (entry) => !entry.isDirectory()) : [];
}
