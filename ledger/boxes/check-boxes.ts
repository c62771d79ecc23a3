/**
 * Holds what is stored of boxes against itself and against the log (`coldseal ledger verify`): every manifest with its files is verified again from the store as it was
 * from the stick, and rows, entries and files must say what it says. What a box was enrolled with, nothing here can prove: compare it with paper.
 */

import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { equal, fromUtf8, hex } from "../../manifests/encoding/bytes.ts";
import { type LogRecord, recordBytes } from "../../manifests/log/entry.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import type { Findings } from "../check/findings.ts";
import type { Cell, Sql } from "../store/database.ts";
import { recordsOf } from "./chain-rows.ts";
import { checkChain } from "./check-chain.ts";
import { checkDisputeNumbers } from "./check-disputes.ts";
import { checkOther, otherTypes } from "./check-others.ts";
import { checkAudit, checkWhole } from "./check-record.ts";
import { type DecisionRecord, signedDecision } from "./decision-record.ts";
import { evidencePieces, wholeEvidence } from "./evidence.ts";
import { cellsOf, hasSeals, listLines } from "./keep-manifest.ts";
import { type KnownBox, knownBoxes } from "./known-box.ts";
import { readRevokedKey } from "./revoked-keys.ts";
import { storedBundle } from "./stored-bundle.ts";
import { isVouchedFor } from "./vouched-for.ts";

const rowsAtOnce = 100;

/** Whatever differs is a finding. Refuses STORE. */
export async function checkBoxes(sql: Sql, now: string, findings: Findings): Promise<void> {
  await checkEvidence(sql, findings);
  const boxes = await findings.attemptRows("the boxes' policies and orders", () => knownBoxes(sql, now));
  if (!boxes) return;
  let entries = 0;
  for (const known of boxes) entries += await checkBox(sql, known, boxes, findings);
  await checkDisputeNumbers(sql, findings);
  if (boxes.length === 0) return;
  const counted = await sql.get<{ n: number }>("SELECT count(*) AS n FROM entries");
  findings.check(
    counted?.n === entries,
    "the log",
    `has ${counted?.n} entries where what is stored of boxes gives ${entries}`,
  );
}

/** Every file by its digest. */
async function checkEvidence(sql: Sql, findings: Findings): Promise<void> {
  let after: Uint8Array = new Uint8Array(0);
  for (;;) {
    const files = await sql.all<{ file: Uint8Array }>(
      "SELECT DISTINCT file FROM evidence WHERE file > ? ORDER BY file LIMIT ?",
      after,
      rowsAtOnce,
    );
    for (const { file } of files) {
      await findings.attemptRows(`file ${hex(file)}`, async () => {
        const hasher = nodeHost.hasher("sha256");
        for await (const piece of evidencePieces(sql, file)) hasher.update(piece);
        findings.check(equal(await hasher.digest(), file), `file ${hex(file)}`, "was changed");
      });
    }
    const last = files.at(-1);
    if (!last) return;
    after = last.file;
  }
}

/** How many entries the log must have of it. */
async function checkBox(sql: Sql, known: KnownBox, boxes: readonly KnownBox[], findings: Findings): Promise<number> {
  const { box } = known.enrolled;
  await checkPolicies(sql, known, findings);
  await checkContinuity(sql, known, findings);
  await checkRevoked(sql, known, findings);
  let entries = 0;
  for (let after = 0; ; ) {
    const rows = await sql.all<{ manifest: number }>(
      "SELECT manifest FROM box_manifests WHERE box = ? AND manifest > ? ORDER BY manifest LIMIT ?",
      box,
      after,
      rowsAtOnce,
    );
    for (const { manifest } of rows) {
      entries +=
        (await findings.attemptRows(`manifest row ${manifest}`, () => checkManifest(sql, known, manifest, findings))) ??
        0;
    }
    const last = rows.at(-1);
    if (!last) break;
    after = last.manifest;
  }
  const decisions = await checkDecisions(sql, known, findings);
  await findings.attemptRows("the chain", () => checkChain(sql, known, decisions, findings));
  return entries + (await checkOthers(sql, known, boxes, findings)) + decisions.length;
}

