/** Throw-away people, keys and certificates of one box: made once a process, all in mode test. */

import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import type { Person } from "../../manifests/records/policy.ts";
import { type Issued, issue, makeRoot } from "../pki/authority.ts";

export const oids = ownOids(documentationArc);

export const root = makeRoot({ name: "Root" });
export const issuer = issue(root, { name: "Box issuer", ca: true });
export const sealing = issue(issuer, { name: "Sealing", eku: [oids.sealing] });
export const audit = issue(issuer, { name: "Audit", eku: [oids.audit] });
export const submitter = issue(root, { name: "Contracts desk", eku: [oids.submitter] });

export const operators: readonly Issued[] = ["op1", "op2", "op3"].map((name) =>
  issue(root, { name, eku: [oids.operator] }),
);
export const [op1, op2, op3] = operators as readonly [Issued, Issued, Issued];
/** A certificate of the right kind that no policy names. */
export const stranger = issue(root, { name: "stranger", eku: [oids.operator] });
/** The keeper holds an operator's certificate all the same. */
export const keeper = issue(root, { name: "keeper", eku: [oids.operator] });

export const people: readonly Person[] = [
  ...operators.map(({ certificate }, at) => ({
    id: `op${at + 1}`,
    name: `Operator ${at + 1}`,
    roles: ["operator", "officer"] as const,
    certificates: [certificate],
  })),
  { id: "keeper", name: "Keeper", roles: ["keeper"], certificates: [keeper.certificate] },
];
