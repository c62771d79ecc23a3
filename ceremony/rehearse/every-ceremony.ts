/** The life of a box in ceremonies, from genesis to the loss of its HSM, in an order that works. Held by made-up people. */

import { join } from "node:path";
import { sha256 } from "../../host/crypto-host.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { documentationArc } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import type { KeyPurpose } from "../../manifests/records/key-purpose.ts";
import { boxLayout } from "../procedures/layout.ts";
import { statementPaths } from "../procedures/orders/order-steps.ts";
import { sharePath } from "../procedures/shares-of.ts";
import { makeSoftTokenPlace } from "../tokens/token-process.ts";
import { rehearsedAssets } from "./custody-file.ts";
import { policyPart, recoverySplit } from "./genesis-file.ts";
import type { Rehearsal } from "./rehearsal.ts";
import { suspendByCast } from "./suspend-by-cast.ts";

export type Act = (rehearsal: Rehearsal) => Promise<void>;

const organization = "Coldseal TEST";

/** Each act holds one ceremony or more; `names` says which. They build on each other. */
export const acts: readonly { readonly names: readonly string[]; readonly act: Act }[] = [
  { names: ["policy"], act: policyAct },
  { names: ["resplit"], act: resplitAct },
  { names: ["set-clock"], act: setClockAct },
  { names: ["update"], act: updateAct },
  { names: ["stage-key", "certify-key", "activate"], act: (one) => keyAct(one, "sealing") },
  { names: ["suspend-key", "resume-key"], act: suspendKeyAct },
  { names: ["revoke-key", "destroy-key"], act: destroyAct },
  { names: ["stage-key", "certify-key", "activate"], act: (one) => keyAct(one, "audit") },
  { names: ["compromise"], act: compromiseAct },
  { names: ["resume"], act: resumeAct },
  {
    names: ["stage-key", "certify-key", "activate", "policy", "declare-emergency", "end-emergency"],
    act: emergencyAct,
  },
  { names: ["break-glass"], act: breakGlassAct },
  { names: ["successor", "certify-key"], act: (one) => successorAct(one, "second-hsm") },
  { names: ["custody"], act: custodyAct },
  { names: ["close", "open"], act: closeAct },
  { names: ["loss"], act: lossAct },
  { names: ["recover"], act: recoverAct },
  { names: ["successor", "certify-key", "recover"], act: lostAltogetherAct },
];

async function policyAct(rehearsal: Rehearsal): Promise<void> {
  await rehearsal.unlock();
  await rehearsal.replaceToken("op3");
  await rehearsal.hold("policy", "Policy: another token for one that was lost", policyNow(rehearsal));
}

/** An emergency is made possible by a key and rules of its own, declared, and ended; nothing is sealed in it here. */
async function emergencyAct(rehearsal: Rehearsal): Promise<void> {
  await allowEmergency(rehearsal);
  await declareEmergency(rehearsal);
  await endEmergency(rehearsal);
}

/** Key, rules and mode of an emergency come into force. */
export async function allowEmergency(rehearsal: Rehearsal): Promise<void> {
  await keyAct(rehearsal, "emergency");
  await rehearsal.unlock();
  const { policy, ...common } = policyNow(rehearsal);
  const rules = { hours: 48, officers: 2, operators: 1, seals: 1000, texts: [{ language: "en", text: emergencyText }] };
  const allowed = { ...policy, emergency: rules, modes: [...policy.modes, "emergency"] };
  await rehearsal.hold("policy", "Policy: what an emergency may do", { ...common, policy: allowed });
}

export async function declareEmergency(rehearsal: Rehearsal): Promise<void> {
  const declared = { cause: "provider", language: "en", reason: "the provider's KMS is gone (made up)" };
  await rehearsal.hold("declare-emergency", "An emergency is declared", { ...rehearsal.common, ...declared });
}

export async function endEmergency(rehearsal: Rehearsal): Promise<void> {
  const reason = "the KMS is back (made up)";
  await rehearsal.hold("end-emergency", "The emergency is ended", { ...rehearsal.common, reason });
}

export const emergencyText =
  "Sealed under the emergency procedure: the usual way was closed. The closing record shows every seal that was made in it (TEST).";

/** Two of three officers lost their tokens: the recovery holders sign in their place, and their own shares open the box. */
async function breakGlassAct(rehearsal: Rehearsal): Promise<void> {
  const split = rehearsal.done.find(({ ceremony }) => ceremony === "resplit")?.archive ?? "";
  await rehearsal.replaceToken("op1");
  await rehearsal.replaceToken("op2");
  await rehearsal.unlockBy(["rec1", "rec2"].map((id) => sharePath(rehearsal.stick, split, "recovery", id)));
  await rehearsal.hold("break-glass", "Break glass: two officers lost their tokens", policyNow(rehearsal));
}

