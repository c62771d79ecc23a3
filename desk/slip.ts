/** The slip: what the submitter prints and sends on paper, so that operators can compare what the box shows. */

import { shown } from "../manifests/records/names.ts";

export interface Slip {
  readonly batch: string;
  readonly folder: string;
  readonly submitter: string;
  readonly purpose: string;
  readonly mode: string;
  readonly expires: string;
  readonly count: number;
  readonly bytes: number;
  readonly batchDigest: string;
  /** 16 groups of two words */
  readonly words: readonly string[];
}

/** The slip as lines of printable ASCII, at most 80 columns wide. */
export function slipLines(slip: Slip): string[] {
  return [
    `COLDSEAL SLIP                                   batch ${shown(slip.batch)}`,
    "",
    `  submitter   ${shown(slip.submitter)}`,
    `  purpose     ${shown(slip.purpose)}`,
    `  documents   ${slip.count}, together ${slip.bytes} bytes`,
    `  mode        ${slip.mode}`,
    `  expires     ${slip.expires}`,
    "",
    "  Batch digest in words. Operators type two of these groups from this paper:",
    "",
    ...rows(slip.words),
    "",
    `  SHA-256 ${slip.batchDigest.slice(0, 32)}`,
    `          ${slip.batchDigest.slice(32)}`,
    "",
    "  Bring this slip to the operators on paper or read it to them: never on the",
    "  same stick as the batch.",
  ];
}

function rows(words: readonly string[]): string[] {
  const lines: string[] = [];
  for (let at = 0; at < words.length; at += 2) {
    const cells = words.slice(at, at + 2).map((group, cell) => {
      const number = String(at + cell + 1).padStart(4);
      return `${number}  ${group}`.padEnd(36);
    });
    lines.push(cells.join("").trimEnd());
  }
  return lines;
}
