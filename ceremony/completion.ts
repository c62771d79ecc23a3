/** Completion scripts for bash, zsh and fish, made from the program itself; names of batches are asked of the box. */

import type { Command } from "commander";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

interface CommandWords {
  readonly name: string;
  readonly description: string;
  readonly options: readonly string[];
  readonly takesBatch: boolean;
  readonly choices: readonly string[];
}

/** The script for a shell. `invocation` is how this program is started, as separate words. */
export function completionScript(program: Command, shell: Shell, invocation: readonly string[]): string {
  const commands = program.commands.filter((one) => one.name() !== "batch-names").map(wordsOf);
  const globals = optionsOf(program);
  const ask = invocation.map(quoted).join(" ");
  switch (shell) {
    case "bash":
      return bash(commands, globals, ask);
    case "zsh":
      return `autoload -U +X bashcompinit && bashcompinit\n${bash(commands, globals, ask)}`;
    case "fish":
      return fish(commands, globals, invocation.map((word) => `"${word.replace(/["$\\]/g, "\\$&")}"`).join(" "));
  }
}

function wordsOf(command: Command): CommandWords {
  const arguments_ = command.registeredArguments;
  return {
    name: command.name(),
    description: command.description(),
    options: optionsOf(command),
    takesBatch: arguments_.some((one) => one.name().startsWith("batch")),
    choices: arguments_.flatMap((one) => one.argChoices ?? []),
  };
}

function optionsOf(command: Command): string[] {
  return [...command.options.map((one) => one.long ?? ""), "--help"].filter((one) => one !== "");
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function bash(commands: readonly CommandWords[], globals: readonly string[], ask: string): string {
  const cases = commands.map((one) => {
    const words = [...one.options, ...one.choices].join(" ");
    const batches = one.takesBatch ? " batches=yes" : "";
    return `    ${one.name}) words="${words}"${batches} ;;`;
  });
  return `_ceremony() {
  local word="\${COMP_WORDS[COMP_CWORD]}" command="" words="" batches="" operator="\${COLDSEAL_OPERATOR:-}" at
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "\${COMP_WORDS[at]}" in
    --as) operator="\${COMP_WORDS[at + 1]}"; ((at++)) ;;
    --pin-fd) ((at++)) ;;
    -*) ;;
    *) [ -z "$command" ] && command="\${COMP_WORDS[at]}" ;;
    esac
  done
  case "\${COMP_WORDS[COMP_CWORD - 1]}" in
  --as) COMPREPLY=($(compgen -f -- "$word")); return ;;
  --to) COMPREPLY=($(compgen -d -- "$word")); return ;;
  --reason | --pin-fd | --from | --limit) return ;;
  esac
  case "$command" in
    "") words="${[...commands.map((one) => one.name), ...globals].join(" ")}" ;;
${cases.join("\n")}
  esac
  if [ -n "$batches" ] && [ -n "$operator" ] && [ "\${word:0:1}" != "-" ]; then
    words="$words $(COLDSEAL_OPERATOR="$operator" ${ask} batch-names 2>/dev/null)"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _ceremony ceremony
`;
}

function fish(commands: readonly CommandWords[], globals: readonly string[], ask: string): string {
  const names = commands.map((one) => one.name).join(" ");
  const lines = commands.flatMap((one) => {
    const here = `-n '__fish_seen_subcommand_from ${one.name}'`;
    return [
      `complete -c ceremony -f -n 'not __fish_seen_subcommand_from ${names}' -a ${one.name} -d ${quoted(one.description)}`,
      ...one.options.map((option) => `complete -c ceremony -f ${here} -l ${option.slice(2)}`),
      ...(one.choices.length > 0 ? [`complete -c ceremony -f ${here} -a '${one.choices.join(" ")}'`] : []),
      ...(one.takesBatch ? [`complete -c ceremony -f ${here} -a ${quoted(`(${ask} batch-names 2>/dev/null)`)}`] : []),
    ];
  });
  return [...globals.map((option) => `complete -c ceremony -l ${option.slice(2)}`), ...lines, ""].join("\n");
}
