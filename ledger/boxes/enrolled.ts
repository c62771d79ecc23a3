/** Boxes that the ledger takes records of: pinned at enrolment by genesis digest and root, and never changed. */

import { nodeHost } from "../../host/crypto-host.ts";
import { equal, hex } from "../../manifests/encoding/bytes.ts";
import { documentationArc } from "../../manifests/encoding/oid.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { keyIdentity } from "../../manifests/records/person.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import type { Sql } from "../store/database.ts";

export interface Enrolment {
  /** SHA-256 of the genesis policy's content, hex, as the box printed it */
  readonly genesis: string;
  readonly arc: string;
  /** DER: of the box's certificates, of time-stamp authorities; certificates of those who may sign decisions */
  readonly roots: readonly Uint8Array[];
  readonly authorities: readonly Uint8Array[];
  readonly keepers: readonly Uint8Array[];
  /** how long a number may be missing before that alarms */
  readonly gapHours: number;
}

export interface EnrolledBox extends Enrolment {
  readonly box: number;
  readonly enrolled: Utc;
}

/** How findings name a number of its chain. */
export function numberOf({ genesis }: Pick<EnrolledBox, "genesis">, number: number): string {
  return `number ${number} of box ${genesis.slice(0, 16)}`;
}

const purposes = { root: "roots", tsa: "authorities", keeper: "keepers" } as const;

/**
 * Enrols a box; the same again changes nothing, and says so. Refuses with LEDGER-BOX a box that is enrolled otherwise, keepers who are one person, a genesis digest
 * that is none, and a root that issues no certificates.
 */
export async function enrol(
  sql: Sql,
  enrolment: Enrolment,
  now: Utc,
): Promise<{ readonly box: EnrolledBox; readonly fresh: boolean }> {
  checkEnrolment(enrolment);
  const boxes = await enrolledBoxes(sql);
  const known = boxes.find(({ genesis }) => genesis === enrolment.genesis);
  if (known) {
    const difference = differenceOf(known, enrolment);
    if (difference === undefined) return { box: known, fresh: false };
    throw new Refusal("LEDGER-BOX", `this box is enrolled with ${difference} other than this`, {
      expected: "what was pinned then",
      got: `another ${difference}`,
      about: enrolment.genesis,
    });
  }
  const box = Math.max(0, ...boxes.map((one) => one.box)) + 1;
  const { arc, gapHours, genesis } = enrolment;
  await sql.insert("boxes", ["box", "genesis", "arc", "gap_hours", "enrolled"], [[box, genesis, arc, gapHours, now]]);
  const rows = Object.entries(purposes).flatMap(([purpose, member]) =>
    enrolment[member].map((der, at) => [box, purpose, at + 1, der] as const),
  );
  await sql.insert("box_certificates", ["box", "purpose", "position", "der"], rows);
  return { box: { ...enrolment, box, enrolled: now }, fresh: true };
}

export async function enrolledBoxes(sql: Sql): Promise<readonly EnrolledBox[]> {
  const rows = await sql.all<{ box: number; genesis: string; arc: string; gap_hours: number; enrolled: string }>(
    "SELECT box, genesis, arc, gap_hours, enrolled FROM boxes ORDER BY box",
  );
  const certificates = await sql.all<{ box: number; purpose: string; der: Uint8Array }>(
    "SELECT box, purpose, der FROM box_certificates ORDER BY box, purpose, position",
  );
  return rows.map(({ gap_hours: gapHours, ...row }) => {
    const of_ = (purpose: keyof typeof purposes) =>
      certificates.filter((one) => one.box === row.box && one.purpose === purpose).map(({ der }) => der);
    return { ...row, gapHours, roots: of_("root"), authorities: of_("tsa"), keepers: of_("keeper") };
  });
}

/** What a person calls a box: its appliance's name, or the first digits of its genesis digest (eight at least). */
export async function boxNamed(sql: Sql, name: string): Promise<EnrolledBox> {
  const boxes = await enrolledBoxes(sql);
  const named = await sql.all<{ box: number }>("SELECT DISTINCT box FROM box_policies WHERE appliance = ?", name);
  const byName = new Set(named.map(({ box }) => box));
  const isDigits = /^[0-9a-f]{8,64}$/.test(name);
  const [found, other] = boxes.filter(({ box, genesis }) => byName.has(box) || (isDigits && genesis.startsWith(name)));
  if (found && !other) return found;
  throw new Refusal("LEDGER-BOX", other ? "more than one box has this name" : "no such box is enrolled here", {
    expected: other
      ? "the first digits of its genesis digest"
      : boxes.map(({ genesis }) => genesis.slice(0, 16)).join(", ") || "a box that `coldseal ledger enrol` pinned",
    got: name,
  });
}

/** Of the box, as its policies name it; null: none is here yet. */
export async function applianceOf(sql: Sql, box: number): Promise<string | null> {
  const row = await sql.get<{ appliance: string }>(
    "SELECT appliance FROM box_policies WHERE box = ? ORDER BY number",
    box,
  );
  return row?.appliance ?? null;
}

function checkEnrolment({ arc, genesis, keepers, roots }: Enrolment): void {
  if (!/^[0-9a-f]{64}$/.test(genesis)) {
    throw new Refusal("LEDGER-BOX", "a box is pinned by the digest of its genesis policy", {
      expected: "64 lower-case hex digits, as the box printed them",
      got: genesis,
    });
  }
  if (roots.length === 0) throw new Refusal("LEDGER-BOX", "a box is pinned by its root certificate", { got: "none" });
  for (const der of roots) {
    const { isCa, keyUsage, subjectText } = readCertificate(der);
    if (isCa && keyUsage?.includes("keyCertSign")) continue;
    throw new Refusal("LEDGER-BOX", "this certificate cannot be a root: no record of the box could ever come in", {
      expected: "the certificate of the CA above the box's own (CA flag, key usage keyCertSign)",
      got: subjectText,
    });
  }
  if (!/^[0-2](\.(0|[1-9]\d{0,9})){1,20}$/.test(arc)) {
    throw new Refusal("LEDGER-BOX", "this is no arc of object identifiers", { expected: documentationArc, got: arc });
  }
  const keys = keepers.map((der) => keyIdentity(readCertificate(der).spki));
  if (new Set(keys).size === keys.length) return;
  throw new Refusal("LEDGER-BOX", "two keepers have one key: each counts once", {
    expected: "a key of each one's own",
  });
}

function differenceOf(known: Enrolment, wanted: Enrolment): string | undefined {
  if (known.arc !== wanted.arc) return "an arc";
  if (known.gapHours !== wanted.gapHours) return "hours of a gap";
  const words = { roots: "roots", authorities: "time-stamp authorities", keepers: "keepers" } as const;
  return (["roots", "authorities", "keepers"] as const)
    .filter((member) => !sameSet(known[member], wanted[member]))
    .map((member) => words[member])[0];
}

function sameSet(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((one) => b.some((other) => equal(one, other)));
}

/** SHA-256 of a certificate, hex, as policies and manifests name it. */
export async function certificateDigest(der: Uint8Array): Promise<string> {
  return hex(await nodeHost.digest("sha256", der));
}
