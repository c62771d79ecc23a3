/** What goes to and comes from the sticks on request: export of a batch, export of manifests, import. */

import { count, size } from "../host/terminal/amounts.ts";
import { wrapped } from "../host/terminal/table.ts";
import { shown, shownText } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { Sitting } from "./ports.ts";

/** Writes the answer to a batch to the outgoing media again, or to a folder. */
export async function exportBatch(sitting: Sitting, batch: string, to: string | undefined): Promise<void> {
  const progress = sitting.output.progress();
  progress.show(`writing the answer to ${shown(batch)}, then reading it back`);
  try {
    const { files, bytes, missing = 0, number = null, path } = await sitting.daemon.export(batch, to);
    progress.end();
    const place = `${shown(path)} of ${to === undefined ? "the stick" : shown(to)}`;
    if (files === 0) sitting.output.say(`Nothing was written: another answer stands at ${place}.`);
    else {
      sitting.output.say(
        `Exported ${count(files, "file")}, ${size(bytes)}, to ${place}.`,
        checkedText(number !== null),
      );
      if (missing > 0) sitting.output.say(...wrapped(missingText(missing)));
    }
    sitting.output.document({ bytes, files, missing, number, path });
  } finally {
    progress.end();
  }
}

/** Contents of plain envelopes are kept until the batch was released, not longer. */
function missingText(missing: number): string {
  return `${count(missing, "document")} of the batch ${missing === 1 ? "is" : "are"} not in it: the box keeps contents only until a batch was released. The seals are whole.`;
}

/** A bundle the daemon verifies after reading it back; a refusal is only compared with what was written. */
function checkedText(sealed: boolean): string {
  const checked = sealed
    ? "Everything was written, read back and verified."
    : "Everything was written, read back and compared; there is no manifest in it to verify.";
  return `${checked} You may remove the stick now.`;
}

/** Writes every manifest that the keeper has not acknowledged to the keeper's stick, or to a folder. */
export async function exportAudit(sitting: Sitting, to: string | undefined): Promise<void> {
  const { numbers, path } = await sitting.daemon.exportAudit(to);
  sitting.output.say(
    numbers.length === 0
      ? "Nothing to export: no manifest waits for the keeper's acknowledgement."
      : `Exported ${count(numbers.length, "manifest")} (${ranges(numbers)}) to ${shown(path)} of ${to === undefined ? "the keeper's stick" : shown(to)}. You may remove the stick now.`,
  );
  sitting.output.document({ numbers, path });
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

/** Takes in what lies in control/in of the stick. Refuses with the first refusal, after all that could be taken was taken; MEDIA-LIMIT where more lies there than one import looks at. */
export async function importControl(sitting: Sitting): Promise<void> {
  const { imported, left = null, refused } = await sitting.daemon.import();
  if (imported.length + refused.length === 0) sitting.output.say("Nothing lies in control/in of the stick.");
  for (const { file, kind, number } of imported) {
    sitting.output.say(`taken    ${shownText(file)}: ${shown(kind)}${number === undefined ? "" : ` number ${number}`}`);
  }
  for (const { file, refusal } of refused) {
    const { code, expected, got, message } = refusal;
    const more =
      expected === undefined
        ? ""
        : ` (expected ${shownText(expected)}${got === undefined ? "" : `, got ${shownText(got)}`})`;
    sitting.output.say(...wrapped(`refused  ${shownText(file)}: ${code}, ${shownText(message)}${more}`));
  }
  sitting.output.document({
    ...(left === null ? {} : { left }),
    imported: imported.map(({ file, kind, number }) => ({ file, kind, number: number ?? null })),
    refused: refused.map(({ file, refusal }) => ({ file, refusal: { ...refusal } })),
  });
  if (left !== null) sitting.output.say(...wrapped(left));
  const [first] = refused;
  if (!first && left === null) return;
  if (imported.length > 0)
    sitting.consequence = `${count(imported.length, "file")} taken in, ${refused.length} refused`;
  if (first) throw Refusal.fromRecord(first.refusal);
  throw new Refusal("MEDIA-LIMIT", "not all of control/in was looked at", {
    expected: "no more files than one import looks at",
    got: left ?? "",
  });
}
