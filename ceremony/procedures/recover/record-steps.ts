/** The continuity record: what is found by exports and token, signed by the quorum, and the store that is made by it. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { ownOids } from "../../../manifests/encoding/oid.ts";
import { orderBytes, readOrder, verifyOrder } from "../../../manifests/records/order.ts";
import type { Facts, Stage, Step } from "../../engine/procedure.ts";
import { runSigner } from "../../provision/run-signer.ts";
import { boxAtHand, sharesOf } from "../box-at-hand.ts";
import { witnessOf } from "../genesis/begin.ts";
import { signedBy } from "../genesis/policy.ts";
import { rangeWords } from "../number-ranges.ts";
import { officersHere, orderPath, timesFrom } from "../orders/order-steps.ts";
import { policiesAtHand, policyInForce } from "../policies-at-hand.ts";
import { type BoxShares, boxPin, holdersHere } from "../shares-of.ts";
import { ordersAtHand } from "./orders-at-hand.ts";
import type { RecoverParameters } from "./parameters.ts";
import { placeOf, stagedKeys } from "./staged-keys.ts";

const label = "order recover: the continuity record";

export function surveyStep(parameters: RecoverParameters, needs: readonly string[]): Step {
  return {
    id: "survey",
    title: "Compare the exports with the token's head",
    acts: "holders of shares",
    checks: "a witness",
    minutes: 10,
    script: [
      "The holders give their shares; the token takes the PIN that they make.",
      "The signer's own program reads the token's head and all exports, and says up to where the lost record is known, and what is unexplained.",
      "Numbers that may have been used are left out, never used twice.",
    ],
    wayBack: "Bring more media and begin again at gathering, or other holders.",
    needs,
    perform: async (stage) => {
      const { beyond, evidence, layout, reason } = parameters;
      if (isMade(parameters)) return { people: [witnessOf(stage)], facts: { store: "made before an interruption" } };
      const shares = await sharesHere(stage, parameters);
      const pin = await boxPin(stage, shares);
      const words = ["recover", layout.signerJson, "--from", evidence, "--beyond", `${beyond}`, "--reason", reason];
      const what = await runSigner(words, "survey what is at hand", pin);
      await writeDurable(surveyPath(parameters), utf8(what), { mode: 0o600 });
      const facts = factsOf(JSON.parse(what) as Continuity);
      stage.scene.say(...Object.entries(facts).map(([name, value]) => `${name}: ${value}`));
      return { people: [...holdersHere(stage, shares.holders), witnessOf(stage)], facts };
    },
  };
}

export function recordStep(parameters: RecoverParameters): Step {
  return {
    id: "order",
    title: "Sign the continuity record",
    acts: "officers, with their own tokens",
    checks: "a witness",
    minutes: 10,
    script: [
      "The record says what is known of the lost store, what is unexplained, and with which numbers and keys the new one goes on.",
      "Its digest is shown as words; each officer types two groups of it from the paper, and signs with the own token.",
    ],
    wayBack: "Try again, or strike out the person whose token fails, as long as the quorum is complete.",
    needs: ["survey", "people"],
    restartAt: "survey",
    perform: async (stage) => {
      const box = boxAtHand(stage.file, parameters.box);
      const given = orderPath({ box }, stage, "order");
      if (isMade(parameters) && existsSync(given)) return { people: [witnessOf(stage)], facts: factsOfOrder(given) };
      const inForce = await policyInForce(box);
      const { created, expires } = timesFrom(stage.now());
      const last = (await ordersAtHand(parameters, box)).at(-1);
      const content = orderBytes({
        appliance: box.appliance,
        created,
        expires,
        kind: "recover",
        number: (last?.order.number ?? 0) + 1,
        policyDigest: hex(inForce.digest),
        previous: last?.digest ?? null,
        what: JSON.parse(readFileSync(surveyPath(parameters), "utf8")) as Json,
      });
      stage.scene.show(label, hex(sha256(content)));
      const people = officersHere(stage, inForce.policy);
      const oids = ownOids(box.arc);
      const signed = await signedBy(stage, people, content, label, oids.order);
      const { digest, order } = await verifyOrder(nodeHost, oids, inForce, signed, stage.now());
      await makeFolder(box.layout.orders);
      await writeDurable(given, signed);
      return {
        people: [...people, witnessOf(stage)],
        facts: { digest: hex(digest), kind: order.kind, number: `${order.number}` },
        shown: [{ label, digest: hex(digest), confirmedBy: [...people] }],
      };
    },
  };
}

export function rebuildStep(parameters: RecoverParameters): Step {
  return {
    id: "rebuild",
    title: "Make the store anew by the continuity record",
    acts: "holders of shares",
    checks: "a witness",
    minutes: 5,
    script: [
      "The signer's own program verifies the record and all exports, makes the store, and moves the token's head.",
      "From here on the lost store, if it comes back, is refused by the token.",
    ],
    wayBack: "Try again: what an interruption left is gone on with.",
    needs: ["order"],
    restartAt: "survey",
    perform: async (stage) => {
      const { evidence, layout } = parameters;
      const order = orderPath({ box: boxAtHand(stage.file, parameters.box) }, stage, "order");
      const shares = await sharesHere(stage, parameters);
      const people = [...holdersHere(stage, shares.holders), witnessOf(stage)];
      const store = join(layout.state, "store.db");
      if (isMade(parameters)) return { people, facts: { store, made: "before an interruption" } };
      const pin = await boxPin(stage, shares);
      await runSigner(["recover", layout.signerJson, "--from", evidence, "--order", order], "make its store anew", pin);
      return { people, facts: { store } };
    },
  };
}

/** Shares of the token that will be used, with all audit keys that may have signed them. */
export async function sharesHere(stage: Stage, parameters: RecoverParameters): Promise<BoxShares> {
  const box = boxAtHand(stage.file, parameters.box);
  const shares = sharesOf(stage.file, box, parameters.unlock);
  const policies = await policiesAtHand(box);
  const { policy } = policies.at(-1) as (typeof policies)[number];
  const staged = await stagedKeys(parameters, box);
  return {
    ...shares,
    auditKeys: [
      ...policies.map((one) => one.policy.keys.audit),
      ...staged.filter(({ purpose }) => purpose === "audit").map(({ spki }) => spki),
    ],
    token: placeOf(staged, policy.keys.audit, parameters, shares.token),
  };
}

