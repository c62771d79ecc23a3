import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { base64, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { type OrderKind, officersNeeded, orderBytes, verifyOrder } from "../../../manifests/records/order.ts";
import { statementBytes, verifyStatement } from "../../../manifests/records/statement.ts";
import { audit, oids, op1, op2 } from "../../bundle/people.ts";
import { makePolicy, signedBy, times } from "../../bundle/signed.ts";
import { mutateFile } from "../files.ts";
import { Broken, type Target } from "../target.ts";

const policy = makePolicy();
const inForce = { digest: sha256(utf8("policy")), genesis: "00".repeat(32), number: 1, policy, recovered: [] };
const orderOf = (kind: OrderKind, what: Json) =>
  orderBytes({
    appliance: policy.appliance,
    created: times.approval,
    expires: times.expires,
    kind,
    number: 3,
    policyDigest: hex(inForce.digest),
    previous: "11".repeat(32),
    what,
  });
const reason = "test";
const revoke = orderOf("revoke-key", { reason, revocation: "superseded", since: null, spki: base64(op1.spki) });
const reseal = orderOf("reseal", { key: base64(op1.spki), manifests: [1, 2, 7], reason, since: times.approval });
const declare = orderOf("declare-emergency", {
  cause: "unknown",
  reason,
  text: { digest: "66".repeat(32), language: "de-AT" },
});
const end = orderOf("end-emergency", { declaration: "77".repeat(32), reason });
const recover = orderOf("recover", {
  journal: { evidence: 5, head: "44".repeat(32), sequence: 7 },
  keys: { audit: base64(op1.spki), sealing: base64(op2.spki) },
  manifests: { digest: null, last: 1, missing: [{ from: 2, to: 3 }], next: 4 },
  orders: { last: 2, unstated: [2] },
  reason,
  software: { digest: "55".repeat(32), version: "0.1.0" },
  token: { counter: null, uri: "pkcs11:serial=1" },
});

/** Whatever is taken as an order was signed by as many officers as its kind needs. */
export const orderTarget: Target = {
  name: "order",
  seeds: async () => [
    await signedBy([op1, op2], oids.order, revoke),
    await signedBy([op1], oids.order, revoke),
    await signedBy([op1, op2], oids.order, reseal),
    await signedBy([op1, op2], oids.order, recover),
    await signedBy([op1, op2], oids.order, declare),
    await signedBy([op1, op2], oids.order, end),
  ],
  mutate: mutateFile,
  run: async (input) => {
    const { order: read, people } = await verifyOrder(nodeHost, oids, inForce, input, times.approval);
    if (people.length < officersNeeded(read.kind, inForce)) throw new Broken("an order by too few officers");
    return { kind: read.kind, number: read.number };
  },
};

const statement = statementBytes({
  appliance: "box-1",
  counter: 3,
  created: times.approval,
  facts: { reason: "test" },
  journal: { head: "22".repeat(32), sequence: 9 },
  manifest: 2,
  order: { digest: "33".repeat(32), kind: "close", number: 3 },
  type: "statement",
  version: 1,
});

/** Whatever verifies was signed by one key with the audit usage, and is written back to the same bytes. */
export const statementTarget: Target = {
  name: "statement",
  seeds: async () => [
    await signedBy([audit], oids.statement, statement),
    await signedBy([op1], oids.statement, statement),
    await signedBy([audit, op1], oids.statement, statement),
  ],
  mutate: mutateFile,
  run: async (input) => {
    const read = await verifyStatement(nodeHost, oids, input);
    if (hex(sha256(statementBytes(read.statement))) !== hex(read.digest)) throw new Broken("written otherwise");
    return read.statement;
  },
};
