/**
 * Policy change: people enrolled, retired or given another token, thresholds, limits, texts. Signed by the old quorum and the
 * new one; the signer takes it, or nothing changed.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { boxStanding, countersign, importPolicy, signerStatus } from "../../../appliance/client/unlock-client.ts";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { equal, hex } from "../../../manifests/encoding/bytes.ts";
import { ownOids } from "../../../manifests/encoding/oid.ts";
import { anyObject, object, optional, type Read, text } from "../../../manifests/encoding/shape.ts";
import { checkLedgerKeys } from "../../../manifests/records/ledger-rules.ts";
import { type Policy, readPolicy } from "../../../manifests/records/policy.ts";
import { type PolicyInForce, verifyNextPolicy } from "../../../manifests/records/policy-chain.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { type CeremonyFile, pathIn, readParameters } from "../../engine/ceremony-file.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Procedure, Stage, Step } from "../../engine/procedure.ts";
import { asText, members } from "../../shown-json.ts";
import { type BoxAtHand, boxAtHand, readHeldShares } from "../box-at-hand.ts";
import { leaveCopy } from "../box-copy.ts";
import { certificateOf, peopleStep, type SignerRole, signersOf, witnessOf } from "../genesis/begin.ts";
import { signedBy } from "../genesis/policy.ts";
import { officersHere } from "../orders/order-steps.ts";
import { secondTokenFacts, secondTokenSteps } from "../orders/second-token.ts";
import { checkPeopleOf } from "../people-of-policy.ts";
import { policyInForce, policyName } from "../policies-at-hand.ts";
import { policyOf } from "../policy-part.ts";
import { factOf, policyChanges } from "./changes.ts";

const readValue = object({
  box: text(4096),
  /** all of the next policy but what the box says itself; certificates are paths */
  policy: anyObject,
  /** shares of the second token, which is proven then */
  second: optional(readHeldShares),
  stick: text(4096),
  unlockSocket: text(4096),
});

interface Change {
  readonly parameters: Read<typeof readValue>;
  readonly box: BoxAtHand;
  readonly unlock: string;
  readonly stick: string;
  inForce(): Promise<PolicyInForce>;
}

/** Refuses CEREMONY-FILE, CONFIG. */
export function policyChange(file: CeremonyFile): Procedure {
  return changeOf(file, officersSign);
}

/**
 * Break glass: too few officers' tokens survive, and the recovery holders that the policy in force names sign in their place. Every later
 * manifest says so. Refuses CEREMONY-FILE, CONFIG.
 */
export function breakGlass(file: CeremonyFile): Procedure {
  return changeOf(file, recoveryHoldersSign);
}

/** Who signs, and what the script says of it. */
interface Signing {
  readonly name: string;
  readonly purpose: string;
  readonly roles: readonly SignerRole[];
  readonly acts: string;
  readonly warning: readonly string[];
}

const officersSign: Signing = {
  name: "policy",
  purpose: "To change the policy: people, their tokens, thresholds, limits or texts.",
  roles: ["operator", "officer"],
  acts: "officers of the old policy and of the new one, with their own tokens",
  warning: [],
};

const recoveryHoldersSign: Signing = {
  name: "break-glass",
  purpose: "To give the box new officers when too few of the old ones' tokens survive.",
  roles: ["recovery", "operator", "officer"],
  acts: "recovery holders of the old policy and officers of the new one, with their own tokens",
  warning: [
    "BREAK GLASS: the recovery holders sign in the place of the old quorum. Every manifest from now on says so.",
    "Before: the recovery holders' own shares unlocked the box.",
  ],
};

function changeOf(file: CeremonyFile, signing: Signing): Procedure {
  const parameters = readParameters(file, readValue);
  const box = boxAtHand(file, parameters.box);
  const change: Change = {
    parameters,
    box,
    unlock: pathIn(file, parameters.unlockSocket),
    stick: pathIn(file, parameters.stick),
    inForce: () => policyInForce(box),
  };
  const about = { box, file, parameters, socket: change.unlock };
  return {
    name: signing.name,
    purpose: signing.purpose,
    steps: [
      beforeStep(change),
      ...secondTokenSteps(about),
      peopleStep(["before"], signing.roles, signing.acts),
      signStep(change, signing),
      inForceStep(change),
    ],
    simulated: box.simulated,
    records: box.layout.records,
    media: change.stick,
    arc: box.arc,
    tokenCheck: async ({ begun }) => {
      const before = await change.inForce();
      const next = readPolicy(nextPolicy({ file }, change, before));
      await checkLedgerKeys(nodeHost, next);
      // Gone on with, the old policy's people may be out of force already.
      if (!begun) checkPeopleOf(file, [before.policy, next]);
      return { genesis: box.genesis, token: box.token.uri, ...(await secondTokenFacts(about)) };
    },
    countersign: (_, p7m) => countersign(change.unlock, p7m),
    leave: () =>
      leaveCopy({ layout: box.layout, appliance: box.appliance, media: change.stick, socket: change.unlock }),
  };
}

