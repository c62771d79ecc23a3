/** What officers order a box to do or to stop: one record, signed by as many as its kind needs (docs/formats.md, "order.p7m"). */

import { readSignedData } from "../cms/read.ts";
import { hex } from "../encoding/bytes.ts";
import { canonicalBytes, type Json, readCanonical } from "../encoding/canonical-json.ts";
import type { OwnOids } from "../encoding/oid.ts";
import {
  anyObject,
  base64Bytes,
  hexText,
  integer,
  list,
  literal,
  nullable,
  object,
  oneOf,
  optional,
  type Read,
  type Reader,
  text,
  texts,
  type Utc,
  utc,
} from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import { Refusal } from "../refusal.ts";
import { verifyAllSigners } from "./authorization.ts";
import { readDeclaration } from "./emergency.ts";
import { keyPurposes } from "./key-purpose.ts";
import { checkDistinct, checkPersonCertificate, checkRole, knownSigners } from "./person.ts";
import type { PolicyInForce } from "./policy-chain.ts";

const reason = text(500);
const spki = base64Bytes(1024);
const oneKey = object({ reason, spki });
/** numbers of bags and seals, as they are written on them */
const bags = list(object({ item: text(100), number: text(64) }), 0, 64);

/** Why a key is revoked: CRLReason of RFC 5280, 5.3.1. */
export const revocationReasons = [
  "unspecified",
  "keyCompromise",
  "affiliationChanged",
  "superseded",
  "cessationOfOperation",
] as const;

/** What each kind of order says. */
const orders = {
  "approve-software": object({ digest: hexText(), software: text(64) }),
  "certify-key": object({ certificates: list(base64Bytes(8192), 1, 8), spki }),
  close: object({ bags }),
  "declare-emergency": readDeclaration,
  "destroy-key": oneKey,
  /** `declaration`: SHA-256 of the declaring order's content, hex */
  "end-emergency": object({ declaration: hexText(), reason }),
  /** `closing`: SHA-256 of the statement of the last close, hex */
  open: object({ bags, closing: hexText() }),
  /** the continuity record of a store that was made anew from what was left of the box */
  recover: object({
    /** of the last row that is known: what the token's head names, or a manifest or a statement after it */
    journal: object({
      /** the last row that a manifest or a statement at hand names; what lies between it and `sequence` is known by digest alone */
      evidence: integer(0),
      head: hexText(),
      sequence: integer(1),
    }),
    /** in force from here on; an audit key that is new here cannot be introduced by one that was lost */
    keys: object({ audit: spki, emergency: optional(spki), sealing: spki, time: optional(spki) }),
    manifests: object({
      /** SHA-256 of the content of the last one at hand, hex; null where there is none */
      digest: nullable(hexText()),
      /** the highest number that is known */
      last: integer(0),
      /** unexplained: numbers before `next` of which no manifest is at hand; perhaps never used */
      missing: list(object({ from: integer(1), to: integer(1) }), 0, 10_000),
      /** the next manifest's number */
      next: integer(1),
    }),
    /** orders at hand, and those of them that no statement says the lost box took */
    orders: object({ last: integer(0), unstated: list(integer(1), 0, 1000) }),
    reason,
    software: object({ digest: hexText(), version: text(32) }),
    /** `counter`: of the head in the token; null where it holds none, as a second token does */
    token: object({ counter: nullable(integer(1)), uri: text(1024, { pattern: /^pkcs11:/ }) }),
  }),
  /** a compromise: what these manifests sealed may be sealed once more, by another key */
  reseal: object({ key: spki, manifests: list(integer(1), 1, 10_000), reason, since: nullable(utc) }),
  resume: object({ reason }),
  "resume-key": oneKey,
  "revoke-key": object({ reason, revocation: oneOf(revocationReasons), since: nullable(utc), spki }),
  "set-clock": object({ accuracySeconds: integer(0, 3600), boxTime: utc, reference: text(100), referenceTime: utc }),
  "stage-key": object({
    kind: text(32),
    purpose: oneOf(keyPurposes),
    spki,
    token: object({ environment: texts, module: text(4096), uri: text(1024, { pattern: /^pkcs11:/ }) }),
    uri: text(1024, { pattern: /^pkcs11:/ }),
  }),
  suspend: object({ reason }),
  "suspend-key": oneKey,
} as const;

export type OrderKind = keyof typeof orders;
export const orderKinds = Object.keys(orders) as readonly OrderKind[];

/** What one officer may order alone: it only stops something. */
const byOne: readonly OrderKind[] = ["suspend", "suspend-key"];

/** What the officers of an emergency order, as many as its own rules say. */
const ofEmergency: readonly OrderKind[] = ["declare-emergency", "end-emergency"];

