// Ensures what node-gyp compiles with: a C++ compiler that finds its own headers, make, and python3.

import { mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { attempt } from "./child.mjs";
import { installPackages, unpackPackages } from "./debian-packages.mjs";
import { cache } from "./places.mjs";
import { findTool, outsidePath } from "./search-path.mjs";
import { progress, SetupStopped } from "./stop.mjs";
import { linkLibraries, writeWrapper } from "./unpacked-tools.mjs";

const unpacked = join(cache, "compiler");
const wrappers = join(unpacked, "wrappers");

/** What has to work, and the Debian package that brings it. */
const tools = [
  { name: "g++", args: ["-x", "c++", "-fsyntax-only", "-include", "string", "/dev/null"] },
  { name: "make", args: ["--version"] },
  { name: "python3", args: ["--version"] },
];

/** @returns {Promise<string | null>} a folder to put first on the PATH, null when the machine's own tools do */
export async function ensureCompiler() {
  const missing = await missingTools(outsidePath());
  if (missing.length === 0) return null;
  const withWrappers = [wrappers, outsidePath()].join(delimiter);
  if ((await missingTools(withWrappers)).length === 0) return wrappers;
  progress(`adding the compiler (${missing.join(", ")})`);
  if ((await installPackages(missing)) && (await missingTools(outsidePath())).length === 0) return null;
  if (await unpackPackages(missing, unpacked, "everything")) {
    wrapTools(missing);
    if ((await missingTools(withWrappers)).length === 0) return wrappers;
  }
  const wanted = missing.join(", ");
  throw new SetupStopped(
    `a compiler is missing: install ${wanted} (Debian: apt-get install ${missing.join(" ")}), then run this again`,
  );
}

async function missingTools(path) {
  const missing = [];
  for (const { name, args } of tools) {
    const found = findTool(name, path);
    const env = { ...process.env, PATH: path };
    if (found === undefined || !(await attempt(found, args, { env })).ok) missing.push(name);
  }
  return missing;
}

/** The compiler must look for headers, libraries, assembler and linker in the unpacked folder, not on the machine. */
function wrapTools(names) {
  const binaries = join(unpacked, "usr/bin");
  const libraries = linkLibraries(unpacked);
  mkdirSync(wrappers, { recursive: true });
  const args = [`--sysroot=${unpacked}`, `-B${binaries}/`];
  for (const name of names.flatMap((tool) => (tool === "g++" ? ["g++", "gcc", "c++", "cc"] : [tool]))) {
    const compiler = { "c++": "g++", "g++": "g++", cc: "gcc", gcc: "gcc" }[name];
    writeWrapper(join(wrappers, name), join(binaries, compiler ?? name), { libraries, args: compiler ? args : [] });
  }
  if (names.includes("g++")) writeWrapper(join(wrappers, "ar"), join(binaries, "ar"), { libraries });
}
