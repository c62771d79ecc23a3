/** Approving: check, show, compare with the slip, confirm, sign, send, say what happens next. */

import type { Decided } from "../appliance/client/daemon-client.ts";
import { nodeHost } from "../host/crypto-host.ts";
import { count } from "../host/terminal/amounts.ts";
import { wrapped } from "../host/terminal/table.ts";
import { fromHex } from "../manifests/encoding/bytes.ts";
import type { Json } from "../manifests/encoding/canonical-json.ts";
import { ownOids } from "../manifests/encoding/oid.ts";
import { verifyApproval } from "../manifests/records/authorization.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import { askCount, askGroups, askYes } from "./confirm.ts";
import { rowJson } from "./look.ts";
import { fetchBatch, screenOf } from "./open-batch.ts";
import { checkNotExpired, checkPerson, type OpenedBatch } from "./opened-batch.ts";
import { nothingSigned, type Sitting } from "./ports.ts";
import { batchScreenLines } from "./screens/batch-screen.ts";
import { members } from "./shown-json.ts";
import { TokenLogin } from "./sign-decision.ts";
import { groupsAsked } from "./slip-groups.ts";
import { watchBatch } from "./watch.ts";

export interface ApproveOptions {
  /** follow the batches to their end afterwards */
  readonly watch: boolean;
}

/** Approves the named batches, or without names all that wait for this person. One PIN a sitting, one confirmation a batch. */
export async function approve(sitting: Sitting, names: readonly string[], options: ApproveOptions): Promise<void> {
  sitting.prompter.open();
  const batches = names.length > 0 ? names : await waitingFor(sitting);
  await sitting.token.check();
  const login = new TokenLogin(sitting);
  const approved: Approved[] = [];
  try {
    for (const batch of batches) {
      const done = await approveOne(sitting, login, batch);
      if (done) approved.push(done);
      else if (names.length > 0) {
        throw new Refusal("STOPPED", `batch ${shown(batch)} was not approved`, {
          expected: "exactly Yes",
          got: "another answer",
        });
      }
    }
  } finally {
    await login.close();
  }
  if (batches.length === 0) sitting.output.say("No batch waits for your approval.");
  const ends = options.watch ? await watchAll(sitting, approved) : [];
  sitting.output.document({ approved: approved.map((one) => ({ ...one })), ...(options.watch ? { ends } : {}) });
}

type Approved = { readonly batch: string; readonly state: string; readonly approvals: number; readonly needed: number };

/** Undefined when the person stopped at the confirmation. */
async function approveOne(sitting: Sitting, login: TokenLogin, batch: string): Promise<Approved | undefined> {
  const fetched = await fetchBatch(sitting, batch);
  const { emergency, opened, row } = fetched;
  checkPerson(opened.policy, sitting.person, sitting.token.certificate);
  checkNotExpired(opened.challenge, sitting.now());
  sitting.output.say("", ...batchScreenLines(screenOf(sitting, fetched), sitting.output.style), "");
  if (row.approvals.some((one) => one.person === sitting.person)) {
    throw new Refusal("BATCH-STATE", `you have approved batch ${row.folder} already`, {
      expected: "another person's approval",
      got: sitting.person,
    });
  }
  sitting.output.say(...wrapped(`By approving you say: ${shown(opened.policy.texts.approval)}`), "");
  if (emergency) sitting.output.say(...wrapped(`And of the emergency: ${shown(emergency.text)}`), "");
  // A small screen has scrolled by now: what it is about stands beside the question.
  sitting.output.say(
    ...wrapped(`Batch ${shown(row.folder)}, ${count(opened.count, "document")}, from ${shown(opened.submitter.name)}:`),
  );
  if (opened.head.type === "plain-envelopes") await askCount(sitting, opened.count);
  else await askGroups(sitting, opened.digest, groupsAsked(opened.challenge.nonce, sitting.token.certificate));
  if (!(await askYes(sitting, "approve"))) {
    sitting.output.say(`Not approved: ${nothingSigned}.`);
    return undefined;
  }
  const signed = await login.sign(ownOids(opened.policy.arc).authorization, opened.challengeContent);
  await verifyOwn(opened, signed, sitting.now());
  sitting.consequence = "your approval was signed, but whether the box took it is not known: see ceremony show";
  const decided = await sitting.daemon.decide("approve", row.batchDigest ?? batch, signed);
  sitting.consequence = `your approval of ${row.folder} was signed and taken`;
  return told(sitting, row.folder, decided);
}

/** Verifies the approval as the signer will: a token that signs wrongly is found here, not after it was sent. */
async function verifyOwn(opened: OpenedBatch, signed: Uint8Array, now: string): Promise<void> {
  const { policy, challenge } = opened;
  const policyDigest = fromHex(challenge.policyDigest);
  await verifyApproval(nodeHost, ownOids(policy.arc), signed, { policy, policyDigest, challenge, now });
}

async function told(sitting: Sitting, batch: string, decided: Decided): Promise<Approved> {
  const { state, needed, approvals: given } = decided;
  const approvals = given.length;
  const next = nextText(await isLocked(sitting), approvals, needed);
  sitting.output.say(sitting.output.style.good(`Approved: ${approvals} of ${needed}.`), ...wrapped(next));
  return { batch, state, approvals, needed };
}

/** Only the signer knows; where it does not answer, nothing is claimed. */
async function isLocked(sitting: Sitting): Promise<boolean> {
  try {
    return members(await sitting.signer.status()).locked === true;
  } catch {
    return false;
  }
}

/** What happens after an approval, in a sentence. */
export function nextText(locked: boolean, approvals: number, needed: number): string {
  if (approvals < needed) {
    const left = needed - approvals;
    return `Next: ${left} more ${left === 1 ? "person has" : "people have"} to approve. Nothing is sealed before.`;
  }
  if (locked) {
    return "Next: the quorum is complete; the box is locked. Sealing starts once someone unlocks it: ceremony unlock";
  }
  return "Next: the quorum is complete; the box seals now, then writes and checks the stick. See: ceremony list";
}

async function waitingFor(sitting: Sitting): Promise<string[]> {
  return (await sitting.daemon.list())
    .filter((row) => row.state === "waiting-for-approval")
    .filter((row) => !row.approvals.some((one) => one.person === sitting.person))
    .map((row) => row.batchDigest ?? row.folder);
}

async function watchAll(sitting: Sitting, approved: readonly Approved[]): Promise<Json[]> {
  const ends: Json[] = [];
  for (const { batch, approvals, needed } of approved) {
    if (approvals >= needed) ends.push(rowJson(await watchBatch(sitting, batch)));
  }
  return ends;
}
