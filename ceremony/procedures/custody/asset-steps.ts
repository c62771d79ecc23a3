/** The steps of one asset: a witness sees it, it gets its new seal, one person hands it over and another takes it. */

import {
  type CustodyLog,
  type Difference,
  lineFact,
  type NewEvent,
  notAsLogged,
  partyText,
} from "../../../manifests/records/custody.ts";
import { shown } from "../../../manifests/records/names.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { leaderOf, personOf } from "../../engine/people.ts";
import type { Facts, Stage, Step } from "../../engine/procedure.ts";
import type { Form } from "../../engine/scene.ts";
import { appendToBoxLog, type LogPlaces, readBoxLog } from "./box-log.ts";
import { type Asset, actorsOf, mayLookOn } from "./parameters.ts";

const longestDeviation = 4096;
const nextSealFact = "new seal";

/** In order. The numbers that are read from a thing stand in the reviewed file and not in the script, so that they are read and not repeated. */
export function assetSteps(places: LogPlaces, asset: Asset): readonly Step[] {
  return [
    seeStep(places, asset),
    ...(asset.nextSeal === null ? [] : [sealStep(asset, asset.nextSeal)]),
    handOverStep(places, asset),
  ];
}

const seeStepId = (id: string) => `see-${id}`;
const sealStepId = (id: string) => `seal-${id}`;
export const handOverStepId = (id: string) => `hand-over-${id}`;

function seeStep(places: LogPlaces, asset: Asset): Step {
  const { id, description, from, kind } = asset;
  return {
    id: seeStepId(id),
    title: `See ${shown(id)}: ${shown(description)}`,
    acts: "a witness who neither gives nor takes",
    checks: "the administrator, with the ceremony file",
    minutes: 2,
    script: [
      `The log must say that it is held by ${shown(partyText(from))}, or not know it when it comes from outside.`,
      "The witness reads serial number and seal number aloud from the thing itself, and types them.",
      "Seal and bag must be whole: if one is not, record a deviation.",
    ],
    wayBack: "Read again. If it stays another: find out why, record a deviation, or leave the asset out.",
    needs: ["log"],
    mayBeSkipped: true,
    perform: async (stage) => {
      const witness = onlooker(stage, asset);
      const serial = await readNumber(stage, witness, `the serial number of ${id}`, asset.serial);
      const seal = await readNumber(stage, witness, `the seal number of ${id}`, asset.seal);
      await stage.scene.confirm(witness, `Is this ${id} (${description})${seal === null ? "" : ", its seal whole"}?`);
      const { held } = await readBoxLog(places);
      const differences = [
        ...notAsFiled("serial number", asset.serial, serial),
        ...notAsFiled("seal", asset.seal, seal),
        ...notAsLogged(held.get(id), { from, kind, seal, serial }),
      ];
      await allowByDeviation(stage, seeStepId(id), asset, differences);
      const facts = {
        asset: `${kind}, ${description}`,
        ...(serial === null ? {} : { serial }),
        ...(seal === null ? {} : { seal }),
        ...(differences.length === 0 ? {} : { "not as expected": differences.map(differenceText).join("; ") }),
      };
      return { people: [witness, leaderOf(stage.file, stage.present())], facts };
    },
  };
}

function sealStep(asset: Asset, nextSeal: string): Step {
  const { id } = asset;
  const stepId = sealStepId(id);
  return {
    id: stepId,
    title: `Seal ${shown(id)} anew`,
    acts: "the giver",
    checks: "a witness, who types the new number",
    minutes: 3,
    script: [
      "The giver closes the new bag or sets the new seal, and keeps what is left of the old one with the record.",
      "The witness reads the new number aloud from the seal, and types it.",
    ],
    wayBack: "Take another seal: record a deviation, which lets another number stand.",
    needs: [seeStepId(id)],
    mayBeSkipped: true,
    perform: async (stage) => {
      checkNotLeftOut(stage, seeStepId(id));
      const witness = onlooker(stage, asset);
      const typed = await readNumber(stage, witness, `the new seal number of ${id}`, nextSeal);
      await allowByDeviation(stage, stepId, asset, notAsFiled("new seal", nextSeal, typed));
      return { people: [actorsOf(asset)[0], witness], facts: { [nextSealFact]: typed ?? nextSeal } };
    },
  };
}

function handOverStep(places: LogPlaces, asset: Asset): Step {
  const { id, from, to } = asset;
  return {
    id: handOverStepId(id),
    title: `Hand over ${shown(id)}`,
    acts: `${shown(partyText(from))} gives, ${shown(partyText(to))} takes`,
    checks: "a witness",
    minutes: 2,
    script: [
      "Giver and receiver each look at the thing and its seal, and agree with an exact Yes.",
      "From then on the receiver is its custodian: a line of the custody log says so.",
    ],
    wayBack: "Try again, or leave it out: it stays with the giver. What the log has taken stays handed over.",
    needs: [seeStepId(id), ...(asset.nextSeal === null ? [] : [sealStepId(id)])],
    mayBeSkipped: true,
    perform: async (stage) => {
      checkNotLeftOut(stage, seeStepId(id));
      const witness = onlooker(stage, asset);
      const actors = actorsOf(asset);
      checkHere(stage, actors);
      const made = eventOf(stage, asset);
      const before = loggedHere(stage, await readBoxLog(places), id);
      if (!before) await agree(stage, asset, made);
      const log = await appendToBoxLog(places, (now) => {
        if (loggedHere(stage, now, id)) return undefined;
        checkAsLogged(now, made);
        return made;
      });
      const number = loggedHere(stage, log, id)?.number ?? 0;
      const facts = {
        from: partyText(from),
        to: partyText(to),
        [lineFact]: log.events[number]?.previous ?? log.head ?? "",
        "log number": `${number}`,
        ...(before ? { logged: "before an interruption" } : {}),
      };
      return { people: [...actors, witness], facts };
    },
  };
}

