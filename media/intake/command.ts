/**
 * The command line of a confined intake process. Node's permission model is a seat belt: no child processes, native
 * addons, workers or sockets; reading only the sticks' folders, the spool's incoming folder and our own code, writing
 * only the incoming folder. The boundary in production is a user, filter and namespaces of its own.
 */

import { realpathSync } from "node:fs";
import { join } from "node:path";

export interface IntakeCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** the whole environment: nothing is inherited */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Parts of Node that reach around the permission model (node:sqlite writes any file that the user may write: tried), or
 * that intake has no use for.
 */
const withoutModules = [
  "--no-experimental-sqlite",
  "--no-experimental-ffi",
  "--no-experimental-webstorage",
  "--no-addons",
  "--disable-sigusr1",
];

/** Old space of the heap, in MiB: names of `limits.documentEntries` documents fit; a bomb ends the process, not the box. */
const heap = 512;

/**
 * How to start intake: `file` with `args` and exactly `env`, and the connection as descriptor 3. `roots` are the
 * folders where sticks appear, `spoolIncoming` the one folder that it may write; what is in a folder that does not exist
 * yet when the process starts is not granted.
 */
export function intakeCommand(options: {
  readonly node: string;
  readonly projectRoot: string;
  readonly roots: readonly string[];
  readonly spoolIncoming: string;
}): IntakeCommand {
  const { node, projectRoot, roots, spoolIncoming } = options;
  const code = ["media", "host", "manifests", "package.json"].map((name) => join(projectRoot, name));
  const readable = [
    ...code,
    realpathSync(join(projectRoot, "node_modules")),
    ...roots,
    spoolIncoming,
    "/proc/self/fd/",
  ];
  return {
    file: node,
    args: [
      "--permission",
      ...withoutModules,
      ...readable.map((path) => `--allow-fs-read=${path}`),
      `--allow-fs-write=${spoolIncoming}`,
      `--max-old-space-size=${heap}`,
      join(projectRoot, "media/intake/main.ts"),
    ],
    env: { LANG: "C.UTF-8", TZ: "UTC" },
  };
}
