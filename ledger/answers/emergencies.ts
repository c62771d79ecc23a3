/** Emergencies of a box as its records tell of them: by whose word, why, what was sealed, and whether they were closed. For `coldseal ledger emergencies`. */

import { nodeHost } from "../../host/crypto-host.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { type OwnOids, ownOids } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { countedSeals } from "../../manifests/records/closing.ts";
import { emergencyEnd } from "../../manifests/records/emergency.ts";
import { type Manifest, readManifest } from "../../manifests/records/manifest.ts";
import { declarationPath } from "../../manifests/records/names.ts";
import { type NumberRange, rangesOf } from "../../manifests/records/number-ranges.ts";
import { readSignedOrder, verifyOrder } from "../../manifests/records/order.ts";
import type { PolicyInForce } from "../../manifests/records/policy-chain.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import type { ChainPolicies } from "../../manifests/verify/chain/chain-policies.ts";
import { batchOf } from "../../manifests/verify/verdict.ts";
import { linked } from "../boxes/chain-rows.ts";
import { type Closed, closingsOf } from "../boxes/closings.ts";
import { applianceOf, type EnrolledBox } from "../boxes/enrolled.ts";
import { smallEvidence } from "../boxes/evidence.ts";
import { policiesOf } from "../boxes/known-box.ts";
import { transcriptsOf } from "../boxes/transcripts.ts";
import type { Sql } from "../store/database.ts";

export interface EmergencyAnswer {
  readonly appliance: string | null;
  readonly genesis: string;
  /** SHA-256 of the content of the order that declared it, hex */
  readonly order: string;
  readonly cause: string;
  /** when the box took the order, as it claims */
  readonly since: Utc;
  /** from the order itself; null: it did not come in, or does not hold, and `declaredWhy` says which */
  readonly declared: { readonly by: readonly string[]; readonly reason: string; readonly created: Utc } | null;
  readonly declaredWhy: string | null;
  /** limits of the policy that it was declared under; null: not here */
  readonly limits: { readonly hours: number; readonly seals: number; readonly until: Utc } | null;
  readonly manifests: readonly EmergencyManifest[];
  /** seals of sealed batches that are here, and in the chain or waiting for it */
  readonly seals: number;
  readonly closing: {
    readonly entry: number;
    readonly ended: Utc;
    readonly seals: number;
    readonly manifests: number;
    /** numbers that it lists, and that are not here */
    readonly notHere: readonly NumberRange[];
    /** numbers that are here as of this emergency, and that a closing record of it neither lists nor calls missing, or that were made after it */
    readonly notListed: readonly NumberRange[];
    /** numbers that the loss of a disk left unexplained while it was open */
    readonly missing: readonly NumberRange[];
  } | null;
  /** transcripts of the ceremonies that declared and ended it */
  readonly ceremonies: readonly { readonly archive: string; readonly ceremony: string; readonly entry: number }[];
  /** "open": within its hours. "overdue": these are over, or not known, and no closing record is here. "incomplete": its closing lists what is not here. "exceeded": here is what its closing does not list */
  readonly state: "open" | "overdue" | "closed" | "incomplete" | "exceeded";
}

export interface EmergencyManifest {
  readonly number: number;
  readonly created: Utc;
  readonly outcome: Manifest["outcome"];
  readonly seals: number;
  readonly batch: string | null;
  readonly purpose: string | null;
  readonly submitter: string;
  readonly approvers: readonly string[];
  readonly chained: boolean;
}

/** Why one was not followed up; undefined: it was, or is still within its hours. */
export function unfinished({ state }: Pick<EmergencyAnswer, "state">): string | undefined {
  const why = {
    open: undefined,
    overdue: "was not closed",
    closed: undefined,
    incomplete: "was closed, and not all of it is here",
    exceeded: "was closed, and more was made in it than its closing record lists",
  } as const;
  return why[state];
}

interface Seen {
  readonly row: number;
  readonly digest: string;
  readonly manifest: Manifest;
  readonly chained: boolean;
}