function beforeStep(change: Change): Step {
  return {
    id: "before",
    title: "See which policy is in force, and that the box is unlocked",
    acts: "the administrator",
    checks: "a witness",
    minutes: 2,
    script: [
      "The signer says which policy it holds to; it must be the last one that ceremonies of this box signed.",
      "The box must be unlocked: its audit key signs the transcript.",
    ],
    wayBack: "Unlock the box by shares; or fetch the policies that this box's ceremonies left.",
    needs: [],
    perform: async (stage) => {
      const { number, digest } = await change.inForce();
      const status = members(await signerStatus(change.unlock));
      const held = asText(members(status.policy).digest);
      if (held !== hex(digest)) {
        throw new Refusal("CEREMONY-STATE", "the signer holds to another policy", {
          expected: hex(digest),
          got: held ?? "none",
        });
      }
      if (status.locked !== false)
        throw new Refusal("LOCKED", "the box is locked", { expected: "an unlocked box", got: "locked" });
      return {
        people: [leaderOf(stage.file, stage.present()), witnessOf(stage)],
        facts: { number: `${number}`, digest: hex(digest) },
      };
    },
  };
}

function signStep(change: Change, { roles, acts, warning }: Signing): Step {
  return {
    id: "policy",
    title: "Sign the next policy",
    acts,
    checks: "a witness",
    minutes: 10,
    script: [
      ...warning,
      "What changes is shown, and the digest of the next policy as words, which are written down or printed.",
      "Each officer types two groups of the digest from the paper, and signs with the own token.",
    ],
    wayBack: "Try again, or strike out the person whose token fails, as long as both quorums are complete.",
    needs: ["before", "people"],
    perform: async (stage) => {
      const before = await change.inForce();
      const content = nextPolicy(stage, change, before);
      const changes = policyChanges(before.policy, readPolicy(content));
      const number = before.number + 1;
      const label = `policy number ${number}`;
      const digest = hex(sha256(content));
      stage.scene.say(...changes);
      stage.scene.show(label, digest);
      const people = roles.includes("recovery")
        ? recoveryHere(stage, before.policy, readPolicy(content))
        : officersHere(stage, before.policy, readPolicy(content));
      const oids = ownOids(change.box.arc);
      const signed = await signedBy(stage, people, content, label, oids.policy);
      await verifyNextPolicy(nodeHost, oids, before, signed, stage.now());
      await makeFolder(change.box.layout.orders);
      await writeDurable(signedPath(change, stage), signed);
      const facts = { changes: factOf(changes), digest, number: `${number}` };
      return { people, facts, shown: [{ label, digest, confirmedBy: [...people] }] };
    },
  };
}

function inForceStep(change: Change): Step {
  return {
    id: "in-force",
    title: "The signer takes the policy, or refuses it",
    acts: "the administrator",
    checks: "a witness",
    minutes: 2,
    script: ["The signer verifies both quorums by itself; from then on older ones are refused for ever."],
    wayBack: "See what the signer refuses; sign again, or abandon: the old policy stays in force.",
    needs: ["policy"],
    perform: async (stage) => {
      const { digest = "", number = "" } = stage.facts("policy");
      const signed = readFileSync(signedPath(change, stage));
      const held = async () => (await boxStanding(change.unlock)).policy.digest;
      if ((await held()) !== digest) await importPolicy(change.unlock, signed);
      await writeDurable(join(change.box.layout.policies, `${policyName(Number(number))}.p7m`), signed);
      return { people: [leaderOf(stage.file, stage.present()), witnessOf(stage)], facts: { "in force": digest } };
    },
  };
}

function nextPolicy(
  stage: Pick<Stage, "file">,
  { box, parameters }: Change,
  { policy, number, digest }: PolicyInForce,
): Uint8Array {
  return policyOf(stage.file, parameters.policy, {
    appliance: box.appliance,
    arc: box.arc,
    keys: policy.keys,
    number: number + 1,
    people: [],
    previous: hex(digest),
    suite: policy.profile.suite,
  });
}

function signedPath({ box }: Pick<Change, "box">, { file }: Pick<Stage, "file">): string {
  return join(box.layout.orders, `${file.archive}-${file.ceremony}-policy.p7m`);
}

/** The old policy's recovery holders and the new one's officers who are here; an old officer only where the new policy names that one too. */
function recoveryHere(stage: Stage, old: Policy, next: Policy): readonly string[] {
  const named = [
    ...old.people.filter(({ roles }) => roles.includes("recovery")),
    ...next.people.filter(({ roles }) => roles.includes("officer")),
  ];
  return signersOf(stage, ["recovery", "operator", "officer"]).filter((id) => {
    const own = certificateOf(stage, id);
    return named.some(({ certificates }) => certificates.some((der) => equal(der, own)));
  });
}
