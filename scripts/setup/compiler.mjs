// Ensures what node-gyp compiles with: a C++ compiler that finds its own headers, make, and python3.

import { mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { attempt } from "./child.mjs";
import { installPackages, unpackPackages } from "./debian-packages.mjs";
import { cache } from "./places.mjs";
import { findTool, outsidePath, withLibraries } from "./search-path.mjs";
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

/** @returns {Promise<NodeJS.ProcessEnv>} the environment in which these tools work */
export async function ensureCompiler() {
  const own = { ...process.env, PATH: outsidePath() };
  const missing = await missingTools(own);
  if (missing.length === 0) return own;
  if ((await missingTools(unpackedEnvironment())).length === 0) return unpackedEnvironment();
  progress(`adding the compiler (${missing.join(", ")})`);
  if ((await installPackages(missing)) && (await missingTools(own)).length === 0) return own;
  if (await unpackPackages(missing, unpacked, "everything")) {
    wrapTools(missing);
    if ((await missingTools(unpackedEnvironment())).length === 0) return unpackedEnvironment();
  }
  const wanted = missing.join(", ");
  throw new SetupStopped(
    `a compiler is missing: install ${wanted} (Debian: apt-get install ${missing.join(" ")}), then run this again`,
  );
}

/** The libraries are for the whole environment: node-gyp asks python3 where it really lies, and starts that. */
function unpackedEnvironment() {
  const path = [wrappers, outsidePath()].join(delimiter);
  return withLibraries({ ...process.env, PATH: path }, linkLibraries(unpacked));
}

async function missingTools(env) {
  const missing = [];
  for (const { name, args } of tools) {
    const found = findTool(name, env.PATH);
    if (found === undefined || !(await attempt(found, args, { env })).ok) missing.push(name);
  }
  return missing;
}

/** The compiler must look for headers, libraries, assembler and linker in the unpacked folder, not on the machine. */
function wrapTools(names) {
  const binaries = join(unpacked, "usr/bin");
  mkdirSync(wrappers, { recursive: true });
  const sysroot = [`--sysroot=${unpacked}`, `-B${binaries}/`];
  const wrap = (name, args) => writeWrapper(join(wrappers, name), join(binaries, name), { libraries: [], args });
  for (const name of names) wrap(name, name === "g++" ? sysroot : []);
  if (!names.includes("g++")) return;
  wrap("gcc", sysroot);
  // node-gyp's makefiles call the C compiler cc, and pack objects with ar.
  writeWrapper(join(wrappers, "cc"), join(binaries, "gcc"), { libraries: [], args: sysroot });
  wrap("ar", []);
}
