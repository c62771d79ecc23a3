/** The commands about the box itself: unlock, lock, export, import, journal, verify-journal. */

import { count, number, size } from "../host/terminal/amounts.ts";
import { readSecret } from "../host/terminal/secret-descriptor.ts";
import { wrapped } from "../host/terminal/table.ts";
import { fromUtf8 } from "../manifests/encoding/bytes.ts";
import type { Json } from "../manifests/encoding/canonical-json.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import { asList, asNumber, asText, members } from "./batch-row.ts";
import type { Sitting } from "./ports.ts";

/** Takes the box's PIN at the prompt (or on the descriptor) straight to the signer. Says what the unlocking proved. */
export async function unlock(sitting: Sitting): Promise<void> {
  const before = members((await sitting.signer("status", {})).result);
  if (before.locked === false) {
    sitting.output.say("The box is unlocked already. Nothing was changed.");
    sitting.output.document({ locked: false, changed: false });
    return;
  }
  const answer = members(await withBoxPin(sitting, before));
  const head = asText(answer.head) ?? "?";
  const record =
    head === "agrees" ? "the record agrees with the head on the token" : `head on the token: ${shown(head)}`;
  sitting.output.say(sitting.output.style.good("Unlocked."), `The token answered; ${record}.`);
  sitting.output.say("Next: batches with a full quorum are sealed now. See: ceremony list");
  sitting.output.document({ locked: false, changed: true, ...answer });
}

/** Asks until the PIN is right or the signer makes people wait; only the first try comes from a descriptor. */
async function withBoxPin(sitting: Sitting, status: { readonly [name: string]: Json }): Promise<Json> {
  const { pinDescriptor, prompter, output } = sitting;
  if (pinDescriptor !== undefined) return sendPin(sitting, readSecret(pinDescriptor));
  const serial = asText(members(status.token).serial);
  const box = `the box ${shown(asText(status.appliance) ?? "?")} (token serial ${shown(serial ?? "?")})`;
  for (let left = prompter.interactive ? 3 : 1; ; left--) {
    const failures = asNumber(members(members((await sitting.signer("status", {})).result).pin).failures) ?? 0;
    const note = failures > 0 ? `, ${count(failures, "wrong try", "wrong tries")} before` : "";
    const pin = await prompter.secret(`Type the PIN of ${box}${note}; it goes to the signer only: `);
    try {
      return await sendPin(sitting, pin);
    } catch (fault) {
      if (!(fault instanceof Refusal) || fault.code !== "PIN-WRONG" || left <= 1) throw fault;
      output.say(...wrapped(`${shown(fault.message)}. The box stays locked. Type the PIN again, slowly.`));
    }
  }
}

async function sendPin(sitting: Sitting, pin: Uint8Array): Promise<Json> {
  try {
    return (await sitting.signer("unlock", {}, { body: pin })).result;
  } finally {
    pin.fill(0);
  }
}

/** Logs the signer out of its token. */
export async function lock(sitting: Sitting): Promise<void> {
  await sitting.signer("lock", {});
  sitting.output.say("Locked. The box takes approvals, and seals nothing until it is unlocked again.");
  sitting.output.document({ locked: true });
}

/** Writes the answer to a batch to the outgoing media again, or to a folder. */
export async function exportBatch(sitting: Sitting, batch: string, to: string | undefined): Promise<void> {
  const progress = sitting.output.progress();
  const onProgress = (value: Json) => progress.show(exportProgress(value));
  try {
    const params = to === undefined ? { batch } : { batch, to };
    const answer = members((await sitting.daemon("export", params, { onProgress })).result);
    progress.end();
    const [files, bytes] = [asNumber(answer.files) ?? 0, asNumber(answer.bytes) ?? 0];
    sitting.output.say(
      `Exported ${count(files, "file")}, ${size(bytes)}, to ${shown(asText(answer.path) ?? "?")}.`,
      "Everything was written, read back and verified. You may remove the stick now.",
    );
    sitting.output.document({ ...answer });
  } finally {
    progress.end();
  }
}

function exportProgress(value: Json): string {
  const one = members(value);
  const [files, of] = [asNumber(one.files) ?? asNumber(one.documents), asNumber(one.of)];
  return files === null || of === null
    ? "writing and reading back"
    : `writing ${number(files)} of ${count(of, "file")}`;
}