/** The parameters of a policy ceremony: the policy with everybody's tokens of today. */
export function policyNow(rehearsal: Rehearsal) {
  const part = policyPart(rehearsal.made.wanted);
  const signers = rehearsal.cast.officers.map(({ id, certificate }) => {
    const { name = id, roles = [] } = rehearsal.cast.people.find((one) => one.id === id) ?? {};
    return { certificates: [certificate], id, name, roles: [...roles] };
  });
  const { unlock: _, ...common } = rehearsal.common;
  const policy = { ...part, people: [...signers, ...part.people] };
  return { ...common, policy };
}

async function resplitAct(rehearsal: Rehearsal): Promise<void> {
  const holders = ["op1", "op2"];
  const { archive } = rehearsal;
  const next = { holders: holders.map((person) => ({ person })), threshold: rehearsal.made.wanted.threshold };
  const recovery = recoverySplit(rehearsal.made.wanted);
  await rehearsal.hold("resplit", "New shares, for those who stay", { ...rehearsal.common, next, recovery });
  rehearsal.holdersNow(archive, holders);
}

async function setClockAct(rehearsal: Rehearsal): Promise<void> {
  const reference = { errorSeconds: 1, source: "a radio clock (made up)" };
  await rehearsal.hold("set-clock", "The clock is set", { ...rehearsal.common, reference });
}

async function updateAct(rehearsal: Rehearsal): Promise<void> {
  const software = { digest: hex(sha256(utf8("the next package (made up)"))), version: "0.2.0 (made up)" };
  await rehearsal.hold("update", "The next software is approved", { ...rehearsal.common, software });
}

/** The next key: made, certified by the made-up CA, and brought into force. */
export async function keyAct(rehearsal: Rehearsal, purpose: KeyPurpose): Promise<void> {
  const { archive } = rehearsal;
  const kind = purpose === "audit" ? rehearsal.made.wanted.keys.audit : rehearsal.made.wanted.keys.sealing;
  const wanted = { kind, organization, purpose };
  await rehearsal.hold("stage-key", `The next ${purpose} key is made`, { ...rehearsal.common, ...wanted });
  const certified = await rehearsal.certified(`${archive}-${purpose}.csr`, purpose);
  await rehearsal.hold("certify-key", `Its certificate comes in`, { ...rehearsal.common, ...certified });
  const activate = { [purpose]: await rehearsal.stagedKey(purpose) };
  // As if it had been signed ahead, and the date were reached.
  const ahead = purpose === "audit" ? { notBefore: utcOf(Date.now()) } : {};
  const parameters = { ...rehearsal.common, ...ahead, activate };
  await rehearsal.hold("activate", `The next ${purpose} key comes into force`, parameters);
}

async function suspendKeyAct(rehearsal: Rehearsal): Promise<void> {
  const key = await rehearsal.keyInForce("sealing");
  const about = { ...rehearsal.common, key };
  await rehearsal.hold("suspend-key", "The sealing key is suspended", { ...about, reason: "a bag was found open" });
  await rehearsal.hold("resume-key", "The sealing key is used again", { ...about, reason: "nothing was missing" });
}

/** The key that the one before last made: out of force, revoked, destroyed. */
async function destroyAct(rehearsal: Rehearsal): Promise<void> {
  const key = await rehearsal.stagedKey("sealing");
  const about = { ...rehearsal.common, key };
  await rehearsal.hold("revoke-key", "The sealing key before is revoked", {
    ...about,
    reason: "another key took its place",
    revocation: "superseded",
    since: null,
  });
  await rehearsal.hold("destroy-key", "The sealing key before is destroyed", { ...about, reason: "out of force" });
}

/** The audit key that another one replaced: a copy of it may have been taken. */
async function compromiseAct(rehearsal: Rehearsal): Promise<void> {
  const key = await rehearsal.stagedKey("audit");
  const about = { ...rehearsal.common, key, reason: "the token lay open for an hour (made up)", since: null };
  await rehearsal.hold("compromise", "The audit key before was compromised", about);
}

async function resumeAct(rehearsal: Rehearsal): Promise<void> {
  await suspendByCast(rehearsal, "op1", "a stranger was in the vault");
  await rehearsal.hold("resume", "The box seals again", { ...rehearsal.common, reason: "it was the auditor" });
}

