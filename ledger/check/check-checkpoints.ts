/** What is kept of checkpoints and acknowledgements, against itself: each row must say what its note, line or file says. Roots are held against the tree with those that are published. */

import { nodeHost } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { concat, equal } from "../../manifests/encoding/bytes.ts";
import { readAcknowledgement } from "../../manifests/log/acknowledgement.ts";
import { readCheckpoint } from "../../manifests/log/checkpoint.ts";
import { checkNote, readNote, readSignatureLines } from "../../manifests/log/note.ts";
import { readVerifierKey } from "../../manifests/log/verifier-key.ts";
import { verifyAllSigners } from "../../manifests/records/authorization.ts";
import { inOneLine, Refusal } from "../../manifests/refusal.ts";
import { evidencePieces } from "../boxes/evidence.ts";
import type { Sql } from "../store/database.ts";
import type { ShownCheckpoint } from "./check-ledger.ts";
import type { Findings } from "./findings.ts";

/** The least that any certificate of a ledger has: policies may ask for more. */
const minimumRsaBits = 2048;

/** The notes that are kept, for their signatures and roots. Refuses STORE; whatever differs is a finding. */
export async function keptCheckpoints(sql: Sql, findings: Findings): Promise<readonly ShownCheckpoint[]> {
  const rows = await sql.all<{ size: number; root: Uint8Array; note: Uint8Array }>(
    "SELECT size, root, note FROM checkpoints ORDER BY size",
  );
  for (const { note, root, size } of rows) {
    const where = `kept checkpoint ${size}`;
    await found(where, findings, async () => {
      const read = readCheckpoint(note);
      findings.check(read.size === size && equal(read.root, root), where, "its row says another tree than its note");
    });
  }
  return rows.map(({ note, size }) => ({ where: `kept checkpoint ${size}`, note }));
}

/** Every cosignature, and every acknowledgement that was made. Refuses STORE; whatever differs is a finding. */
export async function checkKept(sql: Sql, findings: Findings): Promise<void> {
  const lines = await sql.all<{ size: number; witness: string; line: string; note: Uint8Array }>(
    "SELECT s.size, s.witness, s.line, c.note FROM cosignatures s JOIN checkpoints c ON c.size = s.size ORDER BY s.size",
  );
  for (const { line, note, size, witness } of lines) {
    const where = `cosignature of checkpoint ${size}`;
    await found(where, findings, async () => {
      const key = await readVerifierKey(nodeHost, witness, "cosignature/v1");
      const signers = await checkNote(nodeHost, { text: readNote(note).text, signatures: readSignatureLines(line) }, [
        key,
      ]);
      findings.check(signers.length === 1, where, `it is not ${key.name}'s`);
    });
  }
  const made = await sql.all<MadeRow>(
    `SELECT a.acknowledgement, a.number, a.size, a.reported, a.file, b.genesis FROM acknowledgements a
      JOIN boxes b ON b.box = a.box ORDER BY a.acknowledgement`,
  );
  for (const row of made) await checkMade(sql, row, findings);
}

interface MadeRow {
  readonly acknowledgement: number;
  readonly number: number;
  readonly size: number;
  readonly reported: number;
  readonly file: Uint8Array;
  readonly genesis: string;
}

async function checkMade(sql: Sql, row: MadeRow, findings: Findings): Promise<void> {
  const where = `acknowledgement ${row.acknowledgement}`;
  await found(where, findings, async () => {
    const pieces: Uint8Array[] = [];
    for await (const piece of evidencePieces(sql, row.file)) pieces.push(piece);
    const data = readSignedData(concat(pieces));
    await verifyAllSigners(nodeHost, data, minimumRsaBits);
    const { acknowledged, checkpoint, genesis, number } = readAcknowledgement(data.content ?? new Uint8Array(0));
    const { size } = readCheckpoint(checkpoint);
    const lowest = acknowledged[0]?.number ?? row.reported + 1;
    const same = genesis === row.genesis && number === row.number && size === row.size && lowest > row.reported;
    findings.check(same, where, "its row says something else than its file");
  });
}

async function found(where: string, findings: Findings, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    findings.add(where, inOneLine(fault.toRecord()));
  }
}
