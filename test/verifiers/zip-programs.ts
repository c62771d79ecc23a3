/** Other people's programs that read ZIP files. */

import { versionOf } from "./verifier.ts";

/** Whether one is here; under CI all are expected. */
const here = (version: string | null) => version !== null || process.env.CI !== undefined;

export const zipPrograms = {
  unzip: here(versionOf("unzip", ["-v"], /UnZip ([\d.]+)/)),
  python: here(versionOf("python3", ["--version"], /Python ([\d.]+)/)),
  /** one that compiles what it runs */
  java: here(versionOf("java", ["--list-modules"], /^(jdk\.compiler)@/m)),
} as const;
