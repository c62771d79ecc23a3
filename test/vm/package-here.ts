/** The package of what stands here, as `npm run package` makes it: made anew when what goes into it changed. */

import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../demo/project-root.ts";
import { cache } from "./image.ts";

/** Everything but what only tests. */
const notInside = ["test/", ".ci/", "bench/"];

/** The file's path. */
export async function packageHere(say: (line: string) => void): Promise<string> {
  const kept = join(cache, `package-${digestOfSources().slice(0, 12)}`);
  if (!existsSync(kept)) {
    for (const old of readdirSync(cache).filter((name) => name.startsWith("package-"))) {
      rmSync(join(cache, old), { recursive: true, force: true });
    }
    say("the package is made");
    const making = mkdtempSync(join(cache, "making-"));
    await command(process.execPath, ["scripts/run.mjs", "appliance/package/main.ts", "--out", making]);
    renameSync(making, kept);
  }
  const [deb] = readdirSync(kept);
  return join(kept, deb ?? "");
}

function digestOfSources(): string {
  const git = (...args: readonly string[]) =>
    execFileSync("git", ["-c", "safe.directory=*", "-C", projectRoot, ...args], {
      encoding: "utf8",
      maxBuffer: 1 << 26,
    });
  const files = git("ls-files", "-z")
    .split("\0")
    .filter((name) => name !== "" && !notInside.some((one) => name.startsWith(one)));
  const of = createHash("sha256");
  for (const name of files)
    of.update(name)
      .update("\0")
      .update(readFileSync(join(projectRoot, name)));
  return of.digest("hex");
}

async function command(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { cwd: projectRoot, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (printed += text));
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}:\n${printed}`);
}