async function checkManifest(sql: Sql, known: KnownBox, row: number, findings: Findings): Promise<number> {
  const { genesis } = known.enrolled;
  const stored = await sql.get<Record<string, Cell>>("SELECT * FROM box_manifests WHERE manifest = ?", row);
  const manifest = readManifest(stored?.content as Uint8Array);
  const digest = hex(sha256(stored?.content as Uint8Array));
  const where = `manifest ${manifest.number} of ${manifest.appliance}`;
  for (const [column, cell] of Object.entries(cellsOf({ digest, manifest }))) {
    findings.check(sameCell(stored?.[column], cell), where, `its row says another ${column}`);
  }
  const source = storedBundle(sql, row);
  const whole = await hasSeals(sql, row);
  const checked = whole ? await checkWhole(source, known.trust) : await checkAudit(source, known.trust, known.policies);
  findings.check(checked.digest === digest, where, "its file is another manifest");
  const seals = await sql.get<{ n: number }>("SELECT count(*) AS n FROM box_seals WHERE manifest = ?", row);
  const expected = whole && manifest.outcome === "sealed" ? manifest.documents.sealed : 0;
  findings.check(seals?.n === expected, where, `${seals?.n} seals are stored where it has ${expected}`);
  const links = await sql.all<{ entry: number; number: number; box: number }>(
    "SELECT entry, number, box FROM chain_links WHERE manifest = ?",
    row,
  );
  const entry = links[0]?.entry;
  for (const link of links) {
    const same = link.entry === entry && link.number === manifest.number && link.box === known.enrolled.box;
    findings.check(same, where, "its place in the chain was changed");
  }
  const box = { appliance: manifest.appliance, genesis, number: manifest.number, version: 1 } as const;
  if (entry !== undefined) await checkEntry(sql, entry, { ...box, digest, type: "manifest" }, where, findings);
  let count = 0;
  for await (const lines of listLines(sql, row)) {
    for (const { entry: line } of lines) {
      const document = await sql.get<{ digest: Uint8Array }>(
        "SELECT digest FROM box_documents WHERE manifest = ? AND idx = ?",
        row,
        line.index,
      );
      findings.check(
        document !== undefined && hex(document.digest) === line.digest,
        where,
        `document ${line.index} cannot be found by its digest`,
      );
      if (entry !== undefined)
        await checkEntry(sql, entry + line.index, { ...box, line, manifest: digest, type: "seal" }, where, findings);
    }
    count += lines.length;
  }
  const documents = await sql.get<{ n: number }>("SELECT count(*) AS n FROM box_documents WHERE manifest = ?", row);
  findings.check(documents?.n === count, where, `${documents?.n} documents can be found where its list has ${count}`);
  return entry === undefined ? 0 : count + 1;
}

async function checkPolicies(sql: Sql, { enrolled, policies }: KnownBox, findings: Findings): Promise<void> {
  const rows = await sql.all<{ digest: Uint8Array; number: number; appliance: string; audit_key: Uint8Array }>(
    "SELECT digest, number, appliance, audit_key FROM box_policies WHERE box = ?",
    enrolled.box,
  );
  for (const row of rows) {
    const held = policies.inForce(hex(row.digest));
    const key = held && (await nodeHost.digest("sha256", held.policy.keys.audit));
    const same =
      held && key && held.number === row.number && held.policy.appliance === row.appliance && equal(key, row.audit_key);
    findings.check(same === true, `policy ${row.number} of ${row.appliance}`, "its row is not what its file says");
  }
  findings.check(rows.length === policies.size, `box ${enrolled.genesis}`, "a policy was taken away, or put there");
}

async function checkContinuity(sql: Sql, { enrolled, orders }: KnownBox, findings: Findings): Promise<void> {
  const told = orders.continuityOf(enrolled.genesis);
  const rows = await recordsOf(sql, enrolled.box);
  for (const row of rows) {
    const held = told.find(({ digest }) => digest === row.digest);
    const same =
      held &&
      held.next === row.next &&
      held.last === row.last &&
      JSON.stringify(held.missing) === JSON.stringify(row.missing);
    findings.check(same === true, `continuity record ${row.digest}`, "its row is not what its file says");
  }
  findings.check(
    rows.length === told.length,
    `box ${enrolled.genesis}`,
    "a continuity record was taken away, or put there",
  );
}

