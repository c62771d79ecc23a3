/** How the demo tells what it does: numbered steps with the time they took, quiet lines below them. */

import { styleFor } from "../host/terminal/style.ts";
import { fromHex } from "../manifests/encoding/bytes.ts";
import { wordGroups } from "../manifests/encoding/words.ts";

const style = styleFor(process.stdout, process.env);

/** Prints lines of a step, set in. */
export function tell(...lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`     ${line}\n`);
}

export class Story {
  readonly #began = performance.now();
  #number = 0;

  /** Runs a step under its heading; what it throws ends the story. */
  async step<T>(heading: string, work: () => Promise<T>): Promise<T> {
    this.#number += 1;
    process.stdout.write(`\n${style.bold(`${String(this.#number).padStart(3)}. ${heading}`)}\n`);
    const began = performance.now();
    const result = await work();
    tell(style.dim(`(${seconds(performance.now() - began)})`));
    return result;
  }

  get elapsed(): string {
    return seconds(performance.now() - this.#began);
  }
}

/** A digest as words, four groups a line, for the eye. */
export function wordLines(digestHex: string): string[] {
  const cells = wordGroups(fromHex(digestHex)).map((group, at) => `${String(at + 1).padStart(2)} ${group}`.padEnd(26));
  return Array.from({ length: 8 }, (_, row) =>
    cells
      .slice(row * 2, row * 2 + 2)
      .join("")
      .trimEnd(),
  );
}

export function good(text: string): string {
  return style.good(text);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
