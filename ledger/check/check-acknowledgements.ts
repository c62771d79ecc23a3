/** What is kept of acknowledgements, against itself: each row must say what its file says, which one key signed. What the files hold is `checkBoxes`' matter. */

import { nodeHost } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { readAcknowledgement } from "../../manifests/log/acknowledgement.ts";
import { readCheckpoint } from "../../manifests/log/checkpoint.ts";
import { verifyAllSigners } from "../../manifests/records/authorization.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import { reportedTo } from "../acknowledge/box-standing.ts";
import { linked } from "../boxes/chain-rows.ts";
import { type EnrolledBox, enrolledBoxes, numberOf } from "../boxes/enrolled.ts";
import { wholeEvidence } from "../boxes/evidence.ts";
import type { Sql } from "../store/database.ts";
import type { Findings } from "./findings.ts";

/** The least that any certificate of a ledger has: policies may ask for more. */
const minimumRsaBits = 2048;

/** Every acknowledgement that was made, and that what boxes took is here. Refuses STORE; whatever differs is a finding. */
export async function checkAcknowledgements(sql: Sql, origin: string, findings: Findings): Promise<void> {
  const made = await sql.all<MadeRow>(
    `SELECT a.acknowledgement, a.number, a.size, a.reported, a.file, b.genesis FROM acknowledgements a
      JOIN boxes b ON b.box = a.box ORDER BY a.acknowledgement`,
  );
  for (const row of made) await checkMade(sql, row, findings);
  for (const box of await enrolledBoxes(sql)) await checkTaken(sql, box, origin, findings);
}

/** What a box in its chain says that it took of this log was made here, and kept before it was handed over. */
async function checkTaken(sql: Sql, enrolled: EnrolledBox, origin: string, findings: Findings): Promise<void> {
  const { box } = enrolled;
  const made = await sql.all<{ size: number }>("SELECT DISTINCT size FROM acknowledgements WHERE box = ?", box);
  const known = new Set(made.map(({ size }) => size));
  for (let after = 0; ; ) {
    const rows = await sql.all<{ number: number; content: Uint8Array }>(
      `SELECT l.number, m.content FROM chain_links l JOIN box_manifests m ON m.manifest = l.manifest
        WHERE l.box = ? AND ${linked} AND l.number > ? ORDER BY l.number LIMIT 100`,
      box,
      after,
    );
    for (const { content, number } of rows) {
      const where = numberOf(enrolled, number);
      await findings.attempt(where, async () => {
        const { size } = await reportedTo(sql, enrolled, origin, readManifest(content));
        if (size === 0 || known.has(size)) return;
        // Once: those after it say the same.
        known.add(size);
        findings.add(where, `says that the box took an acknowledgement under ${size} entries, which is not here`);
      });
    }
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.number;
  }
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
  await findings.attempt(where, async () => {
    const data = readSignedData(await wholeEvidence(sql, row.file));
    await verifyAllSigners(nodeHost, data, minimumRsaBits);
    const { acknowledged, checkpoint, genesis, number } = readAcknowledgement(data.content ?? new Uint8Array(0));
    const { size } = readCheckpoint(checkpoint);
    const lowest = acknowledged[0]?.number ?? row.reported + 1;
    const same = genesis === row.genesis && number === row.number && size === row.size && lowest > row.reported;
    findings.check(same, where, "its row says something else than its file");
  });
}