/** The newest first. Refuses STORE. */
export async function emergencyAnswers(sql: Sql, enrolled: EnrolledBox, now: Utc): Promise<readonly EmergencyAnswer[]> {
  const { here, seen } = await manifestsOf(sql, enrolled.box);
  const closings = await closingsOf(sql, enrolled.box);
  const orders = new Set([...seen.keys(), ...closings.keys()]);
  if (orders.size === 0) return [];
  const policies = await policiesOf(sql, enrolled);
  const ceremonies = await ceremoniesOf(sql, enrolled.box);
  const appliance = await applianceOf(sql, enrolled.box);
  const answers: EmergencyAnswer[] = [];
  for (const order of orders) {
    const own = seen.get(order) ?? [];
    const closed = closings.get(order)?.at(-1);
    const part = own[0]?.manifest.emergency;
    const since = part?.since ?? closed?.closing.declared.since ?? "";
    const declaration = await declarationOf(sql, enrolled, policies, { order, rows: own.map(({ row }) => row), since });
    const limits = declaration.limits && { ...declaration.limits, until: emergencyEnd(since, declaration.limits) };
    const closing = closed && closingShown(closings.get(order) ?? [], closed, own, here);
    answers.push({
      appliance,
      genesis: enrolled.genesis,
      order,
      cause: part?.cause ?? closed?.closing.cause ?? "unknown",
      since,
      declared: declaration.declared,
      declaredWhy: declaration.why,
      limits,
      manifests: own.map(shownManifest),
      seals: own.reduce((sum, { manifest }) => sum + countedSeals(manifest), 0),
      closing: closing ?? null,
      ceremonies: ceremonies
        .filter((one) => one.orders.includes(order) || one.orders.includes(closed?.closing.ended.order ?? ""))
        .map(({ archive, ceremony, entry }) => ({ archive, ceremony, entry })),
      state: closing ? stateOf(closing) : limits && now <= limits.until ? "open" : "overdue",
    });
  }
  return answers.sort((a, b) => (a.since < b.since ? 1 : -1));
}

function stateOf({ notHere, notListed }: NonNullable<EmergencyAnswer["closing"]>): EmergencyAnswer["state"] {
  if (notListed.length > 0) return "exceeded";
  return notHere.length > 0 ? "incomplete" : "closed";
}

/** Manifests of emergencies by the order that declared each, without what lost by a decision; and the place of all that are here. */
async function manifestsOf(sql: Sql, box: number) {
  const rows = await sql.all<{
    manifest: number;
    number: number;
    digest: Uint8Array;
    content: Uint8Array;
    emergency: Uint8Array;
    chained: number;
    lost: number;
  }>(
    `SELECT m.manifest, m.number, m.digest, m.content, m.emergency,
      EXISTS (SELECT 1 FROM chain_links l WHERE l.manifest = m.manifest AND ${linked}) AS chained,
      EXISTS (SELECT 1 FROM lost_manifests x WHERE x.manifest = m.manifest) AS lost
      FROM box_manifests m WHERE m.box = ? AND m.emergency IS NOT NULL ORDER BY m.number, m.manifest`,
    box,
  );
  const here = new Set<string>();
  const seen = new Map<string, Seen[]>();
  for (const { chained, content, emergency, lost, manifest: row, number, ...one } of rows) {
    const digest = hex(one.digest);
    here.add(placeOf({ number, digest }));
    if (lost !== 0) continue;
    const order = hex(emergency);
    const own = seen.get(order) ?? [];
    seen.set(order, own);
    own.push({ row, digest, manifest: readManifest(content), chained: chained !== 0 });
  }
  return { here, seen };
}

/** What a closing record names a manifest by. */
function placeOf({ digest, number }: { readonly digest: string; readonly number: number }): string {
  return `${number} ${digest}`;
}

