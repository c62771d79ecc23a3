/** Activation: a quorum signs the next policy, which names staged keys; from then on these seal, and the ones before do not. Offline, at any time. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { boxKeys, boxStanding, importPolicy, type KeyRow } from "../../../appliance/client/unlock-client.ts";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { makeFolder, moveDurable, writeDurable } from "../../../host/durable.ts";
import { suiteNames, suiteOf } from "../../../manifests/cms/suite.ts";
import { equal, hex } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json } from "../../../manifests/encoding/canonical-json.ts";
import { ownOids } from "../../../manifests/encoding/oid.ts";
import { object, oneOf, optional, utc } from "../../../manifests/encoding/shape.ts";
import { type KeyPurpose, keyPurposes } from "../../../manifests/records/key-purpose.ts";
import { type Policy, policyJson, readPolicy } from "../../../manifests/records/policy.ts";
import { type PolicyInForce, verifyNextPolicy } from "../../../manifests/records/policy-chain.ts";
import { asRefusal, Refusal } from "../../../manifests/refusal.ts";
import { type CeremonyFile, readParameters } from "../../engine/ceremony-file.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Procedure, Stage, Step, StepResult } from "../../engine/procedure.ts";
import { peopleStep, witnessOf } from "../genesis/begin.ts";
import { signedBy } from "../genesis/policy.ts";
import { boxLayout, wrappedPath } from "../layout.ts";
import { policyInForce, policyName } from "../policies-at-hand.ts";
import { factOf, policyChanges } from "../policy/changes.ts";
import { boxKey, keyDigest } from "./box-key.ts";
import { keyInForce } from "./key-in-force.ts";
import { beforeStep, officersHere } from "./order-steps.ts";
import { aboutRunningBox, type RunningBox, runningBox, runningMembers, unlockByHolders } from "./running-box.ts";

const readValue = object({
  ...runningMembers,
  /** SHA-256 of the public keys that come into force; a purpose that is left out keeps its key */
  activate: object({
    audit: optional(keyDigest),
    emergency: optional(keyDigest),
    sealing: optional(keyDigest),
    time: optional(keyDigest),
  }),
  /** signed ahead: the box takes the policy no earlier; the ceremony is gone on with then */
  notBefore: optional(utc),
  /** another profile, where the new sealing key is of another kind */
  suite: optional(oneOf(suiteNames)),
});

interface Activation {
  readonly running: RunningBox;
  readonly keys: { readonly [K in KeyPurpose]?: string };
  readonly notBefore: string | undefined;
  readonly suite: (typeof suiteNames)[number] | undefined;
}

/** Refuses CEREMONY-FILE, CONFIG. */
export function activate(file: CeremonyFile): Procedure {
  return activation(file, "To let staged keys come into force by the next policy.");
}

/** After the loss of the HSM: the keys on the second token come into force, which shares of its own open. Refuses as `activate`. */
export function loss(file: CeremonyFile): Procedure {
  return activation(file, "To go on with the second token after the first one was lost.");
}

function activation(file: CeremonyFile, purpose: string): Procedure {
  const { activate: keys, notBefore, suite, ...parameters } = readParameters(file, readValue);
  if (keyPurposes.every((purpose) => keys[purpose] === undefined)) {
    throw new Refusal("CEREMONY-FILE", "no key is named that comes into force", { about: "parameters.activate" });
  }
  const work: Activation = { running: runningBox(file, parameters), keys, notBefore, suite };
  return aboutRunningBox(work.running, {
    name: file.ceremony,
    purpose,
    steps: [beforeStep(work.running), peopleStep(["before"]), signStep(work), inForceStep(work), unlockStep(work)],
  });
}

