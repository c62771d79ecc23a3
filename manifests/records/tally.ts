/** The quorum (QUORUM, T15-17): who approved, each person once. Pure: signatures were verified before. */

import type { Utc } from "../encoding/shape.ts";
import { Refusal } from "../refusal.ts";
import type { Challenge } from "./decision.ts";
import { approvalsNeeded } from "./emergency.ts";
import { checkDistinct, checkPersonCertificate, checkRole, type DigestedSigner, knownSigners } from "./person.ts";
import type { Policy } from "./policy.ts";

/** One person's approval as it counts. */
export interface Approver {
  readonly person: string;
  readonly name: string;
  readonly certificateSha256: string;
  /** as the person's signature claims */
  readonly signed: Utc;
}

export interface Ballot {
  readonly policy: Policy;
  readonly challenge: Challenge;
  /** verified over exactly the challenge's bytes */
  readonly signers: readonly DigestedSigner[];
  /** at this time the challenge must be open and the certificates valid */
  readonly now: Utc;
  readonly role: "operator";
}

/**
 * The approvers, at least `thresholds.seal` of them (in an emergency as many as its own rules say), in the signers' order. One signer that does not count refuses the
 * whole: PERSON-UNKNOWN, PERSON-TWICE, PERSON-EXCLUDED, PERSON-ROLE, PATH-REVOKED, PATH-TIME, PATH-USAGE, PATH-KEY,
 * CHALLENGE-MATCH (another appliance, a mode that the policy does not allow, an emergency that is named or left out where it may not be),
 * CHALLENGE-EXPIRED, QUORUM (too few).
 */
export function tally(ballot: Ballot): readonly Approver[] {
  const approvers = tallyPartial(ballot);
  const needed = approvalsNeeded(ballot.policy, ballot.challenge.mode);
  if (approvers.length < needed) {
    throw new Refusal("QUORUM", "too few people approved", {
      expected: `${needed} distinct operators`,
      got: `${approvers.length}`,
    });
  }
  return approvers;
}

/** As `tally`, but any number of approvers will do: for showing how many there are. */
export function tallyPartial(ballot: Ballot): readonly Approver[] {
  checkChallenge(ballot);
  return countable(ballot);
}

/** The signers as approvers, whatever the challenge's expiry: also for decisions that only stop something. */
export function countable({ policy, signers, now, role }: Omit<Ballot, "challenge">): readonly Approver[] {
  const known = knownSigners(policy, signers);
  checkDistinct(known);
  return known.map((signer) => {
    checkRole(signer.person, role);
    checkPersonCertificate(policy, signer, now);
    const { person, certificateSha256, signingTime } = signer;
    return { person: person.id, name: person.name, certificateSha256, signed: signingTime };
  });
}

function checkChallenge({ policy, challenge, signers, now }: Ballot): void {
  if (challenge.appliance !== policy.appliance) {
    throw new Refusal("CHALLENGE-MATCH", "the challenge is another appliance's", {
      expected: policy.appliance,
      got: challenge.appliance,
    });
  }
  if (!policy.modes.includes(challenge.mode)) {
    throw new Refusal("CHALLENGE-MATCH", "the challenge's mode is not one of the policy", { got: challenge.mode });
  }
  if ((challenge.mode === "emergency") !== (challenge.emergency !== undefined)) {
    throw new Refusal("CHALLENGE-MATCH", "mode emergency and the order that declared it stand together", {
      got: `mode ${challenge.mode}, ${challenge.emergency === undefined ? "no order" : "an order"}`,
    });
  }
  for (const time of [now, ...signers.map(({ signingTime }) => signingTime)]) {
    if (time > challenge.expires) {
      throw new Refusal("CHALLENGE-EXPIRED", "the challenge had expired", { expected: challenge.expires, got: time });
    }
  }
}