/** Writes every manifest that the keeper has not acknowledged to the keeper's stick, or to a folder. */
export async function exportAudit(sitting: Sitting, to: string | undefined): Promise<void> {
  const answer = members((await sitting.daemon("export-audit", to === undefined ? {} : { to })).result);
  const numbers = asList(answer.numbers).map((one) => asNumber(one) ?? 0);
  const path = shown(asText(answer.path) ?? "?");
  sitting.output.say(
    numbers.length === 0
      ? "Nothing to export: the keeper has acknowledged every manifest."
      : `Exported ${count(numbers.length, "manifest")} (${ranges(numbers)}) to ${path}. You may remove the stick now.`,
  );
  sitting.output.document({ ...answer });
}

/** `1-4, 7` */
export function ranges(numbers: readonly number[]): string {
  const out: [number, number][] = [];
  for (const one of [...numbers].sort((a, b) => a - b)) {
    const last = out.at(-1);
    if (last && one === last[1] + 1) last[1] = one;
    else out.push([one, one]);
  }
  return out.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(", ");
}

/** Takes in what lies in control/in of the stick. Refuses with the first refusal when nothing could be taken. */
export async function importControl(sitting: Sitting): Promise<void> {
  const answer = members((await sitting.daemon("import", {})).result);
  const [imported, refused] = [asList(answer.imported).map(members), asList(answer.refused).map(members)];
  if (imported.length + refused.length === 0) sitting.output.say("Nothing lies in control/in of the stick.");
  for (const one of imported) {
    const numbered = asNumber(one.number) === null ? "" : ` number ${asNumber(one.number)}`;
    sitting.output.say(`taken    ${shown(asText(one.file) ?? "?")}: ${shown(asText(one.kind) ?? "?")}${numbered}`);
  }
  for (const one of refused) {
    const why = members(one.refusal);
    const text = `${asText(why.code) ?? "?"}, ${asText(why.message) ?? ""}`;
    sitting.output.say(`refused  ${shown(asText(one.file) ?? "?")}: ${shown(text)}`);
  }
  sitting.output.document({ ...answer });
  const [first] = refused;
  if (first && imported.length === 0) {
    const record = members(first.refusal);
    throw Refusal.fromRecord({ code: asText(record.code) ?? "INTERNAL", message: asText(record.message) ?? "refused" });
  }
}

/** Prints journal rows, one a line. */
export async function journal(sitting: Sitting, from: number, limit: number): Promise<void> {
  const { body } = await sitting.signer("journal", { from, limit });
  const rows = fromUtf8(body)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => members(JSON.parse(line) as Json));
  sitting.output.say(...(rows.length === 0 ? ["No rows there."] : rows.map(journalLine)));
  sitting.output.document({ rows });
}

/** `   12  2026-11-23 12:04:11Z  manifest       number 3, outcome "sealed"` */
export function journalLine(row: { readonly [name: string]: Json }): string {
  const time = (asText(row.time) ?? "?").replace("T", " ");
  const kind = asText(row.kind) ?? "?";
  const record = typeof row.record === "string" ? (JSON.parse(row.record) as Json) : row.record;
  const facts = Object.entries(members(record)).map(([name, value]) => `${shown(name)} ${factText(value)}`);
  return `${String(asNumber(row.sequence) ?? "?").padStart(6)}  ${shown(time)}  ${shown(kind).padEnd(13)} ${facts.join(", ")}`;
}

/** Digests are cut to what the eye can hold; `--json` gives them whole. */
function factText(value: Json): string {
  if (typeof value === "string") return /^[0-9a-f]{64,}$/.test(value) ? `${value.slice(0, 16)}…` : shown(value);
  return shown(JSON.stringify(value));
}

/** Has the signer check every row of its journal and its manifests. Refuses with CHAIN, naming the first wrong row. */
export async function verifyJournal(sitting: Sitting): Promise<void> {
  const answer = members((await sitting.signer("verify-journal", {})).result);
  const rows = asNumber(answer.rows) ?? 0;
  const manifests = asNumber(answer.manifests) ?? 0;
  sitting.output.say(
    sitting.output.style.good(`The journal holds: ${count(rows, "row")}, ${count(manifests, "manifest")}.`),
    `Head, SHA-256: ${shown(asText(answer.head) ?? "?")}`,
  );
  sitting.output.document({ ...answer });
}
