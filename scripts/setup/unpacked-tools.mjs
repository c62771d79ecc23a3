// Makes what was unpacked from Debian packages usable where it lies: its libraries found, its tools started by wrappers.

import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The C library's own parts: those stay the machine's, because parts of two C libraries in one process end in crashes. */
const cLibrary =
  /^(ld-linux.*|lib(c|m|mvec|dl|pthread|rt|util|resolv|anl|thread_db|BrokenLocale|nss_\w+)\.so\.[1-6]|libnsl\.so\.1|ld64.*)$/;

/**
 * Links the shared libraries that came with unpacked packages into one folder below them.
 * @param {string} unpacked @returns {readonly string[]} that folder, or nothing when no libraries came
 */
export function linkLibraries(unpacked) {
  if (!existsSync(unpacked)) return [];
  const into = join(unpacked, "linked");
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
  const places = [`usr/lib/${triplet()}`, `lib/${triplet()}`, "usr/lib", "lib"];
  const linked = new Set();
  for (const place of places) {
    for (const name of libraries(join(unpacked, place))) {
      if (linked.has(name) || cLibrary.test(name)) continue;
      linked.add(name);
      symlinkSync(join(unpacked, place, name), join(into, name));
    }
  }
  return linked.size > 0 ? [into] : [];
}

/**
 * Writes an executable that starts an unpacked program with its libraries, some first arguments and defaults for variables.
 * @param {string} wrapper @param {string} program
 * @param {{libraries: readonly string[], args?: readonly string[], defaults?: Readonly<Record<string, string>>}} options
 */
export function writeWrapper(wrapper, program, { libraries, args = [], defaults = {} }) {
  const lines = ["#!/bin/sh"];
  for (const folder of libraries) {
    lines.push(`LD_LIBRARY_PATH=${quoted(folder)}"\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"`, "export LD_LIBRARY_PATH");
  }
  for (const [name, value] of Object.entries(defaults)) {
    lines.push(`if [ -z "\${${name}:-}" ]; then ${name}=${quoted(value)}; export ${name}; fi`);
  }
  lines.push(`exec ${[program, ...args].map(quoted).join(" ")} "$@"`);
  rmSync(wrapper, { force: true });
  writeFileSync(wrapper, `${lines.join("\n")}\n`, { mode: 0o755 });
}

/** The folder name that Debian gives to this machine's libraries. */
export function triplet() {
  return process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
}

function libraries(folder) {
  try {
    return readdirSync(folder).filter((name) => /\.so(\.\d|$)/.test(name));
  } catch {
    return [];
  }
}

function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
