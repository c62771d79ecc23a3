/** Wires `coldseal ledger decide`: writes what two keepers are to sign, or takes what they signed. */

import { existsSync, readFileSync } from "node:fs";
import { writeDurable } from "../../host/durable.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { goOn, type Taken } from "../boxes/chain-manifest.ts";
import { decisionAbout, settleBy } from "../boxes/decide.ts";
import { decisionRecordBytes, signedDecision } from "../boxes/decision-record.ts";
import { boxNamed } from "../boxes/enrolled.ts";
import { knownBoxes } from "../boxes/known-box.ts";
import { appendAs } from "../ingest/ingest-into.ts";
import { type Ledger, openLedger } from "../ledger-folder.ts";
import { takeOver } from "../log/tree-head.ts";
import { give } from "./asked.ts";
import { numberIn } from "./list.ts";

export interface DecideOptions {
  readonly keep?: string;
  readonly reason?: string;
  readonly to?: string;
  readonly signed?: readonly string[];
  readonly json?: boolean;
}

export async function runDecide(folder: string, box: string, which: string, options: DecideOptions): Promise<void> {
  const number = numberIn(which);
  const ledger = await openLedger(folder);
  try {
    if (options.signed) await take(ledger, box, number, options);
    else await write(ledger, box, number, options);
  } finally {
    ledger.close();
  }
}

const now = () => utcOf(Date.now());

/** Refuses USAGE, LEDGER-BOX, LEDGER-FORK. */
async function write(
  { db }: Ledger,
  box: string,
  number: number,
  { json, keep, reason, to }: DecideOptions,
): Promise<void> {
  if (reason === undefined || to === undefined || keep === undefined || !/^(?:none|[0-9a-f]{64})$/.test(keep)) {
    throw new Refusal("USAGE", "what is decided, why, and where it is written to must be said", {
      expected: "--keep DIGEST (or none) --reason TEXT --to FILE, or --signed FILE FILE",
      got: keep === undefined || reason === undefined || to === undefined ? "not all of them" : `--keep ${keep}`,
    });
  }
  const { enrolled, record } = await db.reading(async (sql) => {
    const found = await boxNamed(sql, box);
    const wanted = { keep: keep === "none" ? null : keep, number, reason };
    return { enrolled: found, record: await decisionAbout(sql, found, wanted, now()) };
  });
  if (existsSync(to))
    throw new Refusal("USAGE", "a file is never overwritten", { expected: "a new name after --to", got: to });
  await writeDurable(to, decisionRecordBytes(record), { mode: 0o644 });
  const { arc, keepers } = enrolled;
  const type = ownOids(arc).ledgerDecision;
  give(json, { decision: record, file: to, eContentType: type }, () => [
    `written to ${shown(to)}: number ${number}, ${record.keep === null ? "none of those that are here stays" : `${record.keep} stays`}`,
    ...record.lose.map((digest) => `  lost for ever: ${digest}`),
    `Two of the ${keepers.length} keepers sign it, each into a file of its own:`,
    `  openssl cms -sign -binary -nodetach -cades -nosmimecap -md sha256 -econtent_type ${type} -outform DER \\`,
    `    -in ${shown(to)} -signer KEEPER.pem -inkey KEEPER.key -out KEEPER.p7m`,
    `  coldseal ledger decide FOLDER ${shown(box)} ${number} --signed KEEPER.p7m OTHER.p7m`,
  ]);
}

/** Refuses as `signedDecision` and `settleBy`. */
async function take({ db }: Ledger, box: string, number: number, { json, signed = [] }: DecideOptions): Promise<void> {
  const { genesis } = await db.reading((sql) => boxNamed(sql, box));
  const boxes = await db.reading((sql) => knownBoxes(sql, now()));
  const known = boxes.find(({ enrolled }) => enrolled.genesis === genesis);
  if (!known) throw new Refusal("INTERNAL", "an enrolled box is not known");
  const decision = await signedDecision(known, signed.map(fileIn));
  if (decision.record.number !== number) {
    const got = `number ${decision.record.number}`;
    throw new Refusal("LEDGER-FORK", "the decision is about another number", { expected: `number ${number}`, got });
  }
  const append = appendAs(await takeOver(db));
  const settled = await db.writing((sql) => settleBy(sql, append, known, decision, now()));
  const after: Taken[] = [];
  for (;;) {
    const taken = await db.writing((sql) => goOn(sql, append, known, now()));
    if (!taken) break;
    after.push(taken);
  }
  give(json, { decision: decision.record, ...settled, after }, () => [
    settled.fresh
      ? `decided: number ${number}; entry ${settled.entry} of the log`
      : `decided before (entry ${settled.entry}): nothing changed`,
    ...after.map(
      (one) => `manifest ${one.number}: ${one.kind === "chained" ? `in the log, entry ${one.entry}` : one.kind}`,
    ),
  ]);
}

/** Refuses USAGE. */
function fileIn(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw new Refusal("USAGE", "a signed decision cannot be read", { expected: "a file", got: path, cause });
  }
}
