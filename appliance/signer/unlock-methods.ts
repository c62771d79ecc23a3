/** The unlock socket's methods, for the ceremony: the PIN comes only here, and never from the daemon. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../host/crypto-host.ts";
import { collect, type Handlers, type IncomingCall } from "../../host/wire.ts";
import { base64, concat, equal, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { canonical, type Json } from "../../manifests/encoding/canonical-json.ts";
import { hexText, integer, object } from "../../manifests/encoding/shape.ts";
import { keyEntries } from "../../manifests/records/key-purpose.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { type Box, checkSound } from "./box.ts";
import { closingOf } from "./closing.ts";
import { countersign } from "./countersign.ts";
import { exportsOf } from "./exports.ts";
import { importPolicy } from "./import-policy.ts";
import type { JournalRow } from "./journal.ts";
import { madeBy } from "./reseal.ts";
import type { SealingWork } from "./seal-batch.ts";
import { compromiseOf, keysAtHand, markOf, type Standing } from "./standing.ts";
import { statusOf } from "./status.ts";
import { takeOrder } from "./take-order.ts";
import { verifyRecord } from "./verify-record.ts";

const maximumPin = 256;
const rowsAtOnce = 500;
const largestTranscript = 32 << 20;
const largestOrder = 1 << 20;
const largestPolicy = 4 << 20;

const keyParameter = object({ key: hexText() });
const orderNumber = object({ number: integer(1) });
const journalRange = object({ from: integer(1), limit: integer(1, 1_000_000) });

/** bytes of the old PIN, which stands before the new one */
const twoPins = object({ oldLength: integer(1, maximumPin) });

export function unlockMethods(box: Box, work: SealingWork): Handlers {
  return {
    unlock: async (_, call) => {
      await box.lockbox.unlock(await readPin(call));
      return { result: { token: box.hsm.serial, head: "agrees" } };
    },
    order: async (_, call) => {
      const { digest, number, statement, why = null } = await takeOrder(box, await collect(call.body, largestOrder));
      return { result: { digest, number, unstated: why }, body: statement ? [statement] : [] };
    },
    "import-policy": async (_, call) => {
      checkSound(box);
      return { result: { number: await importPolicy(box, await collect(call.body, largestPolicy)) } };
    },
    "change-pin": async (parameters, call) => {
      const { oldLength } = twoPins(parameters, "params");
      const both = await readPin(call);
      // Copies that the lockbox wipes.
      const [oldPin, newPin] = [both.slice(0, oldLength), both.slice(oldLength)];
      both.fill(0);
      await box.lockbox.changePin(oldPin, newPin);
      return { result: {} };
    },
    keys: async () => ({ result: { keys: keyRows(box) } }),
    wrapped: async () => ({ result: { ...wrappedPins(box) } }),
    countersign: async (_, call) => {
      const p7m = await countersign(box, await collect(call.body, largestTranscript));
      return { result: {}, body: [p7m] };
    },
    "made-by": async (parameters) => {
      const { key } = keyParameter(parameters, "params");
      return { result: {}, body: jsonLines(madeBy(box, key)) };
    },
    closing: async (parameters) => {
      const { number } = orderNumber(parameters, "params");
      const p7m = closingOf(box.db, number);
      if (!p7m) throw new Refusal("EMERGENCY", `order ${number} left no closing record`, { about: `order ${number}` });
      return { result: {}, body: [p7m] };
    },
    exports: async () => ({ result: {}, body: exportsOf(box) }),
    lock: async () => {
      await box.lockbox.lock("asked for");
      return { result: {} };
    },
    status: async () => ({ result: statusOf(box, work) }),
    journal: async (parameters) => {
      const { from, limit } = journalRange(parameters, "params");
      return { result: {}, body: journalLines(box, from, limit) };
    },
    "verify-journal": async () => {
      const { head, manifests } = await verifyRecord(box);
      return { result: { rows: head.sequence, head: hex(head.digest), manifests } };
    },
  };
}

/**
 * What holders' shares open: the records of wrapped PINs, none where no PIN was split, two of a purpose while one is split anew; and the keys
 * that may have signed the shares.
 */
function wrappedPins(box: Box): { readonly auditKeys: readonly string[]; readonly wrapped: readonly string[] } {
  const { configured, facts, orders } = box;
  const audit = keysAtHand(configured, orders.standing).filter(({ purpose }) => purpose === "audit");
  const wrapped = ["unlock", "unlock.next", "recovery", "recovery.next"].flatMap((name) => {
    const path = join(facts.state, `wrapped-${name}.json`);
    try {
      return [readFileSync(path, "utf8")];
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw new Refusal("STORE", "a wrapped PIN cannot be read", { about: path, cause });
    }
  });
  return { auditKeys: audit.map(({ spki }) => base64(spki)), wrapped };
}

/** Every key that the box has, for the ceremonies about them. */
function keyRows({ configured, keys, orders }: Box): Json {
  const inForce = keyEntries(keys).map(([, { spki }]) => spki);
  return keysAtHand(configured, orders.standing).map(({ chain, purpose, spki, token, uri }) => ({
    ...certificateFacts(chain[0]),
    certified: chain.length > 0,
    compromise: compromiseJson(orders.standing, spki),
    inForce: inForce.some((one) => equal(one, spki)),
    purpose,
    spki: base64(spki),
    state: markOf(orders.standing, spki)?.state ?? "usable",
    token: { ...token, environment: { ...token.environment } },
    uri,
  }));
}

function compromiseJson(standing: Standing, spki: Uint8Array): Json {
  const known = compromiseOf(standing, spki);
  return known ? { since: known.since } : null;
}

/** By what a relying party finds a certificate. */
function certificateFacts(der: Uint8Array | undefined) {
  if (!der) return { certificate: null, notAfter: null };
  const { notAfter, serial, subjectText } = readCertificate(der);
  return { certificate: `${subjectText}, serial ${hex(serial)}, SHA-256 ${hex(sha256(der))}`, notAfter };
}

/** The PIN in a buffer of its own, for the lockbox to wipe; the pieces that it came in are wiped here. */
async function readPin(call: IncomingCall): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of call.body) {
      pieces.push(piece);
      length += piece.length;
      if (length > maximumPin) throw new Refusal("PIN-WRONG", `a PIN has at most ${maximumPin} bytes`);
    }
    if (length === 0) throw new Refusal("PIN-WRONG", "no PIN was given");
    return concat(pieces);
  } finally {
    for (const piece of pieces) piece.fill(0);
  }
}

/** Journal rows as JSON lines: the members that are hashed, and the digest. */
function* journalLines(box: Box, from: number, limit: number): Generator<Uint8Array> {
  let next = from;
  for (let left = limit; left > 0; ) {
    const rows = box.journal.rows(next, Math.min(left, rowsAtOnce));
    if (rows.length === 0) return;
    yield utf8(rows.map((row) => `${canonical(line(row))}\n`).join(""));
    left -= rows.length;
    next = (rows.at(-1) as JournalRow).sequence + 1;
  }
}

function* jsonLines(values: Iterable<Json>): Generator<Uint8Array> {
  for (const value of values) yield utf8(`${canonical(value)}\n`);
}

function line({ sequence, previous, time, kind, record, digest }: JournalRow): Json {
  return { digest: hex(digest), kind, previous: hex(previous), record: JSON.parse(record) as Json, sequence, time };
}
