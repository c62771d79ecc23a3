/** An emergency: officers declare it under a text that the policy approved beforehand; when it ends, the box closes it by a record of all that it sealed. */

import { join } from "node:path";
import { boxStanding, closingRecord } from "../../../appliance/client/unlock-client.ts";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { count } from "../../../host/terminal/amounts.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { ownOids } from "../../../manifests/encoding/oid.ts";
import { object, oneOf, text } from "../../../manifests/encoding/shape.ts";
import { readSignedClosing } from "../../../manifests/records/closing.ts";
import { causes, type Declaration, emergencyEnd, emergencyRulesOf } from "../../../manifests/records/emergency.ts";
import { shown } from "../../../manifests/records/names.ts";
import type { Policy } from "../../../manifests/records/policy.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { type CeremonyFile, readParameters } from "../../engine/ceremony-file.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Procedure, Step } from "../../engine/procedure.ts";
import { peopleStep, witnessOf } from "../genesis/begin.ts";
import { policyInForce } from "../policies-at-hand.ts";
import { beforeStep, orderStep, statementStep } from "./order-steps.ts";
import { aboutRunningBox, type RunningBox, runningBox, runningMembers } from "./running-box.ts";

const readDeclared = object({ ...runningMembers, cause: oneOf(causes), language: text(35), reason: text(500) });
const readEnded = object({ ...runningMembers, reason: text(500) });

/** Refuses CEREMONY-FILE, CONFIG. */
export function declareEmergency(file: CeremonyFile): Procedure {
  const { cause, language, reason, ...parameters } = readParameters(file, readDeclared);
  const running = runningBox(file, parameters);
  return aboutRunningBox(running, {
    name: "declare-emergency",
    purpose: "To let the box seal in an emergency: by a key, a quorum and limits of its own.",
    officers,
    steps: [
      beforeStep(running),
      textStep(running, language),
      peopleStep(["before"]),
      orderStep(running, {
        kind: "declare-emergency",
        title: "Declare the emergency",
        script: [
          "From now on the box takes batches of mode emergency, until the policy's hours or seals are used up, or it is ended.",
          "Every seal made in it says so, and names this order, its cause and its text for ever.",
        ],
        wayBack: "Try again, or strike out the person whose token fails; without a quorum no emergency is declared.",
        needs: ["before", "text", "people"],
        what: async () => ({
          cause,
          reason,
          text: namedText(emergencyRulesOf((await policyInForce(running.box)).policy), language).named,
        }),
      }),
      statementStep(running),
    ],
  });
}

/** Refuses CEREMONY-FILE, CONFIG. */
export function endEmergency(file: CeremonyFile): Procedure {
  const { reason, ...parameters } = readParameters(file, readEnded);
  const running = runningBox(file, parameters);
  return aboutRunningBox(running, {
    name: "end-emergency",
    purpose: "To end an emergency: the box closes it by a signed record of every seal that was made in it.",
    officers,
    steps: [
      beforeStep(running),
      peopleStep(["before"]),
      orderStep(running, {
        kind: "end-emergency",
        title: "End the emergency",
        script: ["No batch of the emergency is under way. From now on the box refuses batches of mode emergency."],
        wayBack: "Wait until the batch under way is sealed, or abort it, and try again.",
        needs: ["before", "people"],
        what: async () => ({ declaration: await openDeclaration(running), reason }),
      }),
      // The closing record is signed with it.
      { ...statementStep(running), mayBeSkipped: false },
      closingStep(running),
    ],
  });
}

/** As many as the emergency's own rules say. */
function officers({ emergency, thresholds }: Policy): number {
  return emergency?.officers ?? thresholds.policy;
}

function namedText(
  { texts }: NonNullable<Policy["emergency"]>,
  language: string,
): { readonly named: Declaration["text"]; readonly words: string } {
  const found = texts.find((one) => one.language === language);
  if (found) return { named: { digest: hex(sha256(utf8(found.text))), language }, words: found.text };
  throw new Refusal("CEREMONY-FILE", "the policy has no text in this language", {
    expected: texts.map((one) => one.language).join(", "),
    got: language,
    about: "parameters.language",
  });
}

function textStep({ box }: RunningBox, language: string): Step {
  return {
    id: "text",
    title: "Read the text and the limits that the policy has for an emergency",
    acts: "a witness",
    checks: "the administrator",
    minutes: 3,
    script: [
      "The text is read aloud. Everybody who signed the policy approved it beforehand; nothing of it is changed now.",
      "The witness holds it against the paper of the ceremony that brought the policy in.",
    ],
    wayBack: "Correct the language in the ceremony file; another text needs another policy.",
    needs: ["before"],
    perform: async (stage) => {
      const rules = emergencyRulesOf((await policyInForce(box)).policy);
      const { named, words } = namedText(rules, language);
      const { hours, operators, seals } = rules;
      const until = emergencyEnd(stage.now(), rules);
      stage.scene.say(
        shown(words),
        `At most ${count(hours, "hour")}, declared now until ${until}, and ${count(seals, "seal")}; of the operators ${operators} must approve a batch.`,
      );
      const witness = witnessOf(stage);
      await stage.scene.confirm(witness, "Are text and limits those on the paper of the policy?");
      return {
        people: [witness, leaderOf(stage.file, stage.present())],
        facts: {
          hours: `${hours}`,
          language,
          operators: `${operators}`,
          seals: `${seals}`,
          "text, SHA-256": named.digest,
        },
      };
    },
  };
}

async function openDeclaration({ socket }: RunningBox): Promise<string> {
  const { emergency } = await boxStanding(socket);
  if (emergency) return emergency.digest;
  throw new Refusal("CEREMONY-STATE", "no emergency is open", { expected: "one that was declared", got: "none" });
}

function closingStep({ box, socket, stick }: RunningBox): Step {
  return {
    id: "closing",
    title: "Take the closing record",
    acts: "the administrator",
    checks: "a witness",
    minutes: 3,
    script: [
      `The box's closing record goes to ${stick}, in coldseal/closings; its digest is shown as words.`,
      "Copies of it go to everybody who got a batch of this emergency: beside their bundles it shows that no seal is missing.",
    ],
    wayBack: "Try again, with another medium. The record was signed with the statement, and stays in the box.",
    needs: ["order", "statement"],
    perform: async (stage) => {
      const p7m = await closingRecord(socket, Number(stage.facts("order").number));
      const { closing, content } = await readSignedClosing(nodeHost, ownOids(box.arc), p7m);
      const name = `${String(closing.ended.number).padStart(4, "0")}.p7m`;
      for (const [folder, mode] of [
        [box.layout.closings, 0o700],
        [join(stick, "coldseal/closings"), 0o755],
      ] as const) {
        await makeFolder(folder, mode);
        await writeDurable(join(folder, name), p7m);
      }
      const digest = hex(sha256(content));
      const label = "closing record of the emergency";
      stage.scene.show(label, digest);
      return {
        people: [leaderOf(stage.file, stage.present()), witnessOf(stage)],
        facts: {
          digest,
          manifests: `${closing.manifests.length}`,
          root: closing.root,
          seals: `${closing.seals}`,
          since: closing.declared.since,
          written: name,
          ...(closing.missing ? { "numbers not known": JSON.stringify(closing.missing) } : {}),
        },
        shown: [{ label, digest, confirmedBy: [] }],
      };
    },
  };
}
