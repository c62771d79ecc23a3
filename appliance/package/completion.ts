/** A bash completion of a command, made of its own help: commands, then the options of the one that was typed. */

import type { HelpTerm, HelpTree } from "./help-text.ts";

/** The script, for /usr/share/bash-completion/completions. */
export function bashCompletion(tree: HelpTree): string {
  const { name } = tree;
  const cases = leaves(tree).map(({ name: command, words }) => `  "${command}") words="${words.join(" ")}" ;;`);
  return `_${name}() {
  local word="\${COMP_WORDS[COMP_CWORD]}" typed="${name}" words="" at
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "$typed \${COMP_WORDS[at]}" in
    ${
      leaves(tree)
        .slice(1)
        .map((one) => `"${one.name}"`)
        .join(" | ") || '""'
    }) typed="$typed \${COMP_WORDS[at]}" ;;
    esac
  done
  case "$typed" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _${name} ${name}
`;
}

interface Leaf {
  readonly name: string;
  readonly words: readonly string[];
}

function leaves(tree: HelpTree): readonly Leaf[] {
  const commands = tree.below.map((one) => one.name.split(" ").at(-1) ?? "");
  const { options, globalOptions } = tree.help;
  const words = [...commands, ...[...options, ...globalOptions].flatMap(longOption)];
  return [{ name: tree.name, words }, ...tree.below.flatMap(leaves)];
}

function longOption({ term }: HelpTerm): readonly string[] {
  const long = /--[a-z0-9-]+/.exec(term)?.[0];
  return long === undefined ? [] : [long];
}
