/** The steps of every ceremony that orders a running box something: see how it stands, sign, give, and have it stated. */

import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type BoxStanding, boxKeys, boxStanding, order } from "../../../appliance/client/unlock-client.ts";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { equal, hex } from "../../../manifests/encoding/bytes.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { ownOids } from "../../../manifests/encoding/oid.ts";
import { type Utc, utcOf } from "../../../manifests/encoding/shape.ts";
import { shown } from "../../../manifests/records/names.ts";
import { type OrderKind, orderBytes, verifyOrder } from "../../../manifests/records/order.ts";
import type { Policy } from "../../../manifests/records/policy.ts";
import { type Statement, verifyStatement } from "../../../manifests/records/statement.ts";
import { asRefusal, Refusal } from "../../../manifests/refusal.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Facts, Stage, Step, StepPlan } from "../../engine/procedure.ts";
import { certificateOf, signersOf, witnessOf } from "../genesis/begin.ts";
import { signedBy } from "../genesis/policy.ts";
import { checkHeld, policyInForce } from "../policies-at-hand.ts";
import { type RunningBox, unlockByHolders } from "./running-box.ts";

export interface OrderPlan extends Pick<StepPlan, "title" | "script" | "wayBack" | "needs"> {
  readonly id?: string;
  readonly kind: OrderKind;
  /** what is ordered; members that are bytes in base64 */
  what(stage: Stage, standing: BoxStanding): Promise<Json> | Json;
  /** when it was made and until when it counts; now and an hour unless said */
  times?(stage: Stage): { readonly created: Utc; readonly expires: Utc };
}

const hour = 3600;

/** Which policy holds, and how the box stands. `unlocked`: what comes needs that. */
export function beforeStep(running: RunningBox, wanted: { readonly unlocked?: boolean } = {}): Step {
  const { box, socket } = running;
  return {
    id: "before",
    title: "See which policy is in force, and how the box stands",
    acts: "the administrator",
    checks: "a witness",
    minutes: 2,
    script: [
      "The signer says which policy it holds to; it must be the last one that ceremonies of this box signed.",
      ...(wanted.unlocked ? ["The box must be unlocked."] : []),
    ],
    wayBack: "Unlock the box by shares; or fetch the policies that this box's ceremonies left.",
    needs: [],
    perform: async (stage) => {
      const inForce = await policyInForce(box);
      const standing = await boxStanding(socket);
      checkHeld(inForce, standing.policy.digest);
      if (wanted.unlocked && standing.locked) {
        throw new Refusal("LOCKED", "the box is locked", { expected: "an unlocked box", got: "locked" });
      }
      return {
        people: [leaderOf(stage.file, stage.present()), witnessOf(stage)],
        facts: {
          box: standing.closing !== null ? "closed" : standing.locked ? "locked" : "unlocked",
          digest: hex(inForce.digest),
          number: `${inForce.number}`,
          "orders before": `${standing.orders.number}`,
        },
      };
    },
  };
}

/** Officers sign the order, and the signer takes it. An order that was given before an interruption is given again, not signed anew. */
export function orderStep(running: RunningBox, plan: OrderPlan): Step {
  const { id = "order", kind, title, script, wayBack, needs } = plan;
  return {
    id,
    title,
    acts: "officers, with their own tokens",
    checks: "a witness",
    minutes: 5,
    script: [
      ...script,
      "The order's digest is shown as words; each officer types two groups of it from the paper, and signs with the own token.",
    ],
    wayBack,
    needs,
    perform: async (stage) => {
      const path = orderPath(running, stage, id);
      const before = await givenBefore(running, path);
      if (before) return { people: [witnessOf(stage)], facts: { ...before, kind, given: "before an interruption" } };
      const inForce = await policyInForce(running.box);
      const standing = await boxStanding(running.socket);
      const { created, expires } = plan.times?.(stage) ?? timesFrom(stage.now());
      const content = orderBytes({
        appliance: running.box.appliance,
        created,
        expires,
        kind,
        number: standing.orders.number + 1,
        policyDigest: hex(inForce.digest),
        previous: standing.orders.digest,
        what: await plan.what(stage, standing),
      });
      const label = `order ${standing.orders.number + 1}: ${kind}`;
      stage.scene.say(...wordsOf(content));
      stage.scene.show(label, hex(sha256(content)));
      const people = officersHere(stage, inForce.policy);
      const oids = ownOids(running.box.arc);
      const signed = await signedBy(stage, people, content, label, oids.order);
      await verifyOrder(nodeHost, oids, inForce, signed, stage.now());
      await makeFolder(running.box.layout.orders);
      await writeDurable(path, signed);
      const taken = await order(running.socket, signed);
      return {
        people: [...people, witnessOf(stage)],
        facts: { digest: taken.digest, kind, number: `${taken.number}` },
        shown: [{ label, digest: taken.digest, confirmedBy: [...people] }],
      };
    },
  };
}

