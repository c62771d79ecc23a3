/** What the machine says of itself, by the kernel's word: self-reported, and no proof of anything. */

import { readFileSync } from "node:fs";

export interface Machine {
  /** random, of this start of the machine */
  readonly boot: string;
  readonly kernel: string;
  readonly runtime: string;
}

/** Never refuses: what cannot be read is "unknown". */
export function machineSays(): Machine {
  return {
    boot: firstLine("/proc/sys/kernel/random/boot_id", 64),
    kernel: firstLine("/proc/version", 400),
    runtime: `node ${process.version}`,
  };
}

function firstLine(path: string, longest: number): string {
  try {
    const [line = ""] = readFileSync(path, "latin1").split("\n");
    const text = line.replace(/[^\x20-\x7e]/g, "?").slice(0, longest);
    return text === "" ? "unknown" : text;
  } catch {
    return "unknown";
  }
}
