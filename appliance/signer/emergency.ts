/** What an emergency that officers declared still allows, and what its manifests say of it. */

import { sha256 } from "../../host/crypto-host.ts";
import { fromHex, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { mostClosed } from "../../manifests/records/closing.ts";
import {
  type Declaration,
  type EmergencyPart,
  type EmergencyRules,
  emergencyEnd,
  emergencyRulesOf,
} from "../../manifests/records/emergency.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type Box, now } from "./box.ts";
import { checkUsable, keyInForce } from "./may-seal.ts";
import type { OpenEmergency } from "./standing.ts";
import type { Db } from "./store.ts";

/** The rules of a policy, where it allows an emergency under this text. Refuses with EMERGENCY. */
export function checkAllowed(policy: Policy, text: Declaration["text"]): EmergencyRules {
  const rules = emergencyRulesOf(policy);
  const known = rules.texts.map((one) => `${one.language} ${hex(sha256(utf8(one.text)))}`);
  const wanted = `${text.language} ${text.digest}`;
  if (known.includes(wanted)) return rules;
  throw new Refusal("EMERGENCY", "the policy in force has no such text", { expected: known.join(", "), got: wanted });
}

/** An emergency that is open, until when it may seal, and how many seals were made in it. */
export interface EmergencyLeft extends OpenEmergency {
  readonly until: Utc;
  readonly used: number;
  readonly limit: number;
}

/** As it stands now; undefined where none is open. Refuses with EMERGENCY one that the policy in force allows no more, or that a lost disk left uncounted; HSM-KEY, KEY-STATE. */
export function emergencyLeft(box: Pick<Box, "db" | "keys" | "orders" | "policies">): EmergencyLeft | undefined {
  const { emergency } = box.orders.standing;
  if (!emergency) return undefined;
  const rules = checkAllowed(box.policies.inForce.policy, emergency.text);
  if (emergency.lost) {
    throw new Refusal("EMERGENCY", "the disk was lost in this emergency: how many seals were made in it is not known", {
      expected: "that it is ended, and another one is declared",
    });
  }
  checkUsable(box, keyInForce(box, "emergency"));
  const used = sealsIn(box.db, emergency.digest);
  return { ...emergency, until: emergencyEnd(emergency.since, rules), used, limit: rules.seals };
}

/**
 * The emergency that is open and has room for so many more seals. Refuses with EMERGENCY where none is open (or another than `declared`, the
 * order's digest in hex), its hours are over, or its seals do not suffice.
 */
export function checkRoomInEmergency(box: Box, seals: number, declared?: string): EmergencyLeft {
  const left = emergencyLeft(box);
  if (!left) {
    throw new Refusal("EMERGENCY", "no emergency is open: nothing is sealed in mode emergency", {
      expected: "a declaration by the officers (the ceremony declare-emergency)",
      got: "none",
    });
  }
  if (declared !== undefined && declared !== left.digest) {
    throw new Refusal("EMERGENCY", "the batch was approved in another emergency", {
      expected: left.digest,
      got: declared,
    });
  }
  const at = now(box);
  if (at >= left.until) {
    throw new Refusal("EMERGENCY", "the hours of this emergency are over", {
      expected: `before ${left.until}`,
      got: at,
    });
  }
  if (left.used + seals > left.limit) {
    throw new Refusal("EMERGENCY", "the seals of this emergency do not suffice", {
      expected: `at most ${Math.max(0, left.limit - left.used)} more of ${left.limit}, of which ${left.used} are used`,
      got: `${seals}`,
    });
  }
  if (manifestsIn(box.db, left.digest) >= mostClosed) {
    throw new Refusal("EMERGENCY", "this emergency has as many manifests as its closing record can list", {
      expected: `at most ${mostClosed}`,
    });
  }
  return left;
}

/** What the manifest of a reservation says of its emergency; nothing in other modes. */
export function emergencyPart(
  { db, orders }: Pick<Box, "db" | "orders">,
  { emergency, number }: { readonly emergency: string | undefined; readonly number: number },
): { readonly emergency?: EmergencyPart } {
  if (emergency === undefined) return {};
  const taken = orders.taken(fromHex(emergency));
  if (taken?.order.kind !== "declare-emergency") {
    throw new Refusal("CHAIN", "the store has lost the order that declared the emergency", { about: emergency });
  }
  const { cause, text } = taken.order.what;
  return {
    emergency: { cause, earlierSeals: sealsIn(db, emergency, number), order: emergency, since: taken.time, text },
  };
}

/** Seals that count of an emergency, those of a batch under way among them; of manifests below `before` alone where that is given. */
export function sealsIn(db: Db, emergency: string, before = Number.MAX_SAFE_INTEGER): number {
  const digest = fromHex(emergency);
  return db
    .prepare<[Uint8Array, number, Uint8Array, number], number>(
      `SELECT coalesce(sum(seals), 0) FROM (
         SELECT q.count AS seals FROM reservations r JOIN requests q ON q.id = r.request LEFT JOIN manifests m USING (number)
           WHERE r.emergency = ? AND r.number < ? AND coalesce(m.outcome, 'sealed') = 'sealed'
         UNION ALL SELECT count(*) FROM recovered v JOIN recovered_documents d USING (number)
           WHERE v.emergency = ? AND v.number < ? AND v.outcome = 'sealed')`,
    )
    .pluck()
    .get(digest, before, digest, before) as number;
}

function manifestsIn(db: Db, emergency: string): number {
  const digest = fromHex(emergency);
  return db
    .prepare<[Uint8Array, Uint8Array], number>(
      `SELECT (SELECT count(*) FROM reservations WHERE emergency = ?) + (SELECT count(*) FROM recovered WHERE emergency = ?)`,
    )
    .pluck()
    .get(digest, digest) as number;
}