function signStep(work: Activation): Step {
  const { running } = work;
  return {
    id: "policy",
    title: "Sign the next policy, which names the keys",
    acts: "officers, with their own tokens",
    checks: "a witness",
    minutes: 10,
    script: [
      "What changes is shown, and the digest of the next policy as words, which are written down or printed.",
      "Each officer types two groups of the digest from the paper, and signs with the own token.",
    ],
    wayBack: "Try again, or strike out the person whose token fails, as long as the quorum is complete.",
    needs: ["before", "people"],
    perform: async (stage) => {
      const before = await policyInForce(running.box);
      const { result, signed } = await signNextPolicy(stage, before, await nextPolicy(work, before));
      await makeFolder(running.box.layout.orders);
      await writeDurable(signedPath(running, stage), signed);
      return result;
    },
  };
}

/** Officers who are here see what changes and sign the next policy; it follows the one before by their signatures. Refuses QUORUM, POLICY-*. */
export async function signNextPolicy(
  stage: Stage,
  before: PolicyInForce,
  content: Uint8Array,
): Promise<{ readonly signed: Uint8Array; readonly result: StepResult }> {
  const changes = policyChanges(before.policy, readPolicy(content));
  const number = before.number + 1;
  const label = `policy number ${number}`;
  const digest = hex(sha256(content));
  stage.scene.say(...changes);
  stage.scene.show(label, digest);
  const people = officersHere(stage, before.policy);
  const oids = ownOids(before.policy.arc);
  const signed = await signedBy(stage, people, content, label, oids.policy);
  await verifyNextPolicy(nodeHost, oids, before, signed, stage.now());
  const result = {
    people: [...people, witnessOf(stage)],
    facts: { changes: factOf(changes), digest, number: `${number}` },
    shown: [{ label, digest, confirmedBy: [...people] }],
  };
  return { result, signed };
}

function inForceStep({ running }: Activation): Step {
  const { box, socket } = running;
  return {
    id: "in-force",
    title: "The signer takes the policy, or refuses it",
    acts: "the administrator",
    checks: "a witness",
    minutes: 2,
    script: [
      "The signer verifies both quorums and the keys by itself, and locks: the login of the keys before ends.",
      "Where the keys are on another token, the signer is started anew by what started it, and opens that token.",
    ],
    wayBack:
      "Before the policy's date: stop, and go on from then on; what was signed is kept. Else see what the signer refuses; sign again, or abandon: the keys before stay in force.",
    needs: ["policy"],
    perform: async (stage) => {
      const { digest = "", number = "" } = stage.facts("policy");
      const signed = readFileSync(signedPath(running, stage));
      if ((await boxStanding(socket)).policy.digest !== digest) await importPolicy(socket, signed);
      await writeDurable(join(box.layout.policies, `${policyName(Number(number))}.p7m`), signed);
      await startedAnew(stage, socket);
      const moved = await moveWrapped(running);
      return {
        people: [leaderOf(stage.file, stage.present()), witnessOf(stage)],
        facts: { "in force": digest, ...(moved ? { "wrapped PIN": "that of the second token" } : {}) },
      };
    },
  };
}

function unlockStep({ running, keys }: Activation): Step {
  return {
    id: "unlock",
    title: "Unlock the box by shares: it finds the keys on its token",
    acts: "holders of shares",
    checks: "a witness",
    minutes: 5,
    script: ["The holders give their shares. The unlock succeeds only where every key in force is on the token."],
    wayBack: "Try again with other holders.",
    needs: ["in-force"],
    perform: async (stage) => {
      const holders = await unlockByHolders(stage, running);
      const all = await boxKeys(running.socket);
      const facts: Record<string, string> = {};
      for (const { purpose, spki, uri } of all.filter(({ inForce }) => inForce)) {
        const digest = hex(sha256(spki));
        if (keys[purpose] !== undefined && keys[purpose] !== digest) {
          throw new Refusal("CEREMONY-STEP", `another ${purpose} key is in force`, {
            expected: keys[purpose],
            got: digest,
          });
        }
        facts[`${purpose} key in force`] = `${digest} ${uri}`;
      }
      return { people: [...holders, witnessOf(stage)], facts };
    },
  };
}