/** What the survey printed. */
interface Continuity {
  readonly journal: { readonly evidence: number; readonly head: string; readonly sequence: number };
  readonly manifests: {
    readonly last: number;
    readonly missing: readonly { readonly from: number; readonly to: number }[];
    readonly next: number;
  };
  readonly orders: { readonly last: number; readonly unstated: readonly number[] };
  readonly token: { readonly counter: number | null; readonly uri: string };
}

function factsOf({ journal, manifests, orders, token }: Continuity): Facts {
  return {
    "last manifest known": `${manifests.last}`,
    "last row known": `${journal.sequence} ${journal.head}`,
    "known by digest alone":
      journal.sequence > journal.evidence
        ? `rows ${journal.evidence + 1} to ${journal.sequence}: they may hold orders and policies that are not at hand`
        : "nothing",
    orders: `${orders.last}${orders.unstated.length > 0 ? `; not known to have been taken: ${orders.unstated.join(", ")}` : ""}`,
    "next manifest": `${manifests.next}`,
    token: token.uri,
    "token's head": token.counter === null ? "none: it never held this box's" : `counter ${token.counter}`,
    unexplained: `rows after ${journal.sequence}; manifests ${rangeWords(manifests.missing).slice(0, 3000)}`,
  };
}

/** The store has its name once all of it is done. */
function isMade({ layout }: RecoverParameters): boolean {
  return existsSync(join(layout.state, "store.db"));
}

/** Of the order that the store was made by. */
function factsOfOrder(path: string): Facts {
  const content = readSignedData(readFileSync(path)).content ?? new Uint8Array(0);
  const { kind, number } = readOrder(content);
  return { digest: hex(sha256(content)), given: "before an interruption", kind, number: `${number}` };
}

function surveyPath({ evidence }: RecoverParameters): string {
  return join(evidence, "survey.json");
}
