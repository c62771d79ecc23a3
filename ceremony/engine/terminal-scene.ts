/** The people in the room, at one terminal: each question names whom it is put to. Wrong answers may be corrected twice. */

import type { Prompter } from "../../host/terminal/prompter.ts";
import type { Style } from "../../host/terminal/style.ts";
import { wrapped } from "../../host/terminal/table.ts";
import { fromHex } from "../../manifests/encoding/bytes.ts";
import { wordGroups } from "../../manifests/encoding/words.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { checkForm, checkGroup, checkYes, twoGroups } from "./answers.ts";
import type { CeremonyPerson } from "./ceremony-file.ts";
import type { StepPlan } from "./procedure.ts";
import type { Beginning, Choice, Scene } from "./scene.ts";

export interface Terminal {
  readonly prompter: Prompter;
  readonly style: Style;
  say(...lines: readonly string[]): void;
}

const triesOfPeople = 3;

/** `secretHint` says what is shown beside a question for a secret: in a dry run, the throw-away secret itself. */
export function terminalScene(
  terminal: Terminal,
  people: readonly CeremonyPerson[],
  secretHint: (person: string, kind: "pin" | "passphrase") => string | undefined = () => undefined,
): Scene {
  const { prompter, style } = terminal;
  const nameOf = (id: string) => shown(people.find((one) => one.id === id)?.name ?? id);
  const say = (...lines: readonly string[]) => terminal.say(...lines.flatMap((line) => wrapped(line, 80)));
  const ask = async <T>(question: string, check: (typed: string) => T): Promise<T> => {
    for (let left = prompter.interactive ? triesOfPeople : 1; ; left--) {
      const typed = await prompter.line(question);
      try {
        return check(typed);
      } catch (fault) {
        if (!(fault instanceof Refusal) || left <= 1) throw fault;
        say(`${fault.message}; expected: ${fault.expected ?? "another answer"}. Once more.`);
      }
    }
  };
  return {
    say,
    roll: (all) => {
      say(
        "",
        style.bold("Who is here?"),
        ...all.map(({ id, name, roles }) => `  ${id}  ${name} (${roles.join(", ")})`),
      );
      return ask("Type the ids of all who are here, or all: ", (typed) => idsOf(all, typed));
    },
    begin: (leader, step, number, of) => {
      terminal.say("", ...stepLines(step, number, of, style));
      return ask(`${nameOf(leader)}: Enter to begin, deviation to record one, stop to pause: `, beginningOf);
    },
    confirm: (person, question) => ask(`${nameOf(person)}: ${question} Type Yes: `, checkYes),
    type: (person, question, form) => ask(`${nameOf(person)}: ${question}`, (typed) => checkForm(typed, form)),
    show: (label, digest) => {
      terminal.say("", ...wrapped(`The ${label}, as words. Write them down, or print them:`, 80));
      terminal.say(...digestLines(digest, []));
    },
    compare: async (person, label, digest) => {
      const asked = twoGroups();
      say("", `The ${label}, as words; two groups stay blank:`, ...digestLines(digest, asked));
      for (const group of asked) {
        await ask(`${nameOf(person)}: type group ${group} of the ${label} (two words), from the paper: `, (typed) =>
          checkGroup(label, digest, group, typed),
        );
      }
    },
    secret: (person, kind, question) => {
      const hint = secretHint(person, kind);
      if (hint !== undefined) say(hint);
      return prompter.secret(question);
    },
    decide: (leader, choices) => {
      say(...choices.map((choice) => `  ${choice.padEnd(8)} ${choiceWords[choice]}`));
      return ask(`${nameOf(leader)}: type one of ${choices.join(", ")}: `, (typed) => choiceOf(choices, typed));
    },
  };
}

const choiceWords: Readonly<Record<Choice, string>> = {
  again: "try this step again",
  skip: "leave it out: a deviation is recorded",
  strike: "strike out a person: recorded, and the step is tried again without",
  stop: "pause here: the ceremony can go on later",
  abandon: "end the ceremony for good: nothing of it counts",
};

function stepLines(step: StepPlan, number: number, of: number, style: Style): string[] {
  return [
    style.bold(`Step ${number} of ${of}: ${step.title}`),
    `  acts: ${step.acts}; looks on: ${step.checks}; about ${step.minutes} min`,
    ...step.script.flatMap((line) => wrapped(line, 80, "  ")),
  ];
}

function digestLines(digest: string, blank: readonly number[]): string[] {
  const cells = wordGroups(fromHex(digest)).map((words, at) => {
    const group = at + 1;
    return `${String(group).padStart(2)} ${blank.includes(group) ? "________ ___________" : words}`.padEnd(26);
  });
  return Array.from({ length: cells.length / 2 }, (_, row) => `  ${cells[2 * row]}  ${cells[2 * row + 1]}`.trimEnd());
}

function idsOf(people: readonly CeremonyPerson[], typed: string): readonly string[] {
  const ids = people.map(({ id }) => id);
  if (typed.trim() === "all") return ids;
  const typedIds = typed.split(/[\s,]+/).filter((word) => word !== "");
  const stranger = typedIds.find((id) => !ids.includes(id));
  if (typedIds.length > 0 && stranger === undefined) return ids.filter((id) => typedIds.includes(id));
  throw new Refusal("CEREMONY-STEP", "not an id of the ceremony file", {
    expected: `${ids.join(", ")}, or all`,
    got: stranger ?? "nobody",
  });
}

function beginningOf(typed: string): Beginning {
  const word = typed.trim();
  if (word === "") return "go";
  if (word === "deviation" || word === "stop") return word;
  throw new Refusal("CEREMONY-STEP", "not an answer", { expected: "Enter, deviation or stop", got: word.slice(0, 50) });
}

function choiceOf(choices: readonly Choice[], typed: string): Choice {
  const found = choices.find((choice) => choice === typed.trim());
  if (found) return found;
  throw new Refusal("CEREMONY-STEP", "not a choice", { expected: choices.join(", "), got: typed.slice(0, 50) });
}
