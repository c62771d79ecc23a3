/**
 * Holds a ceremony: step after step from where its record stands, each end on the disk before the next begins. What a step
 * refuses is recorded, and whoever leads decides. A pause leaves a record that the next holding goes on from.
 */

import { nodeHost } from "../../host/crypto-host.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { type Entry, presentWithToken, verifyTranscript } from "../../manifests/records/transcript.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { endTokenProcesses } from "../tokens/token-process.ts";
import type { Held, HoldParts } from "./hold-parts.ts";
import { certificatesDigest, namedCertificates } from "./named-certificates.ts";
import { leaderOf, personOf, transcriptPeople } from "./people.ts";
import { checkOrder, type Facts, type Stage, type Step } from "./procedure.ts";
import type { NewEntry } from "./record-file.ts";
import { transcriptAgain, writeTranscript } from "./records-folder.ts";
import { type Choice, sentence } from "./scene.ts";
import { Secrets } from "./secrets.ts";
import { selfTest } from "./self-test.ts";
import { composeTranscript, signTranscript } from "./signed-transcript.ts";
import { Signers } from "./signers.ts";
import { type CeremonyState, deviationsAt, resumeAt, stateOf } from "./state.ts";

/**
 * Holds the ceremony to its end, or to a pause. On return all that was done is in the record, durably; after an end the
 * transcript is signed and on the medium. Refuses CEREMONY-FILE (steps out of order), CEREMONY-STATE, STORE; and what keeps
 * the transcript from being signed or written: holding it again then does just that.
 */
export async function hold(parts: HoldParts): Promise<Held> {
  const holding = new Holding(parts);
  try {
    return await holding.run();
  } finally {
    holding.wipe();
  }
}

/** Ends an interrupted ceremony for good, with a reason. Refuses CEREMONY-STATE when it is over or never began. */
export async function abandon(parts: HoldParts): Promise<Held> {
  const holding = new Holding(parts);
  try {
    return await holding.abandon();
  } finally {
    holding.wipe();
  }
}

type Pause = Extract<Held, { outcome: "paused" }>;

class Holding {
  readonly #parts: HoldParts;
  readonly #secrets = new Secrets();
  readonly #stage: Stage;
  readonly #signers = new Signers();

