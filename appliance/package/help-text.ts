/** What a command of ours says of itself under `--help`, read back: man pages and completions are made of it and cannot say anything else. */

import { Refusal } from "../../manifests/refusal.ts";

export interface HelpTerm {
  /** as the user types it: `--to <stick>` */
  readonly term: string;
  readonly words: string;
}

export interface Help {
  readonly usage: string;
  readonly description: string;
  readonly arguments: readonly HelpTerm[];
  readonly options: readonly HelpTerm[];
  readonly globalOptions: readonly HelpTerm[];
  readonly commands: readonly HelpTerm[];
  /** what stands behind the lists */
  readonly after: string;
}

/** A command with all that are below it. */
export interface HelpTree {
  /** as it is typed: `coldseal batch create` */
  readonly name: string;
  readonly help: Help;
  readonly below: readonly HelpTree[];
}

const sections: Readonly<Record<string, "arguments" | "options" | "globalOptions" | "commands">> = {
  Arguments: "arguments",
  Commands: "commands",
  "Global Options": "globalOptions",
  Options: "options",
};

/** Reads the text that commander prints, not wrapped. Refuses with CONFIG a text of another form. */
export function readHelp(text: string): Help {
  const [first = "", ...blocks] = text.trimEnd().split(/\n\n+/);
  const usage = /^Usage: (.+)$/.exec(first)?.[1];
  if (usage === undefined)
    throw new Refusal("CONFIG", "not the help of a command", { expected: "Usage: …", got: first });
  const lists: Record<string, readonly HelpTerm[]> = {};
  const texts: string[] = [];
  for (const block of blocks) {
    const [title = "", ...rows] = block.split("\n");
    const section = title.endsWith(":") ? sections[title.slice(0, -1)] : undefined;
    if (section === undefined) texts.push(block.replaceAll("\n", " "));
    else lists[section] = rows.map(termOf);
  }
  const hasDescription =
    blocks[0] !== undefined && sections[(blocks[0].split("\n")[0] ?? "").replace(/:$/, "")] === undefined;
  const [description = "", ...after] = hasDescription ? texts : ["", ...texts];
  const { arguments: args = [], options = [], globalOptions = [], commands = [] } = lists;
  return { usage, description, arguments: args, options, globalOptions, commands, after: after.join("\n\n") };
}

/** Reads a command and all below it; `ask` gives the help of the words behind the program's name. */
export async function readHelpTree(
  name: string,
  ask: (words: readonly string[]) => Promise<string>,
  words: readonly string[] = [],
): Promise<HelpTree> {
  const help = readHelp(await ask(words));
  const below: HelpTree[] = [];
  for (const command of namesOf(help)) below.push(await readHelpTree(`${name} ${command}`, ask, [...words, command]));
  return { name, help, below };
}

/** Names of the commands right below, but for `help`. */
function namesOf(help: Help): readonly string[] {
  return help.commands.map(({ term }) => term.split(/[ |]/)[0] ?? "").filter((name) => name !== "help");
}

/** Two blanks or more stand between a term and its words; a term without words stands alone. */
function termOf(row: string): HelpTerm {
  const [, term = "", words = ""] = /^ {2}(\S.*?)(?: {2,}(.*))?$/.exec(row) ?? [];
  if (term === "") throw new Refusal("CONFIG", "not a row of a command's help", { expected: "TERM  WORDS", got: row });
  return { term, words };
}