/** The event that this ceremony wrote for the asset already. */
function loggedHere(stage: Stage, { events }: CustodyLog, id: string) {
  return events.find(({ archive, asset }) => archive === stage.file.archive && asset === id);
}

function eventOf(stage: Stage, asset: Asset): NewEvent {
  const { id, description, from, kind, to } = asset;
  const seen = stage.facts(seeStepId(id));
  const sealed: Facts = asset.nextSeal === null ? {} : stage.facts(sealStepId(id));
  const steps = [seeStepId(id), sealStepId(id), handOverStepId(id)];
  const deviation = steps.flatMap((step) => stage.deviations(step)).join("; ");
  return {
    appliance: stage.file.appliance,
    archive: stage.file.archive,
    asset: id,
    ceremony: stage.head(),
    description,
    deviation: deviation === "" ? null : deviation.slice(0, longestDeviation),
    from,
    kind,
    nextSeal: sealed[nextSealFact] ?? null,
    run: stage.run,
    seal: seen.seal ?? null,
    serial: seen.serial ?? null,
    time: stage.now(),
    to,
  };
}

async function agree(stage: Stage, asset: Asset, { nextSeal, seal }: NewEvent): Promise<void> {
  const [giver, receiver] = actorsOf(asset);
  const number = nextSeal ?? seal;
  const thing = `${asset.id} (${asset.description})${number === null ? "" : `, seal number ${number}`}`;
  await stage.scene.confirm(giver, `Do you hand over ${thing}, to ${partyText(asset.to)}?`);
  await stage.scene.confirm(receiver, `Do you take ${thing}, as ${partyText(asset.to)}?`);
}

/** The log may have grown since the asset was seen. */
function checkAsLogged(log: CustodyLog, made: NewEvent): void {
  const [difference] = notAsLogged(log.held.get(made.asset), made);
  if (difference && made.deviation === null) throw notAsExpected(made.asset, difference);
}

/** What is not as expected needs a recorded deviation, and an exact Yes of who leads and who looks on. Refuses CEREMONY-STEP. */
async function allowByDeviation(
  stage: Stage,
  step: string,
  asset: Asset,
  differences: readonly Difference[],
): Promise<void> {
  const [first] = differences;
  if (!first) return;
  if (stage.deviations(step).length === 0) throw notAsExpected(asset.id, first);
  const question = `${differences.map(differenceText).join("; ")}. Is that what the deviation is about?`;
  for (const person of new Set([leaderOf(stage.file, stage.present()), onlooker(stage, asset)])) {
    await stage.scene.confirm(person, question);
  }
}

function notAsFiled(what: string, filed: string | null, typed: string | null): readonly Difference[] {
  return filed === typed ? [] : [{ what, expected: filed ?? "none", got: typed ?? "none" }];
}

function differenceText({ what, expected, got }: Difference): string {
  return `${what}: expected ${expected}, got ${got}`;
}

function notAsExpected(asset: string, { what, expected, got }: Difference): Refusal {
  return new Refusal("CEREMONY-STEP", `${asset}: another ${what} than expected`, { expected, got, about: asset });
}

function readNumber(stage: Stage, witness: string, what: string, filed: string | null): Promise<string | null> {
  if (filed === null) return Promise.resolve(null);
  const form: Form = {
    pattern: /^[^\s\p{Cc}](?:[^\p{Cc}]{0,62}[^\s\p{Cc}])?$/u,
    expected: "the number as it stands on the thing, or what stands there in its place",
    example: () => filed,
  };
  return stage.scene.type(witness, `read aloud and type ${what}: `, form);
}

/** Somebody who is here and has no part in the hand-over, a witness before the administrator. Refuses CEREMONY-STEP. */
function onlooker({ file, present }: Stage, asset: Asset): string {
  const actors = actorsOf(asset);
  const able = present()
    .map((id) => personOf(file, id))
    .filter((one) => mayLookOn(one, actors));
  const found = able.find(({ roles }) => roles.includes("witness")) ?? able[0];
  if (found) return found.id;
  throw new Refusal("CEREMONY-STEP", "nobody is here who could look on", {
    expected: "a witness or an administrator who neither gives nor takes",
    got: present().join(", "),
    about: asset.id,
  });
}

function checkHere({ present }: Stage, actors: readonly string[]): void {
  const missing = actors.filter((id) => !present().includes(id));
  if (missing.length === 0) return;
  throw new Refusal("CEREMONY-STEP", "giver and receiver must both be here", {
    expected: actors.join(", "),
    got: `${missing.join(", ")} missing`,
  });
}

function checkNotLeftOut(stage: Stage, step: string): void {
  if (stage.facts(step).skipped === undefined) return;
  throw new Refusal("CEREMONY-STEP", "nobody saw it in this ceremony", {
    expected: `the step ${step}`,
    got: "it was left out: leave this one out, too",
  });
}