/** The audit key states what became of the order; the statement goes to the medium. The box is unlocked by shares for it, if it must be. */
export function statementStep(running: RunningBox, of = "order", id = "statement"): Step {
  return {
    id,
    title: "The box states what became of the order",
    acts: "holders of shares, where the box is locked",
    checks: "a witness",
    minutes: 3,
    script: [
      "The signer states by its audit key what became of the order, with counter and head of its record.",
      `The statement goes to ${running.stick}, in coldseal/statements; its digest is shown as words.`,
    ],
    wayBack: "Try again with other holders. It may be left out where the audit key itself is out of use.",
    needs: [of],
    mayBeSkipped: true,
    perform: async (stage) => {
      const { statement, digest, opened } = await stated(stage, running, of);
      const label = `statement on order ${statement.order.number}: ${statement.order.kind}`;
      stage.scene.show(label, digest);
      return {
        people: [...opened, leaderOf(stage.file, stage.present()), witnessOf(stage)],
        facts: { ...factsOf(statement), digest },
        shown: [{ label, digest, confirmedBy: [] }],
      };
    },
  };
}

/** Path of the signed order of a step. */
export function orderPath({ box }: Pick<RunningBox, "box">, { file }: Pick<Stage, "file">, step: string): string {
  return join(box.layout.orders, `${file.archive}-${file.ceremony}-${step}.p7m`);
}

/** Path of a statement on the medium and beside the box's records. */
export function statementPaths(
  { box, stick }: { readonly box: Pick<RunningBox["box"], "layout">; readonly stick: string },
  { number, kind }: Statement["order"],
): readonly [string, string] {
  const name = `${String(number).padStart(4, "0")}-${kind}.p7m`;
  return [join(stick, "coldseal/statements", name), join(box.layout.statements, name)];
}

/** Those who are here whom the policy names as officers by the certificate that they sign with. Refuses QUORUM when nobody is. */
export function officersHere(stage: Stage, ...policies: readonly Policy[]): readonly string[] {
  const officers = policies.flatMap(({ people }) => people.filter(({ roles }) => roles.includes("officer")));
  const here = signersOf(stage).filter((id) => {
    const own = certificateOf(stage, id);
    return officers.some(({ certificates }) => certificates.some((der) => equal(der, own)));
  });
  if (here.length > 0) return here;
  throw new Refusal("QUORUM", "no officer of the policy in force is here", {
    expected: officers.map(({ id }) => id).join(", "),
    got: stage.present().join(", "),
  });
}

async function stated(stage: Stage, running: RunningBox, of: string) {
  const signed = readFileSync(orderPath(running, stage, of));
  let taken = await order(running.socket, signed);
  let opened: readonly string[] = [];
  if (!taken.statement) {
    opened = await unlockByHolders(stage, running);
    taken = await order(running.socket, signed);
  }
  const { statement: p7m, unstated } = taken;
  if (!p7m) throw new Refusal("CEREMONY-STEP", `the box cannot state what became of it: ${unstated}`);
  const { statement, digest, spki } = await verifyStatement(nodeHost, ownOids(running.box.arc), p7m);
  const keys = await boxKeys(running.socket);
  if (!keys.some((key) => key.purpose === "audit" && equal(key.spki, spki))) {
    throw new Refusal("HSM-KEY", "the statement was signed by a key that the box does not have");
  }
  const [onStick, kept] = statementPaths(running, statement.order);
  for (const path of [kept, onStick]) {
    await makeFolder(join(path, ".."), path === onStick ? 0o755 : 0o700);
    await writeDurable(path, p7m);
  }
  return { statement, digest: hex(digest), opened };
}

/** What a transcript keeps of a statement. */
function factsOf({ counter, facts, journal, manifest }: Statement): Facts {
  return {
    ...facts,
    counter: `${counter}`,
    "journal row": `${journal.sequence}`,
    "journal head": journal.head,
    "last manifest": `${manifest}`,
  };
}

/** The order that this step gave before it was interrupted; undefined when there is none, or the box never took it and will not. */
async function givenBefore({ socket }: RunningBox, path: string): Promise<Facts | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    const { digest, number } = await order(socket, readFileSync(path));
    return { digest, number: `${number}`, file: basename(path) };
  } catch (fault) {
    const { code } = asRefusal(fault, "INTERNAL", "a fault");
    // It was signed for another moment: it is signed anew.
    if (["ORDER", "POLICY-DIGEST", "QUORUM", "CLOCK"].includes(code)) return undefined;
    throw fault;
  }
}

export function timesFrom(now: Utc): { readonly created: Utc; readonly expires: Utc } {
  return { created: now, expires: utcOf(Date.parse(now) + hour * 1000) };
}

/** What is signed, a line for each member, for those who sign. */
function wordsOf(content: Uint8Array): readonly string[] {
  const { kind, number, expires, what } = JSON.parse(new TextDecoder().decode(content)) as {
    readonly kind: string;
    readonly number: number;
    readonly expires: string;
    readonly what: { readonly [name: string]: Json };
  };
  return [
    `Order ${number}: ${kind}; it counts until ${expires}.`,
    // Nothing is cut: what is not shown cannot be agreed to.
    ...Object.entries(what).map(([name, value]) => `  ${name}: ${shown(wholeText(value))}`),
  ];
}

function wholeText(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
