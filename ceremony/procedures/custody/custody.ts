/** Custody: things change hands, each seen, sealed and handed over between two people, and the log says who holds it. */

import { countersign } from "../../../appliance/client/unlock-client.ts";
import { lineFact } from "../../../manifests/records/custody.ts";
import { type CeremonyFile, pathIn } from "../../engine/ceremony-file.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Procedure, Step } from "../../engine/procedure.ts";
import { boxAtHand } from "../box-at-hand.ts";
import { leaveCopy } from "../box-copy.ts";
import { witnessOf } from "../genesis/begin.ts";
import { checkPeopleOf } from "../people-of-policy.ts";
import { policyInForce } from "../policies-at-hand.ts";
import { assetSteps, handOverStepId } from "./asset-steps.ts";
import { copyToStick, type LogPlaces, readBoxLog } from "./box-log.ts";
import { type Asset, custodyParameters } from "./parameters.ts";

/** Refuses CEREMONY-FILE, CONFIG. */
export function custody(file: CeremonyFile): Procedure {
  const { assets, ...parameters } = custodyParameters(file);
  const box = boxAtHand(file, parameters.box);
  const places: LogPlaces = { records: box.layout.records, stick: pathIn(file, parameters.stick) };
  const socket = parameters.unlockSocket === undefined ? undefined : pathIn(file, parameters.unlockSocket);
  return {
    name: "custody",
    purpose: "To hand things over between named people, seen by a witness, and to record who holds what.",
    steps: [logStep(places), ...assets.flatMap((asset) => assetSteps(places, asset)), closeStep(places, assets)],
    simulated: box.simulated,
    records: places.records,
    media: places.stick,
    arc: box.arc,
    tokenCheck: async ({ begun }) => {
      if (!begun) checkPeopleOf(file, [(await policyInForce(box)).policy]);
      return { genesis: box.genesis };
    },
    countersign: async (_, p7m) => (socket === undefined ? p7m : countersign(socket, p7m)),
    leave: () =>
      leaveCopy({
        layout: box.layout,
        appliance: box.appliance,
        media: places.stick,
        ...(socket === undefined ? {} : { socket }),
      }),
  };
}

function logStep(places: LogPlaces): Step {
  return {
    id: "log",
    title: "See the custody log",
    acts: "the administrator",
    checks: "a witness",
    minutes: 2,
    script: [
      "Every line of the box's log must follow the one before, and no line that a transcript names may be missing.",
      "The copy on the stick must be a beginning of it, and is brought up to date.",
    ],
    wayBack: "Find out who changed the log, or bring the right stick. Nothing is handed over on a broken log.",
    needs: [],
    perform: async (stage) => {
      const { events, head } = await readBoxLog(places);
      await copyToStick(places);
      return {
        people: [leaderOf(stage.file, stage.present()), witnessOf(stage)],
        facts: { events: `${events.length}`, head: head ?? "none" },
      };
    },
  };
}

function closeStep(places: LogPlaces, assets: readonly Asset[]): Step {
  return {
    id: "close",
    title: "Write the log to the stick, and its head on paper",
    acts: "the administrator",
    checks: "a witness, who types two groups of the head",
    minutes: 3,
    script: [
      "The log's head is shown as words, which are written down or printed; a witness types two groups from the paper.",
      "Those who hold something sign the printed record in ink.",
    ],
    wayBack: "Try again, or bring another stick: the box's own log is complete.",
    needs: ["log"],
    perform: async (stage) => {
      const { events, head } = await readBoxLog(places);
      await copyToStick(places);
      const witness = witnessOf(stage);
      const handed = assets.filter(({ id }) => stage.facts(handOverStepId(id))[lineFact] !== undefined);
      const logged = assets.filter(({ id }) =>
        events.some(({ archive, asset }) => archive === stage.file.archive && asset === id),
      );
      const leftOut = logged.filter((asset) => !handed.includes(asset)).map(({ id }) => id);
      const facts = {
        events: `${events.length}`,
        "handed over": handed.map(({ id }) => id).join(", ") || "nothing",
        ...(leftOut.length === 0 ? {} : { "logged, though the step was left out": leftOut.join(", ") }),
      };
      const people = [leaderOf(stage.file, stage.present()), witness];
      if (head === null) return { people, facts };
      stage.scene.show("head of the custody log", head);
      await stage.scene.compare(witness, "head of the custody log", head);
      return { people, facts, shown: [{ label: "head of the custody log", digest: head, confirmedBy: [witness] }] };
    },
  };
}