const readHead = object({
  appliance: text(64),
  created: utc,
  /** a clock that is wrong cannot judge this: `set-clock` is judged at its reference time */
  expires: utc,
  kind: oneOf(orderKinds as readonly [OrderKind, ...OrderKind[]]),
  /** orders of a box are counted from 1; each is taken once, in order */
  number: integer(1),
  policyDigest: hexText(),
  /** SHA-256 of the content of the order before; null for number 1 */
  previous: nullable(hexText()),
  type: literal("order"),
  version: literal(1),
  what: anyObject,
});

type Head = Omit<Read<typeof readHead>, "kind" | "what">;
export type Order = {
  [K in OrderKind]: Head & { readonly kind: K; readonly what: Read<(typeof orders)[K]> };
}[OrderKind];
export type OrderOf<K extends OrderKind> = Extract<Order, { kind: K }>;
export type OrderWhat<K extends OrderKind> = OrderOf<K>["what"];

/** Reads an order's canonical JSON. Refuses JSON, SHAPE. */
export function readOrder(content: Uint8Array): Order {
  const head = readHead(readCanonical(content), "order");
  const read = orders[head.kind] as Reader<unknown>;
  return { ...head, what: read(head.what, `order.${head.kind}`) } as Order;
}

/** Canonical bytes of an order; members that are bytes stand in base64. Read back before they are given out. */
export function orderBytes(
  order: Omit<Head, "type" | "version"> & { readonly kind: OrderKind; readonly what: Json },
): Uint8Array {
  const bytes = canonicalBytes({ ...order, type: "order", version: 1 });
  readOrder(bytes);
  return bytes;
}

/** How many officers an order of this kind needs under a policy. */
export function officersNeeded(kind: OrderKind, { policy }: Pick<PolicyInForce, "policy">): number {
  if (byOne.includes(kind)) return 1;
  // A policy without rules allows no emergency; one that is open under an earlier one can always be ended.
  const own = ofEmergency.includes(kind) ? policy.emergency?.officers : undefined;
  return own ?? policy.thresholds.policy;
}

export interface VerifiedOrder {
  readonly order: Order;
  /** SHA-256 of the content */
  readonly digest: Uint8Array;
  /** ids of those who signed */
  readonly people: readonly string[];
}

/**
 * Verifies an order under the policy in force at `at`: the appliance, the policy, its expiry, every signer an officer by a
 * certificate that counts, each once, as many as its kind needs. Its place in the row of orders is the box's to check.
 * Refuses DER, CMS-*, JSON, SHAPE, ORDER, POLICY-DIGEST, PERSON-*, PATH-*, QUORUM.
 */
export async function verifyOrder(
  host: Host,
  oids: OwnOids,
  inForce: PolicyInForce,
  p7m: Uint8Array,
  at: Utc,
): Promise<VerifiedOrder> {
  const { order, digest, data } = await readSignedOrder(host, oids, p7m);
  const { policy } = inForce;
  const time = order.kind === "set-clock" ? order.what.referenceTime : at;
  if (order.appliance !== policy.appliance) {
    throw new Refusal("ORDER", "the order is another box's", { expected: policy.appliance, got: order.appliance });
  }
  if (order.policyDigest !== hex(inForce.digest)) {
    throw new Refusal("POLICY-DIGEST", "the order was signed under another policy", {
      expected: hex(inForce.digest),
      got: order.policyDigest,
    });
  }
  if (time > order.expires) {
    throw new Refusal("ORDER", "the order has expired", { expected: `until ${order.expires}`, got: time });
  }
  const known = knownSigners(policy, await verifyAllSigners(host, data, policy.limits.minimumRsaBits));
  checkDistinct(known);
  for (const signer of known) {
    checkRole(signer.person, "officer");
    checkPersonCertificate(policy, signer, time);
  }
  const needed = officersNeeded(order.kind, inForce);
  if (known.length < needed) {
    throw new Refusal("QUORUM", `too few officers signed the order ${order.kind}`, {
      expected: `${needed} distinct officers`,
      got: known.map(({ person }) => person.id).join(", "),
    });
  }
  return { order, digest, people: known.map(({ person }) => person.id) };
}

/** Reads an order and its digest; nothing is verified. Refuses DER, CMS-*, JSON, SHAPE. */
export async function readSignedOrder(host: Host, oids: OwnOids, p7m: Uint8Array) {
  const data = readSignedData(p7m);
  if (data.eContentType !== oids.order || !data.content) {
    throw new Refusal("CMS-TYPE", "not an order", { expected: oids.order, got: data.eContentType });
  }
  return { order: readOrder(data.content), digest: await host.digest("sha256", data.content), data };
}