/** The policy in force, but for the keys, the profile where another is wanted, number and predecessor. */
async function nextPolicy(
  { keys, notBefore, running, suite }: Activation,
  inForce: PolicyInForce,
): Promise<Uint8Array> {
  const { policy } = inForce;
  const profile = suite === undefined ? policy.profile : { ...policy.profile, digest: suiteOf(suite).hash, suite };
  const all = await boxKeys(running.socket);
  const named: { [K in KeyPurpose]?: KeyRow } = {};
  for (const purpose of keyPurposes) {
    const wanted = keys[purpose];
    const spki = policy.keys[purpose];
    const key = wanted === undefined ? all.find((one) => spki && equal(one.spki, spki)) : await boxKey(running, wanted);
    if (!key) continue;
    if (key.purpose !== purpose)
      throw new Refusal("CEREMONY-FILE", `this is no ${purpose} key`, { expected: purpose, got: key.purpose });
    named[purpose] = key;
  }
  const { audit, sealing, ...others } = named;
  if (!audit || !sealing) throw new Refusal("CEREMONY-STATE", "the signer does not name the keys in force");
  // A key beside these two that is on another token, a lost one perhaps, works no more: another is staged and named later.
  const kept = Object.entries(others).filter(([, { token }]) => token.uri === sealing.token.uri);
  const beside = Object.fromEntries(kept.map(([purpose, { spki }]) => [purpose, spki]));
  return policyWithKeys(inForce, { ...beside, audit: audit.spki, sealing: sealing.spki }, { notBefore, profile });
}

/** Canonical bytes of the policy that follows one, with other keys (SubjectPublicKeyInfo); without an emergency key it allows no emergency. */
export function policyWithKeys(
  { policy, number, digest }: PolicyInForce,
  keys: Policy["keys"],
  {
    notBefore,
    profile = policy.profile,
  }: { readonly notBefore?: string | undefined; readonly profile?: Policy["profile"] } = {},
): Uint8Array {
  const { notBefore: _, ...kept } = policy;
  const modes = keys.emergency ? policy.modes : policy.modes.filter((mode) => mode !== "emergency");
  const next = { ...kept, keys, modes, number: number + 1, previous: hex(digest), profile };
  return canonicalBytes(policyJson(notBefore === undefined ? next : { ...next, notBefore }) as Json);
}

function signedPath({ box }: RunningBox, { file }: Pick<Stage, "file">): string {
  return join(box.layout.orders, `${file.archive}-${file.ceremony}-policy.p7m`);
}

/** A signer that was on another token ends, and whatever keeps it running starts it anew: waits for that. */
async function startedAnew(stage: Stage, socket: string): Promise<void> {
  for (let left = 120; left > 0; left--) {
    const moved = await boxStanding(socket).then(
      (standing) => standing.moved,
      (fault) => {
        if (asRefusal(fault, "INTERNAL", "a fault").code === "UNREACHABLE") return true;
        throw fault;
      },
    );
    if (!moved) return;
    if (left === 118) stage.scene.say("Waiting for the signer to be started anew.");
    await setTimeout(500);
  }
  throw new Refusal("UNREACHABLE", "the signer was not started anew", { expected: "a signer on the token in force" });
}

/** Shares of the second token open from now on: what they belong to takes its place beside the store. */
async function moveWrapped(running: RunningBox): Promise<boolean> {
  const { layout } = running.box;
  const keys = await boxKeys(running.socket);
  if (keyInForce(keys, "audit").token.uri === running.box.token.uri) return false;
  let moved = false;
  for (const purpose of ["unlock", "recovery"]) {
    const second = wrappedPath(boxLayout(layout.successor), purpose);
    if (!existsSync(second)) continue;
    // What the first token's shares belong to stays to be read; it opens nothing here.
    const first = wrappedPath(layout, purpose);
    if (existsSync(first)) await moveDurable(first, `${first}.before`);
    await moveDurable(second, first);
    moved = true;
  }
  return moved;
}
