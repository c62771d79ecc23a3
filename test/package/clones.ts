/** Clones of this project, as somebody has them who makes a package. */

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { projectRoot } from "../structure/source-files.ts";

const identity = ["-c", "user.name=Builder", "-c", "user.email=builder@localhost"];

/** A clone of what is committed here, with nothing installed. */
export function cloneTo(folder: string, from = projectRoot): string {
  mkdirSync(folder, { recursive: true });
  execFileSync("git", ["-c", "safe.directory=*", "clone", "-q", from, folder]);
  return folder;
}

/** Makes the clone the next version, as `npm version` does, and commits it. */
export function nextVersion(clone: string, version: string): void {
  for (const name of ["package.json", "package-lock.json"]) {
    const file = join(clone, name);
    const read = JSON.parse(readFileSync(file, "utf8")) as { version: string; packages?: { "": { version: string } } };
    // The lock file says it twice of the project itself; its workspaces have versions of their own.
    for (const project of [read, read.packages?.[""]]) if (project) project.version = version;
    writeFileSync(file, `${JSON.stringify(read, null, 2)}\n`);
  }
  execFileSync("git", [...identity, "-C", clone, "commit", "-qam", version]);
}

/** The packages of this project in a clone's place: it needs no set-up of its own. */
export function borrowPackages(clone: string): void {
  if (!existsSync(join(clone, "node_modules")))
    symlinkSync(join(projectRoot, "node_modules"), join(clone, "node_modules"));
}

/** `npm run package` in a clone, from a shell that set a umask; what it printed. */
export async function makePackage(
  clone: string,
  args: readonly string[],
  umask = "022",
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  const { NODE_COMPILE_CACHE: _, ...own } = process.env;
  const PATH = (own.PATH ?? "")
    .split(delimiter)
    .filter((folder) => !folder.startsWith(`${projectRoot}/`))
    .join(delimiter);
  const child = spawn("sh", ["-c", `umask ${umask} && exec npm run -s package -- "$@"`, "sh", ...args], {
    cwd: clone,
    env: { ...own, PATH, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (code !== 0) throw new Error(`npm run package ended with ${code}:\n${output}`);
  return output;
}
