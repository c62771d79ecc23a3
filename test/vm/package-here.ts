/** The package of what stands here, as `npm run package` makes it: made anew when what goes into it changed. */

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../../demo/project-root.ts";
import { makePackage } from "../package/clones.ts";
import { digest, kept } from "./kept.ts";

/** Everything but what only tests. */
const notInside = ["test/", ".ci/", "bench/"];

/** The file's path. */
export async function packageHere(say: (line: string) => void): Promise<string> {
  const folder = await kept("package", sources(), async (to) => {
    say("the package is made");
    mkdirSync(to);
    await makePackage(projectRoot, ["--out", to]);
  });
  const [deb] = readdirSync(folder);
  return join(folder, deb ?? "");
}

/** Each file that is committed or staged, with its digest. */
function sources(): string {
  const listed = execFileSync("git", ["-c", "safe.directory=*", "-C", projectRoot, "ls-files", "-z"], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  return listed
    .split("\0")
    .filter((name) => name !== "" && !notInside.some((one) => name.startsWith(one)))
    .map((name) => `${name} ${digest(readFileSync(join(projectRoot, name)))}\n`)
    .join("");
}
