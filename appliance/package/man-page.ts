/** Man pages (man-pages(7), groff_man(7)) of our commands, made of their own help. */

import type { Help, HelpTerm, HelpTree } from "./help-text.ts";

export interface ManFacts {
  readonly section: 1 | 8;
  readonly version: string;
  /** seconds since 1970 */
  readonly epoch: number;
}

/** The page of a command, as roff. */
export function manPage(tree: HelpTree, { section, version, epoch }: ManFacts): string {
  const { name, help } = tree;
  const day = new Date(epoch * 1000).toISOString().slice(0, 10);
  const lines = [
    `.TH ${name.toUpperCase()} ${section} ${day} "coldseal ${version}"`,
    ".SH NAME",
    `${escaped(name)} \\- ${escaped(help.description.replace(/\.$/, ""))}`,
    ".SH SYNOPSIS",
    `.B ${escaped(help.usage)}`,
    ".SH DESCRIPTION",
    escaped(help.description),
    ...terms("ARGUMENTS", help.arguments),
    ...terms("OPTIONS", help.options),
    ...(tree.below.length > 0 ? [".SH COMMANDS", ...tree.below.flatMap(commandLines)] : []),
    ...(help.after === "" ? [] : [".SH NOTES", escaped(help.after)]),
    ".SH SEE ALSO",
    "/usr/share/doc/coldseal/docs/operations.md",
  ];
  return `${lines.join("\n")}\n`;
}

function commandLines(tree: HelpTree): readonly string[] {
  const { help } = tree;
  const below = tree.below.flatMap(commandLines);
  if (below.length > 0) return below;
  return [
    `.SS ${escaped(help.usage)}`,
    escaped(help.description),
    ...help.arguments.flatMap(term),
    ...ownOptions(help).flatMap(term),
  ];
}

/** Every command takes --help: that is said once. */
function ownOptions({ options }: Help): readonly HelpTerm[] {
  return options.filter((one) => !one.term.startsWith("-h, --help"));
}

function terms(title: string, rows: readonly HelpTerm[]): readonly string[] {
  return rows.length === 0 ? [] : [`.SH ${title}`, ...rows.flatMap(term)];
}

function term({ term: head, words }: HelpTerm): readonly string[] {
  return [".TP", `.B ${escaped(head)}`, escaped(words === "" ? " " : words)];
}

/** groff: a backslash and a hyphen-minus stand escaped, and no line begins with a control character. */
function escaped(text: string): string {
  const safe = text.replaceAll("\\", "\\e").replaceAll("-", "\\-");
  return safe
    .split("\n")
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join("\n");
}
