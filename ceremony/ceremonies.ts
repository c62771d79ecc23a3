/** The commands that hold ceremonies: from a ceremony file, at one terminal, with everybody in the room. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openPrompter } from "../host/terminal/prompter.ts";
import { wrapped } from "../host/terminal/table.ts";
import { utcOf } from "../manifests/encoding/shape.ts";
import { shown } from "../manifests/records/names.ts";
import type { RunKind } from "../manifests/records/transcript.ts";
import { Refusal } from "../manifests/refusal.ts";
import { type CeremonyFile, readCeremonyFile } from "./engine/ceremony-file.ts";
import { abandon, hold } from "./engine/hold.ts";
import type { Held, HoldParts } from "./engine/hold-parts.ts";
import { namedCertificates } from "./engine/named-certificates.ts";
import { playedScene } from "./engine/played-scene.ts";
import { checkOrder } from "./engine/procedure.ts";
import { RecordFile } from "./engine/record-file.ts";
import { recordFolder, recordName } from "./engine/records-folder.ts";
import type { Scene } from "./engine/scene.ts";
import { terminalScene } from "./engine/terminal-scene.ts";
import { givePaper, type PrintOptions } from "./give-paper.ts";
import { endOf, recordOf } from "./paper/record-paper.ts";
import { scriptPaper } from "./paper/script-paper.ts";
import type { Output } from "./ports.ts";
import { procedureOf } from "./procedures/registry.ts";
import { readiness } from "./ready/ready.ts";
import { prepareDryRun } from "./rehearse/dry-run.ts";
import { leaveRecords } from "./rehearse/leave-records.ts";
import type { PlayedAt } from "./rehearse/rehearse.ts";
import { rehearseAll } from "./rehearse/rehearse-all.ts";
import { verifiedTranscript } from "./verified-transcript.ts";

/** Shows or prints the script of a ceremony. Refuses CEREMONY-FILE, also where its steps cannot succeed in their order; STORE, PRINTER. */
export async function showScript(output: Output, path: string, options: PrintOptions): Promise<void> {
  const file = readCeremonyFile(path);
  const procedure = procedureOf(file);
  checkOrder(procedure.steps);
  const files = await givePaper(
    output,
    scriptPaper(file, procedure, namedCertificates(file)),
    `${recordName(file)}.script`,
    file.scheduled,
    options,
  );
  const { ceremony, digest } = file;
  output.document({ ceremony, digest, files, steps: procedure.steps.map(({ id }) => id) });
}

/** Looks at everything that a ceremony needs, days before. Refuses CEREMONY-FILE, CONFIG; NOT-READY where something is missing. */
export async function showReadiness(output: Output, path: string, printer: string | undefined): Promise<void> {
  const file = readCeremonyFile(path);
  const { findings, minutes } = await readiness(file, utcOf(Date.now()), printer);
  const { bad, good, warn } = output.style;
  const paint = { missing: bad, warning: warn, well: good };
  for (const { about, state, detail } of findings) {
    output.say(`${paint[state](state.padEnd(8))} ${shown(about)}`, ...wrapped(shown(detail), 80, "         "));
  }
  output.say("", `The steps plan ${minutes} minutes. The file's SHA-256: ${file.digest}`);
  const lacking = findings.filter(({ state }) => state === "missing");
  const [first] = lacking;
  if (first) {
    throw new Refusal("NOT-READY", `not ready: ${first.about}: ${first.detail}`, {
      expected: "everything that the file asks for",
      got: `${lacking.length} missing`,
    });
  }
  output.say(good("Ready."));
  output.document({ digest: file.digest, findings: findings.map((one) => ({ ...one })), minutes });
}

/** Holds it, or goes on with it. Refuses as `hold`; a pause because of a refusal ends with that. */
export function holdCeremony(output: Output, path: string): Promise<void> {
  return atTerminal(output, path, hold);
}

/** Ends an interrupted ceremony for good. Refuses as `abandon` of the engine. */
export function abandonCeremony(output: Output, path: string): Promise<void> {
  return atTerminal(output, path, abandon);
}

/** Checks and shows or prints a transcript: a signed file, or the folder of a ceremony's record. Refuses STORE, PRINTER, and as `verifyTranscript`. */
export async function showRecord(output: Output, path: string, options: PrintOptions): Promise<void> {
  const verified = await verifiedTranscript(path);
  const { transcript, digest, signers } = verified;
  const { archive, appliance, ceremony, outcome, run } = transcript;
  const paper = recordOf(verified);
  const files = await givePaper(output, paper, `${recordName(transcript)}.record`, endOf(transcript), options);
  output.document({ archive, appliance, ceremony, digest, files, outcome, run, signers: [...signers] });
}

