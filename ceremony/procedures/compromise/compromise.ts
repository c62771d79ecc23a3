/** A key was in other hands: it is revoked, its work is judged, what falls may be sealed again, and those who rely on it are told. */

import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { madeBy } from "../../../appliance/client/unlock-client.ts";
import { sha256 } from "../../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { base64, hex } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes } from "../../../manifests/encoding/canonical-json.ts";
import { nullable, object, text, utc } from "../../../manifests/encoding/shape.ts";
import { type CeremonyFile, readParameters } from "../../engine/ceremony-file.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Procedure, Stage, Step, StepResult } from "../../engine/procedure.ts";
import { compromiseNoticePaper, compromiseReportPaper } from "../../paper/compromise-paper.ts";
import { writePaper } from "../../paper/print.ts";
import { peopleStep, witnessOf } from "../genesis/begin.ts";
import { boxKey, keyDigest, keyStep } from "../orders/box-key.ts";
import { beforeStep, orderPath, orderStep, statementStep } from "../orders/order-steps.ts";
import { aboutRunningBox, type RunningBox, runningBox, runningMembers } from "../orders/running-box.ts";
import { type Compromised, noticeJson, paperFacts } from "./notice.ts";
import { type CompromiseReport, rangesOf, reportJson, reportOf, resealable, sealsOf } from "./report.ts";

const readValue = object({
  ...runningMembers,
  key: keyDigest,
  reason: text(500),
  /** from when on the key may have been in other hands; null: nobody knows */
  since: nullable(utc),
});

/** Refuses CEREMONY-FILE, CONFIG. */
export function compromise(file: CeremonyFile): Procedure {
  const { key, reason, since, ...parameters } = readParameters(file, readValue);
  const running = runningBox(file, parameters);
  const compromised: Compromised = { key, reason, running, since };
  return aboutRunningBox(running, {
    name: "compromise",
    purpose: "To find out what falls with a key that was in other hands, and to let it be sealed again.",
    steps: [
      beforeStep(running),
      keyStep(running, key),
      peopleStep(["before"]),
      revokeStep(compromised),
      reportStep(compromised),
      resealStep(compromised),
      statementOf(running, "revoke", "revoked"),
      statementOf(running, "reseal", "resealed"),
      noticeStep(compromised),
    ],
  });
}

/** A key that was revoked before, as it had to be at once, is not revoked again. */
function revokeStep({ key, reason, running, since }: Compromised): Step {
  const step = orderStep(running, {
    id: "revoke",
    kind: "revoke-key",
    title: "Order the box never to use the key again",
    script: [
      "From the moment that the box takes the order the key signs nothing. Was it revoked for that before, and since the same time, this is passed over.",
    ],
    wayBack: "Try again; one officer alone can suspend the key meanwhile.",
    needs: ["before", "people", "key"],
    what: async () => ({
      reason,
      revocation: "keyCompromise",
      since,
      spki: base64((await boxKey(running, key)).spki),
    }),
  });
  return passedOver(step, async (stage) => {
    const { compromise: known } = await boxKey(running, key);
    return known?.since === since && !existsSync(orderPath(running, stage, "revoke"))
      ? { people: [witnessOf(stage)], facts: { revoked: "before this ceremony" } }
      : undefined;
  });
}

function reportStep(compromised: Compromised): Step {
  return {
    id: "report",
    title: "See which manifests and seals fall, and which stand",
    acts: "the administrator",
    checks: "a witness",
    minutes: 10,
    script: [
      "The signer names every manifest that the key sealed for or signed; what was made from the time on falls, what is older stands by the box's own clock.",
      "The report goes to the medium, as PDF, text and JSON, in coldseal/notices; its digest stands in the transcript.",
    ],
    wayBack: "Try again, with another medium.",
    needs: ["revoke"],
    perform: async (stage) => {
      const report = await reportNow(stage, compromised);
      const content = canonicalBytes(reportJson(report));
      const folder = await noticesFolder(compromised);
      await writeDurable(join(folder, `${stage.file.archive}-report.json`), content);
      await writePaper(
        folder,
        `${stage.file.archive}-report`,
        compromiseReportPaper(paperFacts(stage, report)),
        report.created,
      );
      const facts = {
        fall: rangesOf(report.fall.map(({ number }) => number)).slice(0, 4096),
        "report, SHA-256": hex(sha256(content)),
        "seals that fall": `${sealsOf(report.fall)}`,
        "seals that stand": `${sealsOf(report.stand)}`,
        stand: rangesOf(report.stand.map(({ number }) => number)).slice(0, 4096),
      };
      stage.scene.say(...Object.entries(facts).map(([name, value]) => `${name}: ${value}`));
      return { people: [leaderOf(stage.file, stage.present()), witnessOf(stage)], facts };
    },
  };
}

