/** Wires `coldseal collect`: copies the answers, verifies them where a root is given, tells what is missing. */

import { tableLines } from "../../host/terminal/table.ts";
import { shown, shownText } from "../../manifests/records/names.ts";
import { Refusal, type RefusalRecord } from "../../manifests/refusal.ts";
import { type Answer, type Collected, collect } from "../collect.ts";

export interface CollectOptions {
  readonly to: string;
  readonly json?: boolean;
}

/** `tell` is told what holds, whatever fails. Refuses at the end as the first answer that could not be copied or read, or with BUNDLE-FORM when something of an answer is missing. */
export async function runCollect(
  stick: string,
  options: CollectOptions,
  tell: (consequence: string) => void,
): Promise<void> {
  tell(`what was copied before stands in ${shown(options.to)}`);
  const answers = await collect(stick, options.to);
  const odd = answers.flatMap(({ answer }) => (answer.kind === "odd" ? [answer.refusal] : []));
  const copied = answers.filter((one) => one.copied !== undefined).length;
  tell(
    `${odd.length === 0 ? "the answers" : `${copied} of ${answers.length} answers`} were copied to ${shown(options.to)} as they are`,
  );
  if (options.json) process.stdout.write(`${JSON.stringify(answers)}\n`);
  else process.stdout.write(`${lines(answers, options.to).join("\n")}\n`);
  if (odd[0]) throw Refusal.fromRecord(odd[0]);
  const broken = answers.filter((one) => one.answer.kind === "sealed" && one.missing !== undefined);
  if (broken.length > 0) {
    throw new Refusal("BUNDLE-FORM", `${broken.length} of the answers are not whole`, {
      expected: "a seal for each document",
      got: broken.map((one) => `${one.folder}: ${one.missing} missing`).join("; "),
    });
  }
}

function lines(answers: readonly Collected[], to: string): string[] {
  const columns = [
    { title: "batch", shrinks: true },
    { title: "answer", shrinks: true },
    { title: "missing", shrinks: true },
  ];
  const rows = answers.map((one) => [one.folder, inWords(one.answer), one.missing ?? "nothing"]);
  return [
    ...tableLines(columns, rows),
    "",
    `The answers are copied to ${shown(to)}, and not verified yet. Now:`,
    `  coldseal verify ${shown(to)}/BATCH --documents DIR --ca ca.crt`,
  ];
}

function inWords(answer: Answer): string {
  switch (answer.kind) {
    case "sealed":
      return `sealed, manifest ${answer.number}, ${answer.seals} of ${answer.count} seals${contentsText(answer)}`;
    case "aborted":
      return `aborted, manifest ${answer.number}`;
    case "refused":
    case "rejected":
      return `${answer.kind} (${answer.code}): ${shownText(answer.message)}`;
    case "odd":
      return `cannot be read (${answer.refusal.code}): ${shownText(oddText(answer.refusal))}`;
    case "none":
      return "none yet";
  }
}

function oddText({ got, message }: RefusalRecord): string {
  return got === undefined ? message : `${message}, ${got}`;
}

function contentsText({ contents, count }: Extract<Answer, { kind: "sealed" | "aborted" }>): string {
  return contents === undefined ? "" : `, ${contents} of ${count} documents`;
}