/**
 * Holds a dry run: the file itself on throw-away tokens. Without `alone` the people of the file type, and are told the throw-away
 * PINs; with it nobody does. Records go to `out`, where one is named. Refuses as `hold`.
 */
export async function dryRun(
  output: Output,
  path: string,
  options: { readonly alone?: boolean; readonly out?: string },
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "coldseal-dry-"));
  const say = (...lines: readonly string[]) => output.say(...lines);
  const prompter = options.alone ? undefined : openPrompter(process.stdin, process.stderr);
  try {
    say("DRY RUN on throw-away tokens: nothing of it counts.");
    const run = await prepareDryRun(path, dir);
    const { file, secret } = run;
    const hint = (person: string, kind: "pin" | "passphrase") =>
      kind === "pin" ? `(dry run: the throw-away PIN of ${person} is ${secret(person, "pin")})` : undefined;
    const scene = prompter
      ? terminalScene({ prompter, style: output.style, say }, file.people, hint)
      : playedScene({ secret, say: (line) => say(line) });
    const held = await heldOnce(file, "dry", scene, hold);
    if (held.outcome === "paused")
      throw held.refusal ?? new Refusal("STOPPED", "the dry run was stopped", { got: held.next ?? "" });
    const names =
      options.out === undefined ? [] : [await leaveRecords(resolve(options.out), { file, transcript: held.path })];
    say(output.style.good(`The dry run is ${held.outcome}: the steps can succeed in their order.`));
    output.document({ digest: held.digest, outcome: held.outcome, records: names });
  } finally {
    prompter?.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * Rehearses every ceremony, from nothing, by made-up people; with a name, up to the first one of that name, which people hold at the
 * terminal. Leaves a test box, and each ceremony's script, record and transcript in `out`, a new or empty folder. Refuses USAGE, and as `hold`.
 */
export async function rehearse(output: Output, out: string, name: string | undefined): Promise<void> {
  output.say("REHEARSAL: made-up people, SoftHSM tokens, a made-up CA. Nothing of it counts.");
  const prompter = name === undefined ? undefined : openPrompter(process.stdin, process.stderr);
  const say = (...lines: readonly string[]) => output.say(...lines);
  const typed: PlayedAt["typed"] = (file, secret) => {
    if (!prompter || file.ceremony !== name) return undefined;
    const hint = (person: string, kind: "pin" | "passphrase") =>
      `(rehearsal: the made-up ${kind === "pin" ? "PIN" : "passphrase"} of ${person} is ${secret(person, kind)})`;
    return terminalScene({ prompter, style: output.style, say }, file.people, hint);
  };
  try {
    prompter?.open();
    const ceremonies = await rehearseAll(resolve(out), name, { say: (line) => output.say(line), typed });
    for (const { archive, ceremony, minutes, typed: by } of ceremonies) {
      const counts = [...by].map(([person, count]) => `${person} ${count}`).join(", ");
      output.say(`${archive}-${ceremony}: about ${minutes} minutes; characters typed: ${counts || "by people"}`);
    }
    output.document(ceremonies.map(({ typed: by, ...one }) => ({ ...one, typed: Object.fromEntries(by) })));
  } finally {
    prompter?.close();
  }
}

async function heldOnce(
  file: CeremonyFile,
  run: RunKind,
  scene: Scene,
  act: (parts: HoldParts) => Promise<Held>,
): Promise<Held> {
  const procedure = procedureOf(file);
  const record = await RecordFile.open(recordFolder(procedure, file), file.digest);
  try {
    return await act({ procedure, file, run, scene, record, now: () => utcOf(Date.now()) });
  } finally {
    record.close();
  }
}

async function atTerminal(output: Output, path: string, act: (parts: HoldParts) => Promise<Held>): Promise<void> {
  const file = readCeremonyFile(path);
  const prompter = openPrompter(process.stdin, process.stderr);
  const scene = terminalScene({ prompter, style: output.style, say: (...lines) => output.say(...lines) }, file.people);
  try {
    prompter.open();
    tell(output, path, await heldOnce(file, "live", scene, act));
  } finally {
    prompter.close();
  }
}

function tell(output: Output, path: string, held: Held): void {
  if (held.outcome !== "paused") {
    output.say(
      output.style.good(`The ceremony is ${held.outcome}.`),
      `Transcript: ${held.path}`,
      `SHA-256 of its content: ${held.digest}`,
    );
    output.say("Next: print it, and have administrator and witnesses sign it in ink. See: ceremony record FILE");
    output.document({ digest: held.digest, outcome: held.outcome, transcript: held.path });
    return;
  }
  output.say(output.style.warn(`Paused before step "${held.next ?? "the end"}".`), `Go on: ceremony hold ${path}`);
  output.document({ next: held.next ?? null, outcome: "paused" });
  if (held.refusal) throw held.refusal;
}
