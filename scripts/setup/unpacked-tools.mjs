// Makes what was unpacked from Debian packages usable where it lies: its libraries found, its tools started by wrappers.

import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Links the shared libraries of an unpacked folder that the machine itself does not have into one folder below it.
 * The machine's own are left to it: mixing two C libraries ends in crashes.
 * @param {string} unpacked @returns {readonly string[]} that folder, or nothing when the machine has them all
 */
export function linkMissingLibraries(unpacked) {
  const into = join(unpacked, "linked");
  const places = ["lib", "usr/lib", "lib64", "usr/lib64", `lib/${triplet()}`, `usr/lib/${triplet()}`];
  const present = new Set(places.flatMap((place) => libraries(join("/", place))));
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
  for (const place of places) {
    for (const name of libraries(join(unpacked, place))) {
      if (present.has(name)) continue;
      present.add(name);
      symlinkSync(join(unpacked, place, name), join(into, name));
    }
  }
  return readdirSync(into).length > 0 ? [into] : [];
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
    return readdirSync(folder).filter((name) => /\.so(\.|$)/.test(name));
  } catch {
    return [];
  }
}

function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
