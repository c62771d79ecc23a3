/** What a clone of the project says about itself: which files are committed, by which commit, and when that was. */

import { execFileSync } from "node:child_process";
import { faultWords } from "../../host/fault-words.ts";
import { Refusal } from "../../manifests/refusal.ts";

export interface TrackedFile {
  /** from the project's root */
  readonly path: string;
  readonly executable: boolean;
}

export interface Clone {
  readonly root: string;
  /** hex */
  readonly commit: string;
  /** seconds since 1970 of the last commit, or SOURCE_DATE_EPOCH where that is set (reproducible-builds.org) */
  readonly epoch: number;
  /** whether tracked files differ from the commit */
  readonly changed: boolean;
  /** sorted by path */
  readonly files: readonly TrackedFile[];
}

/** Reads it by git. Refuses with CONFIG where there is no clone, or a tracked file is no plain file. */
export function readClone(root: string, environment: NodeJS.ProcessEnv): Clone {
  const head = git(root, ["show", "-s", "--format=%H %ct", "HEAD"]).trim().split(" ");
  const [commit = "", committed = ""] = head;
  return {
    root,
    commit,
    epoch: epochOf(environment.SOURCE_DATE_EPOCH ?? committed),
    changed: git(root, ["status", "--porcelain", "--untracked-files=no"]) !== "",
    files: trackedFiles(git(root, ["ls-files", "--stage", "-z"])),
  };
}

/** Reads what `git ls-files --stage -z` prints. Refuses with CONFIG links, submodules and files in conflict. */
export function trackedFiles(listing: string): readonly TrackedFile[] {
  const files = listing.split("\0").filter((row) => row !== "");
  const read = files.map((row) => {
    const [, mode = "", stage = "", path = ""] = /^(\d{6}) [0-9a-f]+ (\d)\t(.+)$/s.exec(row) ?? [];
    if (!/^1006(44|55)$|^100755$/.test(mode) || stage !== "0") {
      throw new Refusal("CONFIG", "a tracked file cannot be packaged", { expected: "a plain file", got: row });
    }
    return { path, executable: mode === "100755" };
  });
  return read.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function epochOf(text: string): number {
  if (/^[0-9]{1,10}$/.test(text)) return Number(text);
  throw new Refusal("CONFIG", "there is no time to build at", {
    expected: "whole seconds since 1970 in SOURCE_DATE_EPOCH, or a commit",
    got: text === "" ? "nothing" : text,
  });
}

function git(root: string, args: readonly string[]): string {
  try {
    const words = ["-c", `safe.directory=${root}`, "-C", root, ...args];
    return execFileSync("git", words, { encoding: "utf8", maxBuffer: 64 << 20, stdio: ["ignore", "pipe", "pipe"] });
  } catch (cause) {
    const said = String((cause as { stderr?: unknown }).stderr ?? "").trim() || faultWords(cause);
    throw new Refusal("CONFIG", "a package is made from a clone with git", { expected: "git", got: said, cause });
  }
}