/** Orders by digest that ceremonies of emergencies gave. */
async function ceremoniesOf(sql: Sql, box: number) {
  const found: { archive: string; ceremony: string; entry: number; orders: readonly string[] }[] = [];
  for await (const held of transcriptsOf(sql, box, ["declare-emergency", "end-emergency"])) {
    const { archive, ceremony, entry, transcript } = held;
    const orders = transcript.entries.flatMap(({ facts, step }) =>
      step === "order" && facts.digest !== undefined ? [facts.digest] : [],
    );
    found.push({ archive, ceremony, entry, orders });
  }
  return found;
}

/** Each of its closing records must list what is here: one more that lists it takes nothing back. */
function closingShown(
  all: readonly Closed[],
  { closing, entry }: Closed,
  own: readonly Seen[],
  here: ReadonlySet<string>,
): NonNullable<EmergencyAnswer["closing"]> {
  const { ended, manifests, missing = [], seals } = closing;
  const notHere = manifests.filter((one) => !here.has(placeOf(one))).map(({ number }) => number);
  const notListed = own
    .filter(({ digest, manifest }) => all.some(({ lists }) => lists({ ...manifest, digest }) === "not-listed"))
    .map(({ manifest }) => manifest.number);
  return {
    entry,
    ended: ended.time,
    seals,
    manifests: manifests.length,
    notHere: rangesOf(notHere),
    notListed: rangesOf(notListed),
    missing,
  };
}

/** The order lies with the record of each manifest; one that holds is enough. */
async function declarationOf(
  sql: Sql,
  { arc }: EnrolledBox,
  policies: ChainPolicies,
  { order, rows, since }: { readonly order: string; readonly rows: readonly number[]; readonly since: Utc },
): Promise<{
  readonly declared: EmergencyAnswer["declared"];
  readonly why: string | null;
  readonly limits: { readonly hours: number; readonly seals: number } | null;
}> {
  const oids = ownOids(arc);
  let why = "the order that declared it did not come in";
  for (const row of rows) {
    const found = await sql.get<{ file: Uint8Array }>(
      "SELECT file FROM manifest_files WHERE manifest = ? AND path = ?",
      row,
      declarationPath,
    );
    if (!found) continue;
    try {
      const p7m = await smallEvidence(sql, found.file);
      const named = await orderUnder(policies, oids, p7m);
      const { digest, order: read, people } = await verifyOrder(nodeHost, oids, named, p7m, since);
      if (hex(digest) !== order || read.kind !== "declare-emergency") continue;
      const { hours, seals } = named.policy.emergency ?? { hours: 0, seals: 0 };
      const declared = { by: [...people].sort(), reason: read.what.reason, created: read.created };
      return { declared, why: null, limits: hours > 0 ? { hours, seals } : null };
    } catch (fault) {
      const refusal = asRefusal(fault, "INTERNAL", "the order");
      if (refusal.code === "STORE") throw refusal;
      why = `the order that is here does not hold (${refusal.code}: ${refusal.message})`;
    }
  }
  return { declared: null, why, limits: null };
}

/** The policy that the order was signed under. Refuses POLICY-DIGEST where that is not here. */
async function orderUnder(policies: ChainPolicies, oids: OwnOids, p7m: Uint8Array): Promise<PolicyInForce> {
  const { order } = await readSignedOrder(nodeHost, oids, p7m);
  const inForce = policies.inForce(order.policyDigest);
  if (inForce) return inForce;
  throw new Refusal("POLICY-DIGEST", "the policy that it was signed under is not here", { got: order.policyDigest });
}

function shownManifest({ chained, manifest }: Seen): EmergencyManifest {
  const { authorization, created, number, outcome, request } = manifest;
  return {
    number,
    created,
    outcome,
    seals: countedSeals(manifest),
    batch: batchOf(manifest),
    purpose: request.kind === "signed-request" ? request.purpose : null,
    submitter: request.submitter.name,
    approvers: authorization.approvers.map(({ name, person }) => `${name} (${person})`),
    chained,
  };
}