async function checkRevoked(sql: Sql, { enrolled, policies }: KnownBox, findings: Findings): Promise<void> {
  const rows = await sql.all<{ digest: Uint8Array; file: Uint8Array }>(
    "SELECT digest, file FROM revoked_keys WHERE box = ?",
    enrolled.box,
  );
  for (const { digest, file } of rows) {
    const where = `order ${hex(digest)} of box ${enrolled.genesis.slice(0, 16)}`;
    await findings.attemptRows(where, async () => {
      const order = await readRevokedKey(policies, enrolled.arc, await wholeEvidence(sql, file));
      findings.check(order.digest === hex(digest), where, "its row is not what its file says");
    });
  }
}

async function checkOthers(
  sql: Sql,
  { enrolled }: KnownBox,
  boxes: readonly KnownBox[],
  findings: Findings,
): Promise<number> {
  const rows = await sql.all<{
    record: number;
    type: string;
    digest: Uint8Array;
    file: Uint8Array;
    created: string;
    about: string;
    entry: number;
  }>(
    "SELECT record, type, digest, file, created, about, entry FROM box_records WHERE box = ? ORDER BY record",
    enrolled.box,
  );
  for (const row of rows) {
    const where = `${row.type}, record ${row.record}`;
    await findings.attemptRows(where, async () => {
      const type = otherTypes.find((one) => one === row.type);
      if (!type) return findings.add(where, "its type was changed");
      const held = await checkOther(type, await wholeEvidence(sql, row.file), boxes);
      if (held === "practised") return findings.add(where, "it is of a practice run");
      const vouched = type !== "custody" || (await isVouchedFor(sql, held));
      findings.check(vouched, where, "no transcript that is here vouches for it");
      const same =
        held.digest === hex(row.digest) && held.created === row.created && JSON.stringify(held.about) === row.about;
      findings.check(same, where, "its row is not what its file says");
      const { appliance, digest } = held;
      await checkEntry(
        sql,
        row.entry,
        { appliance, digest, genesis: enrolled.genesis, type, version: 1 },
        where,
        findings,
      );
    });
  }
  return rows.length;
}

/** Those that hold. */
async function checkDecisions(sql: Sql, known: KnownBox, findings: Findings): Promise<readonly DecisionRecord[]> {
  const { box } = known.enrolled;
  const rows = await sql.all<{
    number: number;
    keep: Uint8Array | null;
    digest: Uint8Array;
    file: Uint8Array;
    reason: string;
    entry: number;
  }>("SELECT number, keep, digest, file, reason, entry FROM decisions WHERE box = ?", box);
  const held: DecisionRecord[] = [];
  for (const row of rows) {
    const where = `the decision about number ${row.number}`;
    await findings.attemptRows(where, async () => {
      const { digest, record } = await signedDecision(known, [await wholeEvidence(sql, row.file)]);
      held.push(record);
      const { appliance, genesis, keep, number, reason } = record;
      const same =
        digest === hex(row.digest) &&
        number === row.number &&
        reason === row.reason &&
        keep === (row.keep && hex(row.keep));
      findings.check(same, where, "its row is not what its file says");
      await checkEntry(
        sql,
        row.entry,
        { appliance, digest, genesis, number, type: "decision", version: 1 },
        where,
        findings,
      );
    });
  }
  return held;
}

async function checkEntry(
  sql: Sql,
  index: number,
  record: LogRecord,
  where: string,
  findings: Findings,
): Promise<void> {
  const entry = await sql.get<{ record: string }>("SELECT record FROM entries WHERE idx = ?", index);
  findings.check(entry?.record === fromUtf8(recordBytes(record)), where, `entry ${index} of the log is not its`);
}

function sameCell(stored: Cell | undefined, expected: Cell): boolean {
  if (stored instanceof Uint8Array && expected instanceof Uint8Array) return equal(stored, expected);
  return stored === expected;
}
