/** What is mounted, by the kernel's word: `/proc/self/mountinfo` (proc_pid_mountinfo(5)). Pure but for the one reading. */

import { readFileSync } from "node:fs";

export interface Mounted {
  /** `major:minor` */
  readonly dev: string;
  readonly target: string;
  readonly type: string;
  /** of the mount and of the file system */
  readonly options: readonly string[];
}

/** All mounts that this process sees, in the order that they were made. */
export function mountTable(): readonly Mounted[] {
  return readMountTable(readFileSync("/proc/self/mountinfo", "utf8"));
}

/** Lines that are none are passed over: they are about no mount of ours. */
export function readMountTable(lines: string): readonly Mounted[] {
  return lines.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , dev, , target, options] = before.split(" ");
    const [type, , superOptions = ""] = after.split(" ");
    if (dev === undefined || target === undefined || options === undefined || type === undefined) return [];
    return [{ dev, target: unescaped(target), type, options: [...options.split(","), ...superOptions.split(",")] }];
  });
}

/** Space, tab, newline and backslash stand in octal. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
