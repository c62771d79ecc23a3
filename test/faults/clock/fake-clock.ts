/** Clocks that processes see in place of the machine's, by libfaketime: each may be set while its process runs. Their monotonic clocks go on. */

import { globSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Of Debian's package `faketime`; the variant for processes with threads. */
const [library] = globSync("/usr/lib/*/faketime/libfaketimeMT.so.1");

export const canFakeTime = library !== undefined;

export class FakeClock {
  readonly #file: string;

  /** Right, as long as it is not set. */
  constructor(folder: string, name: string) {
    this.#file = join(folder, `${name}.clock`);
    this.set(0);
  }

  /** So many seconds ahead of the machine's clock. */
  set(seconds: number): void {
    const next = `${this.#file}.new`;
    writeFileSync(next, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    renameSync(next, this.#file);
  }

  /** The command that starts a process at this clock. */
  get under(): readonly string[] {
    const variables = {
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      FAKETIME_NO_CACHE: "1",
      FAKETIME_TIMESTAMP_FILE: this.#file,
      LD_PRELOAD: library,
      NO_FAKE_STAT: "1",
    };
    return ["env", ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)];
  }
}