async function successorAct(rehearsal: Rehearsal, folder: string): Promise<void> {
  const { dir } = rehearsal.made.paths;
  const { environment, module } = await makeSoftTokenPlace(join(dir, folder));
  const { archive } = rehearsal;
  const { keys, appliance, threshold } = rehearsal.made.wanted;
  await rehearsal.hold("successor", "A second token is made ready", {
    ...rehearsal.common,
    keys: { ...keys },
    next: { holders: ["op1", "op2"].map((person) => ({ person })), threshold },
    organization,
    recovery: recoverySplit(rehearsal.made.wanted),
    token: { environment: { ...environment }, label: `${folder.split("-")[0]}-${appliance}`, module },
  });
  for (const purpose of ["audit", "sealing"] as const) {
    const certified = await rehearsal.certified(`successor/${purpose}.csr`, purpose);
    await rehearsal.hold("certify-key", `The second token's ${purpose} certificate comes in`, {
      ...rehearsal.common,
      ...certified,
    });
  }
  rehearsal.secondNow(archive, ["op1", "op2"]);
}

async function custodyAct(rehearsal: Rehearsal): Promise<void> {
  const { unlock: _, second: __, ...common } = rehearsal.common;
  await rehearsal.unlock();
  const assets = rehearsedAssets.map((one) => ({ ...one, from: { ...one.from }, to: { ...one.to } }));
  await rehearsal.hold("custody", "Things change hands", { ...common, assets });
}

async function closeAct(rehearsal: Rehearsal): Promise<void> {
  const bags = ["bag of the HSM", "bag of the shares"];
  const { archive } = rehearsal;
  await rehearsal.unlock();
  await rehearsal.hold("close", "The box is closed", { ...rehearsal.common, bags });
  const number = (await rehearsal.orders()).number;
  const box = { layout: boxLayout(rehearsal.made.wanted.box) };
  const [closing] = statementPaths({ box, stick: rehearsal.stick }, { number, kind: "close", digest: "" });
  await rehearsal.hold("open", "The box is opened", { ...rehearsal.common, bags, close: `${archive}-close`, closing });
}

/** The first token is gone; the second one's keys come into force, and its own shares open it. */
async function lossAct(rehearsal: Rehearsal): Promise<void> {
  const made = rehearsal.done.find(({ ceremony }) => ceremony === "successor");
  const archive = made?.archive ?? "";
  await rehearsal.loseToken();
  const activate = { audit: await rehearsal.stagedKey("audit"), sealing: await rehearsal.stagedKey("sealing") };
  const common = rehearsal.common;
  rehearsal.holdersNow(archive, ["op1", "op2"]);
  const unlock = rehearsal.common.unlock as Json;
  rehearsal.secondNow(undefined);
  await rehearsal.hold("loss", "The first token is lost", { ...common, activate, unlock });
}

/** The disk is gone, the token in force is not: what ceremonies left on the stick and the token's head make the box anew. */
async function recoverAct(rehearsal: Rehearsal): Promise<void> {
  await rehearsal.loseDisk();
  const secondToken = await softPlace(rehearsal, "second-hsm");
  await rehearsal.hold("recover", "The disk is lost", { ...(await recoveryOf(rehearsal)), beyond: 0, secondToken });
}

/** HSM, disk and box are gone together: another token, its shares, and the stick are left. */
async function lostAltogetherAct(rehearsal: Rehearsal): Promise<void> {
  const { archive } = rehearsal;
  await successorAct(rehearsal, "third-hsm");
  const activate = { audit: await rehearsal.stagedKey("audit"), sealing: await rehearsal.stagedKey("sealing") };
  await rehearsal.loseDisk();
  await rehearsal.loseToken("second-hsm");
  // The holders of the second token's shares were in the building, too.
  rehearsal.holdersNow(archive, ["rec1", "rec2"], "recovery");
  await rehearsal.hold("recover", "HSM, disk and box are lost", {
    ...(await recoveryOf(rehearsal)),
    activate,
    beyond: 100,
    secondToken: await softPlace(rehearsal, "third-hsm"),
  });
}

/** A SoftHSM in a folder of the rehearsal. */
async function softPlace(rehearsal: Rehearsal, folder: string) {
  const { module } = await rehearsal.firstToken();
  return { environment: { SOFTHSM2_CONF: join(rehearsal.made.paths.dir, folder, "softhsm2.conf") }, module };
}

async function recoveryOf(rehearsal: Rehearsal) {
  const { root, run } = rehearsal.made.wanted;
  const { second: _, unlockSocket: __, ...common } = rehearsal.common;
  const token = await rehearsal.firstToken();
  const said = { arc: documentationArc, hsm: "software-token", isolation: "none", media: "folder" };
  const clock = { errorSeconds: 2, source: "a radio clock (made up)" };
  const { genesis } = rehearsal.made.paths;
  return {
    ...common,
    ...said,
    clock,
    from: [rehearsal.stick],
    genesis,
    reason: "a fire (made up)",
    roots: [root],
    run,
    token,
  };
}
