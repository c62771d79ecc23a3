/**
 * Made-up people for rehearsals without anybody at the keyboard: they answer what is right, and each answer is counted as the
 * characters that a person would have typed. SIMULATED: a rehearsal's transcript says so in its `run`.
 */

import { fromHex, utf8 } from "../../manifests/encoding/bytes.ts";
import { wordGroups } from "../../manifests/encoding/words.ts";
import { checkForm, checkGroup, checkYes, twoGroups } from "./answers.ts";
import type { StepPlan } from "./procedure.ts";
import type { Beginning, Choice, Scene, SecretKind } from "./scene.ts";

export interface PlayedScene extends Scene {
  /** characters typed by each person, Enter included */
  readonly typed: ReadonlyMap<string, number>;
}

export interface Play {
  /** secrets of the made-up people */
  secret(person: string, kind: SecretKind): string;
  /** where what is said goes */
  say(line: string): void;
  /** who is here; everybody unless said */
  readonly here?: (person: string) => boolean;
  /** what is done about a refused step; a pause unless said */
  readonly decide?: (choices: readonly Choice[]) => Choice;
  readonly begin?: (step: StepPlan) => Beginning;
  /** other answers than right ones, for tests; undefined leaves the right one */
  readonly answer?: (person: string, question: string) => string | undefined;
}

/** A scene that plays. */
export function playedScene(play: Play): PlayedScene {
  const typed = new Map<string, number>();
  const count = (person: string, text: string) => {
    typed.set(person, (typed.get(person) ?? 0) + text.length + 1);
    return text;
  };
  const answer = (person: string, question: string, right: string) =>
    count(person, play.answer?.(person, question) ?? right);
  return {
    typed,
    say: (...lines) => {
      for (const line of lines) play.say(line);
    },
    roll: async (people) => {
      const here = people.filter(({ id }) => play.here?.(id) ?? true).map(({ id }) => id);
      const leader = people.find(({ roles }) => roles.includes("administrator"));
      count(leader?.id ?? here[0] ?? "nobody", here.length === people.length ? "all" : here.join(" "));
      return here;
    },
    begin: async (leader, step, number, of) => {
      play.say(`Step ${number} of ${of}: ${step.title} (${step.acts}; ${step.checks} looks on)`);
      count(leader, "");
      return play.begin?.(step) ?? "go";
    },
    confirm: async (person, question) => checkYes(answer(person, question, "Yes")),
    type: async (person, question, form) => checkForm(answer(person, question, form.example()), form),
    show: (label, digest) => play.say(`The ${label}: ${wordGroups(fromHex(digest)).join("  ")}`),
    compare: async (person, label, digest) => {
      const words = wordGroups(fromHex(digest));
      for (const group of twoGroups()) {
        checkGroup(label, digest, group, answer(person, label, words[group - 1] as string));
      }
    },
    secret: async (person, kind, question) =>
      utf8(count(person, play.answer?.(person, question) ?? play.secret(person, kind))),
    decide: async (leader, choices) => {
      const choice = play.decide?.(choices) ?? "stop";
      count(leader, choice);
      return choice;
    },
  };
}
