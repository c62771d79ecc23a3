/** Libraries that Node is linked with and a bare Debian lacks: the package brings them, as the machine that builds has them. */

import { execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { copied, type Entry, made, productFolder } from "./entry.ts";
import type { CarriedLibrary } from "./sbom.ts";

/** Not part of a bare root: only compilers bring it. Everything else that Node needs, dpkg itself does, too. */
const carried = ["libatomic.so.1"];
const folder = `${productFolder}/node/lib`;

export interface FoundLibrary {
  readonly name: string;
  /** on this machine */
  readonly file: string;
  readonly package: CarriedLibrary["package"];
}

/** Finds what the running Node has loaded. Refuses with CONFIG where it cannot be found. */
export function carriedLibraries(node: string): readonly FoundLibrary[] {
  // What ldd does: the loader prints what it would load (ld.so(8)).
  const loaded = execFileSync(node, [], { encoding: "utf8", env: { ...process.env, LD_TRACE_LOADED_OBJECTS: "1" } });
  return carried.map((name) => {
    const path = new RegExp(`^\\s*${name.replaceAll(".", "\\.")} => (/\\S.*) \\(0x`, "m").exec(loaded)?.[1];
    if (path === undefined) {
      throw new Refusal("CONFIG", "a library of Node is not on this machine", { expected: name, got: "nothing" });
    }
    const file = realpathSync(path);
    return { name, file, package: packageOf(file) };
  });
}

/**
 * The libraries, and where the loader looks for them. The name of that file is the last of its folder: a library of the system's own
 * goes before ours, for all programs.
 */
export function libraryEntries(libraries: readonly FoundLibrary[]): readonly Entry[] {
  return [
    ...libraries.map(({ name, file }) => copied(`${folder}/${name}`, file)),
    made("etc/ld.so.conf.d/zz-coldseal.conf", utf8(`/${folder}\n`)),
  ];
}

function packageOf(file: string): CarriedLibrary["package"] {
  for (const path of [file, file.replace(/^\/usr\/lib\//, "/lib/")]) {
    const name = said("dpkg-query", ["--search", path])?.split(/[:,]/)[0];
    const version =
      name === undefined ? undefined : said("dpkg-query", ["--show", `--showformat=$\{Version}\\n`, name]);
    if (name !== undefined && version !== undefined) return { name, version: version.split("\n")[0] ?? "" };
  }
  return undefined;
}

function said(command: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}
