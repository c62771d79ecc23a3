/** Giving a paper out: on the screen, or as PDF and text in a folder, and to a printer; printed again, it says so. */

import { resolve } from "node:path";
import type { Json } from "../manifests/encoding/canonical-json.ts";
import { utcOf } from "../manifests/encoding/shape.ts";
import { Refusal } from "../manifests/refusal.ts";
import { type Paper, reprint, textOf } from "./paper/page.ts";
import { printFile, writePaper } from "./paper/print.ts";
import type { Output } from "./ports.ts";

export interface PrintOptions {
  /** folder for PDF and text; shown on the screen where none is named */
  readonly print?: string;
  /** a printer that CUPS knows */
  readonly lp?: string;
  /** how often it was printed before */
  readonly reprint?: number;
}

/** A paper on the screen, or as files and on a printer; gives the files' paths. `created` is UTC. Refuses USAGE, STORE, PRINTER. */
export async function givePaper(
  output: Output,
  paper: Paper,
  name: string,
  created: string,
  options: PrintOptions,
): Promise<Json> {
  const { print, lp, reprint: before } = options;
  if (print === undefined) {
    if (lp !== undefined)
      throw new Refusal("USAGE", "say where the files go, too", { expected: "--print DIR", got: "--lp alone" });
    output.say(textOf(paper).replace("\f", ""));
    return [];
  }
  const printed = before === undefined ? paper : reprint(paper, before, utcOf(Date.now()));
  const { pdf, text } = await writePaper(resolve(print), name, printed, created);
  output.say(`Written: ${pdf}`, `         ${text}`);
  if (lp !== undefined) await printFile(lp, pdf);
  return [pdf, text];
}