function resealStep(compromised: Compromised): Step {
  const { key, reason, running, since } = compromised;
  const step = orderStep(running, {
    id: "reseal",
    kind: "reseal",
    title: "Order the re-sealing list",
    script: [
      "What the listed manifests sealed may be sealed once more: brought again, approved again, by the keys in force then. Nothing else permits a second seal.",
    ],
    wayBack: "Try again, or leave it out: then nothing is sealed again.",
    needs: ["report", "people"],
    what: async (stage) => ({
      key: base64((await boxKey(running, key)).spki),
      manifests: [...resealable(await reportNow(stage, compromised))],
      reason,
      since,
    }),
  });
  return {
    ...passedOver(step, async (stage) => {
      if (existsSync(orderPath(running, stage, "reseal"))) return undefined;
      const numbers = resealable(await reportNow(stage, compromised));
      return numbers.length > 0
        ? undefined
        : { people: [witnessOf(stage)], facts: { listed: "nothing falls that was sealed" } };
    }),
    mayBeSkipped: true,
  };
}

function noticeStep(compromised: Compromised): Step {
  const { running } = compromised;
  return {
    id: "notice",
    title: "Write the notice for those who rely on seals",
    acts: "the administrator",
    checks: "a witness",
    minutes: 5,
    script: [
      "The notice goes to the medium, in coldseal/notices, as PDF, text and JSON, with the officers' orders beside it.",
      "It goes to every submitter and relying party that is known, and where the box's root is published.",
    ],
    wayBack: "Try again, with another medium.",
    needs: ["report", "revoke"],
    perform: async (stage) => {
      const report = await reportNow(stage, compromised);
      const folder = await noticesFolder(compromised);
      const content = canonicalBytes(noticeJson(stage, report));
      const { archive } = stage.file;
      await writeDurable(join(folder, `${archive}-notice.json`), content);
      await writePaper(folder, `${archive}-notice`, compromiseNoticePaper(paperFacts(stage, report)), report.created);
      for (const step of ["revoke", "reseal"]) {
        const order = orderPath(running, stage, step);
        if (existsSync(order)) await writeDurable(join(folder, basename(order)), readFileSync(order));
      }
      const digest = hex(sha256(content));
      const label = "notice for relying parties";
      stage.scene.show(label, digest);
      return {
        people: [leaderOf(stage.file, stage.present()), witnessOf(stage)],
        facts: { "notice, SHA-256": digest, written: `${archive}-notice.pdf, .txt, .json` },
        shown: [{ label, digest, confirmedBy: [] }],
      };
    },
  };
}

/** Nothing is stated of an order that was not given here. */
function statementOf(running: RunningBox, of: string, id: string): Step {
  return passedOver(statementStep(running, of, id), async (stage) =>
    existsSync(orderPath(running, stage, of))
      ? undefined
      : { people: [witnessOf(stage)], facts: { stated: "nothing: no such order was given here" } },
  );
}

/** The step, unless `instead` says that there is nothing to do in it. */
function passedOver(step: Step, instead: (stage: Stage) => Promise<StepResult | undefined>): Step {
  return { ...step, perform: async (stage) => (await instead(stage)) ?? (await step.perform(stage)) };
}

/** By the signer's own rows as they are now: what was listed meanwhile is seen. */
async function reportNow(stage: Stage, { key, reason, running, since }: Compromised): Promise<CompromiseReport> {
  const made = await madeBy(running.socket, key);
  const { purpose } = await boxKey(running, key);
  const { appliance } = running.box;
  return reportOf({ appliance, created: stage.now(), key: { digest: key, purpose }, reason, since }, made);
}

async function noticesFolder({ running }: Compromised): Promise<string> {
  const folder = join(running.stick, "coldseal/notices");
  await makeFolder(folder, 0o755);
  return folder;
}
