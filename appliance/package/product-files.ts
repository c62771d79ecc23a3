/** Which committed files go into the package, and where each goes: the product's folders, units, commands, documents. */

import { join, posix } from "node:path";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Clone, TrackedFile } from "./clone.ts";
import { copied, type Entry, made, productFolder } from "./entry.ts";

/** Whole, with what is in appliance/package: the digest of the software (host/software-digest.ts) is over these folders as they are. */
const productFolders = ["appliance", "ceremony", "desk", "hardware", "host", "manifests", "media"];
const productFiles = ["package-lock.json", "package.json"];

const units = "appliance/units/";
const unitKinds = ["service", "socket", "target", "mount", "path", "slice", "timer"];
/** Configuration of systemd's other programs: by its ending, the folder and name it gets. */
const others: Readonly<Record<string, string>> = {
  preset: "usr/lib/systemd/system-preset/60-coldseal.preset",
  rules: "usr/lib/udev/rules.d/60-coldseal.rules",
  sysctl: "usr/lib/sysctl.d/60-coldseal.conf",
  sysusers: "usr/lib/sysusers.d/coldseal.conf",
  tmpfiles: "usr/lib/tmpfiles.d/coldseal.conf",
};

export interface ProductCommand {
  readonly name: string;
  /** from the project's root */
  readonly script: string;
}

/** Refuses with CONFIG a unit file of a kind that has no place, and a clone without the box's users and folders. */
export function productEntries(clone: Clone): readonly Entry[] {
  const source = (path: string) => join(clone.root, path);
  const product = clone.files.filter(({ path }) => isProduct(path));
  const placed = clone.files.filter(({ path }) => path.startsWith(units));
  for (const kind of ["sysusers", "tmpfiles"]) {
    if (placed.some(({ path }) => path.endsWith(`.${kind}`))) continue;
    throw new Refusal("CONFIG", "users and folders of the box are missing", {
      expected: `${units}*.${kind}`,
      got: "none",
    });
  }
  return [
    ...product.map(({ path }) => copied(`${productFolder}/${path}`, source(path))),
    ...placed.map(({ path }) => copied(unitPlace(path), source(path))),
    ...clone.files
      .filter(isDocument)
      .map(({ path }) => copied(`usr/share/doc/coldseal/${documentPlace(path)}`, source(path))),
  ];
}

/** `/usr/bin/NAME`: a link to a starter in the product's folder that runs the script on the package's own Node. */
export function commandEntries({ name, script }: ProductCommand): readonly Entry[] {
  const starter = `#!/bin/sh\nexec /${productFolder}/node/bin/node /${productFolder}/${script} "$@"\n`;
  return [
    made(`${productFolder}/bin/${name}`, utf8(starter), true),
    { path: `usr/bin/${name}`, executable: true, content: { kind: "link", to: `../lib/coldseal/bin/${name}` } },
  ];
}

/** The clone's own starter `bin/NAME` names the script that it runs; options of Node before it only make a clone's starts short. Refuses with CONFIG one that cannot be read so. */
export function commandOf(name: string, starter: string): ProductCommand {
  const script = /on-pinned-node\.sh" (?:--\S+ )*(\S+\.ts) "\$@"/.exec(starter)?.[1];
  if (script !== undefined) return { name, script };
  throw new Refusal("CONFIG", `bin/${name} does not say what it starts`, {
    expected: 'on-pinned-node.sh" [OPTIONS OF NODE] SCRIPT "$@"',
    got: starter.split("\n").at(-2) ?? "nothing",
  });
}

function isProduct(path: string): boolean {
  return productFiles.includes(path) || productFolders.includes(path.split("/")[0] ?? "");
}

function unitPlace(path: string): string {
  const name = posix.basename(path);
  const kind = name.split(".").at(-1) ?? "";
  if (unitKinds.includes(kind) && posix.dirname(path) === "appliance/units") return `usr/lib/systemd/system/${name}`;
  const place = others[kind];
  if (place !== undefined && name === `coldseal.${kind}`) return place;
  throw new Refusal("CONFIG", "a unit file has no place on a box", {
    expected: `${unitKinds.join(", ")}, or coldseal. with ${Object.keys(others).join(", ")}`,
    got: path,
  });
}

/** The box has no network to look things up: it brings what there is to read. */
function isDocument({ path }: TrackedFile): boolean {
  return /^docs\/[^/]+\.md$/.test(path) || ["CHANGELOG.md", "README.md", "SECURITY.md"].includes(path);
}

function documentPlace(path: string): string {
  return path === "CHANGELOG.md" ? "changelog.md" : path;
}
