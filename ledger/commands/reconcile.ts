/** Wires `coldseal ledger reconcile`. */

import { number as amount, count } from "../../host/terminal/amounts.ts";
import { tableLines } from "../../host/terminal/table.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { shown } from "../../manifests/records/names.ts";
import { openLedger } from "../ledger-folder.ts";
import type { KeyCount } from "../reconcile/against-signer.ts";
import type { Line } from "../reconcile/books.ts";
import { hsmLogLimit, readHsmLog } from "../reconcile/hsm-log.ts";
import { type Reconciled, reconcileFolders } from "../reconcile/reconcile.ts";
import { journalLimit, readSignerJournal } from "../reconcile/signer-journal.ts";
import { give } from "./asked.ts";
import { fileBytes } from "./file-bytes.ts";

export interface ReconcileOptions {
  readonly desk?: readonly string[];
  readonly hsmLog?: string;
  readonly journal?: string;
  readonly json?: boolean;
}

/** Exit status 1 where something is unexplained. Refuses USAGE, JSON, SHAPE, CHAIN, LEDGER-BOX, MEDIA-*, STORE. */
export async function runReconcile(folder: string, box: string | undefined, options: ReconcileOptions): Promise<void> {
  const journal =
    options.journal === undefined ? undefined : readSignerJournal(fileBytes(options.journal, journalLimit));
  const hsm = options.hsmLog === undefined ? undefined : readHsmLog(fileBytes(options.hsmLog, hsmLogLimit));
  const ledger = await openLedger(folder);
  let answer: Reconciled;
  try {
    answer = await reconcileFolders(ledger.db, box, { folders: options.desk, hsm, journal }, () => utcOf(Date.now()));
  } finally {
    ledger.close();
  }
  give(options.json, answer, () => lines(answer));
  if (answer.unexplained.length > 0) process.exitCode = 1;
}

function lines({ against, boxes, desk, explained, unexplained }: Reconciled): readonly string[] {
  if (boxes.length === 0) return ["no box is enrolled: `coldseal ledger enrol`"];
  const nothingElse = against.journal === null && against.hsm === null && desk === null;
  const columns = [
    { title: "box", shrinks: true },
    { title: "key" },
    { title: "mode" },
    { title: "manifests", align: "right" },
    { title: "seals", align: "right" },
    { title: "signer counted", align: "right" },
    { title: "HSM counted", align: "right" },
  ] as const;
  const rows = boxes.flatMap(({ appliance, genesis, keys }) =>
    keys.map((one) => [
      appliance === null ? genesis.slice(0, 16) : shown(appliance),
      one.key.slice(0, 16),
      one.modes.join(", "),
      amount(one.manifests),
      amount(one.seals),
      signerWords(one),
      hsmWords(one),
    ]),
  );
  return [
    ...(rows.length > 0 ? tableLines(columns, rows, 120) : ["no manifest is here"]),
    ...(against.journal === null
      ? ["NOT HELD AGAINST the signer's journal: none was named (--journal)"]
      : [`signer's journal: ${against.journal}`]),
    ...(against.hsm === null
      ? ["NOT HELD AGAINST the HSM: no count of its own was named (--hsm-log)"]
      : [`HSM: ${shown(against.hsm)}`]),
    ...(desk === null
      ? ["NOT HELD AGAINST a desk: no folder was named (--desk)"]
      : [
          `desk: ${count(desk.documents, "document")}, ${amount(desk.sealedDocuments)} of them sealed; ${count(desk.seals, "seal")}, ${amount(desk.knownSeals)} of them in a manifest`,
        ]),
    ...(unexplained.length > 0
      ? [`UNEXPLAINED: ${unexplained.length}`, ...unexplained.map(asText)]
      : [nothingElse ? "nothing was held against the manifests" : "everything is explained"]),
    ...(explained.length > 0 ? ["Explained:", ...explained.map(asText)] : []),
  ];
}

function signerWords({ signer }: KeyCount): string {
  if (!signer) return "";
  return signer.least === signer.most ? amount(signer.least) : `${amount(signer.least)} to ${amount(signer.most)}`;
}

function hsmWords({ hsm }: KeyCount): string {
  if (!hsm) return "";
  return hsm.explained === 0
    ? amount(hsm.signatures)
    : `${amount(hsm.signatures)} (${amount(hsm.explained)} explained)`;
}

function asText({ box, file, text }: Line): string {
  const where = file === null ? (box === null ? "" : `box ${box.slice(0, 16)}: `) : `${shown(file)}: `;
  return `  ${where}${shown(text)}`;
}