  constructor(parts: HoldParts) {
    checkOrder(parts.procedure.steps);
    this.#parts = parts;
    const { file, run, scene } = parts;
    this.#stage = {
      file,
      run,
      scene,
      secrets: this.#secrets,
      present: () => this.#state().present,
      facts: (step) => this.#factsOf(step),
      deviations: (step) => deviationsAt(parts.record.entries, step),
      head: () => parts.record.head,
      now: () => this.#now(),
      note: (kind, people, text, facts = {}) => void this.#write({ kind, people: [...people], text, facts }),
    };
  }

  async run(): Promise<Held> {
    const { procedure } = this.#parts;
    if (this.#state().status !== "completed" && this.#state().status !== "abandoned") {
      await this.#open();
      for (;;) {
        const step = procedure.steps.find(({ id }) => id === this.#state().next);
        if (!step) break;
        const pause = await this.#step(step);
        if (pause === "abandoned") return this.#finish("abandoned");
        if (pause) return pause;
      }
      await this.#collectKeys();
      this.#write({ kind: "completed" });
    }
    const outcome = this.#state().status as "completed" | "abandoned";
    return (await this.#over(outcome)) ?? this.#finish(outcome);
  }

  async abandon(): Promise<Held> {
    if (this.#state().status !== "open") {
      throw new Refusal("CEREMONY-STATE", "only a ceremony that was begun and is not over can be abandoned", {
        expected: "open",
        got: this.#state().status,
      });
    }
    await this.#open();
    await this.#abandon();
    return this.#finish("abandoned");
  }

  /** Nothing secret is left in memory, and no process of a token runs. */
  wipe(): void {
    endTokenProcesses();
    this.#secrets.wipe();
    this.#signers.wipe();
  }

  /** The first entry, or one that resumes: who is here, and the self-test of what runs. */
  async #open(): Promise<void> {
    const { file, procedure, scene } = this.#parts;
    const before = this.#state();
    const opening = { begun: before.status !== "not-opened", now: this.#now() };
    const facts = await selfTest(await procedure.tokenCheck(opening), opening.now);
    const people = [...(await scene.roll(file.people))];
    const leader = leaderOf(file, people);
    // The paper was printed from the file that was reviewed: another file has other words.
    await scene.compare(leader, "ceremony file", file.digest);
    const shown = [{ label: "ceremony file", digest: file.digest, confirmedBy: [leader] }];
    if (before.status === "not-opened") {
      const together = certificatesDigest(namedCertificates(file));
      if (together !== undefined) {
        await scene.compare(leader, "certificates", together);
        shown.push({ label: "certificates", digest: together, confirmedBy: [leader] });
      }
      return void this.#write({ kind: "opened", people, facts, shown });
    }
    const next = resumeAt(procedure.steps, before.next);
    if (next !== before.next) scene.say(`What lay in memory only is gone: the ceremony goes on at step "${next}".`);
    this.#write({ kind: "resumed", people, facts, shown, step: next ?? null });
  }

  /** One step, until it is done, left out, or something else was decided. */
  async #step(step: Step): Promise<Pause | "abandoned" | undefined> {
    const { procedure, scene } = this.#parts;
    const number = procedure.steps.indexOf(step) + 1;
    for (;;) {
      const beginning = await scene.begin(this.#leader(), step, number, procedure.steps.length);
      if (beginning === "stop") return this.#pause(step, undefined);
      if (beginning === "deviation") {
        await this.#deviate(step, {});
        continue;
      }
      const refusal = await this.#perform(step);
      if (!refusal) return undefined;
      if (refusal.code === "STOPPED") return this.#pause(step, refusal);
      switch (await scene.decide(this.#leader(), this.#choices(step))) {
        case "again":
          continue;
        case "skip":
          await this.#deviate(step, { skipped: step.id });
          return undefined;
        case "strike":
          await this.#strike(step);
          continue;
        case "stop":
          return this.#pause(step, refusal);
        case "abandon":
          await this.#abandon();
          return "abandoned";
      }
    }
  }

  /** The refusal that the step ended with, recorded; undefined when it is done. What is no refusal passes. */
  async #perform(step: Step): Promise<Refusal | undefined> {
    try {
      const { facts = {}, people, shown = [] } = await step.perform(this.#stage);
      this.#write({ kind: "done", step: step.id, facts, people: [...people], shown: [...shown] });
      return undefined;
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      const { code, message } = fault;
      this.#write({ kind: "failed", step: step.id, text: message, facts: { code, ...detailsOf(fault) } });
      this.#parts.scene.say(
        `${code}: ${message}`,
        ...Object.entries(detailsOf(fault)).map(([name, it]) => `  ${name}: ${it}`),
      );
      return fault;
    }
  }

  #choices(step: Step): readonly Choice[] {
    return ["again", ...(step.mayBeSkipped ? (["skip"] as const) : []), "strike", "stop", "abandon"];
  }

  async #deviate(step: Step, facts: Facts): Promise<void> {
    const { scene } = this.#parts;
    const leader = this.#leader();
    const why = await scene.type(leader, "What was not as planned, and why? ", sentence);
    const instead = await scene.type(leader, "What was done instead? ", sentence);
    this.#write({ kind: "deviation", step: step.id, people: [leader], text: why, facts: { ...facts, instead } });
  }

  async #strike(step: Step): Promise<void> {
    const { file, scene } = this.#parts;
    const leader = this.#leader();
    const others = this.#state().present.filter((id) => id !== leader);
    const form = {
      pattern: new RegExp(`^(?:${others.join("|")})$`),
      expected: `one of ${others.join(", ")}`,
      example: () => others[0] ?? "",
    };
    const id = await scene.type(leader, "Who is struck out? ", form);
    const why = await scene.type(leader, `Why is ${personOf(file, id).name} struck out? `, sentence);
    this.#write({ kind: "struck", step: step.id, people: [id], text: why });
  }

  async #abandon(): Promise<void> {
    const leader = this.#leader();
    const why = await this.#parts.scene.type(leader, "Why is the ceremony abandoned? ", sentence);
    await this.#collectKeys();
    this.#write({ kind: "abandoned", people: [leader], text: why });
  }

  #pause(step: Step, refusal: Refusal | undefined): Pause {
    return { outcome: "paused", next: step.id, refusal };
  }

  /** Whoever cannot sign is struck out before the end is recorded. */
  async #collectKeys(): Promise<void> {
    const { file, record, scene } = this.#parts;
    const ids = presentWithToken({ entries: [...record.entries], people: transcriptPeople(file) });
    await this.#signers.collect(scene, file, ids, this.#leader(), (id, why) => {
      this.#write({ kind: "struck", people: [id], text: `cannot sign the transcript: ${why}` });
    });
  }

  /** An end whose transcript was signed already, by those who were there then; undefined where that is still to be done. */
  async #over(outcome: "completed" | "abandoned"): Promise<Held | undefined> {
    const { file, procedure, scene } = this.#parts;
    const again = await transcriptAgain(procedure, file);
    if (!again) return undefined;
    const { digest } = await verifyTranscript(nodeHost, ownOids(procedure.arc), again.p7m);
    scene.say(`This ceremony was ${outcome} before, and its transcript is signed: ${again.path}`);
    return { outcome, digest, path: again.path };
  }

  async #finish(outcome: "completed" | "abandoned"): Promise<Held> {
    const { file, procedure, record, run, scene } = this.#parts;
    const content = await composeTranscript(procedure, file, run, record);
    if (this.#signers.keys.length === 0) await this.#collectKeys();
    const signed = await signTranscript(procedure.arc, content, this.#signers.keys);
    const p7m = await procedure.countersign(this.#stage, signed.p7m);
    const { digest } = await verifyTranscript(nodeHost, ownOids(procedure.arc), p7m);
    const path = await writeTranscript(procedure, file, p7m);
    await procedure.leave?.();
    scene.say(`The transcript is signed: ${path}`);
    return { outcome, digest, path };
  }

  #leader(): string {
    return leaderOf(this.#parts.file, this.#state().present);
  }

  #state(): CeremonyState {
    return stateOf(this.#parts.procedure.steps, this.#parts.record.entries);
  }

  #factsOf(step: string): Facts {
    const facts = this.#state().facts.get(step);
    if (facts) return facts;
    throw new Refusal("CEREMONY-STATE", "a step that this one needs left nothing", { expected: step });
  }

  #write(entry: Partial<NewEntry> & Pick<NewEntry, "kind">): Entry {
    return this.#parts.record.append({
      facts: {},
      people: [],
      shown: [],
      step: null,
      text: null,
      time: this.#now(),
      ...entry,
    });
  }

  /** Never before the last entry, so that a clock that is set back in between breaks no chain. */
  #now(): string {
    const last = this.#parts.record.entries.at(-1)?.time ?? "";
    return [last, this.#parts.now()].sort()[1] as Utc;
  }
}

function detailsOf({ expected, got, about }: Refusal): Facts {
  return {
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
    ...(about === undefined ? {} : { about }),
  };
}
