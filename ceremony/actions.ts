/** Every command of the program as an action within a sitting. */

import { resolve } from "node:path";
import type { Command } from "commander";
import { endStates } from "../appliance/client/batch-row.ts";
import { approve } from "./approve.ts";
import { exportAudit, exportBatch, importControl } from "./carry.ts";
import { completionScript, type Shell } from "./completion.ts";
import { dissent } from "./dissent.ts";
import { journal, verifyJournal } from "./journal.ts";
import { list, rowJson, status } from "./look.ts";
import type { Output, Sitting } from "./ports.ts";
import type { Actions } from "./program.ts";
import { show } from "./show.ts";
import { suspend } from "./suspend.ts";
import { lock, unlock } from "./unlock.ts";
import { watchBatch } from "./watch.ts";

/**
 * `within` opens a sitting of one person for one action and closes it afterwards; `alone` needs nobody's settings; `program` is asked
 * for its words by completion.
 */
export function actionsOf(
  within: (act: (sitting: Sitting) => Promise<void>) => Promise<void>,
  alone: (act: (ceremonies: typeof import("./ceremonies.ts"), output: Output) => Promise<void>) => Promise<void>,
  program: () => Command,
  write: (text: string) => void,
): Actions {
  return {
    status: () => within(status),
    list: (all) => within((sitting) => list(sitting, all)),
    show: (batch, documents) => within((sitting) => show(sitting, batch, documents)),
    watch: (batch) => within(async (sitting) => sitting.output.document(rowJson(await watchBatch(sitting, batch)))),
    approve: (batches, watch) => within((sitting) => approve(sitting, batches, { watch })),
    reject: (batch, reason) => within((sitting) => dissent(sitting, "rejection", batch, reason)),
    withdraw: (batch, reason) => within((sitting) => dissent(sitting, "withdrawal", batch, reason)),
    abort: (batch, reason) => within((sitting) => dissent(sitting, "abort", batch, reason)),
    unlock: (shares) =>
      within(async (sitting) => {
        if (shares.length === 0) return unlock(sitting);
        const { unlockByShares } = await import("./unlock-by-shares.ts");
        return unlockByShares(sitting, shares);
      }),
    checkShares: (files) =>
      within(async (sitting) => {
        const { checkShares } = await import("./unlock-by-shares.ts");
        return checkShares(sitting, files);
      }),
    lock: () => within(lock),
    suspend: (reason) => within((sitting) => suspend(sitting, reason)),
    exportBatch: (batch, to) => within((sitting) => exportBatch(sitting, batch, absolute(to))),
    exportAudit: (to) => within((sitting) => exportAudit(sitting, absolute(to))),
    import: () => within(importControl),
    journal: (from, limit) => within((sitting) => journal(sitting, from, limit)),
    verifyJournal: () => within(verifyJournal),
    script: (file, options) => alone(({ showScript }, output) => showScript(output, file, options)),
    ready: (file, printer) => alone(({ showReadiness }, output) => showReadiness(output, file, printer)),
    dryRun: (file, options) => alone(({ dryRun }, output) => dryRun(output, file, options)),
    hold: (file) => alone(({ holdCeremony }, output) => holdCeremony(output, file)),
    abandon: (file) => alone(({ abandonCeremony }, output) => abandonCeremony(output, file)),
    record: (path, options) => alone(({ showRecord }, output) => showRecord(output, path, options)),
    batchRecord: (folder, options) =>
      alone(async (_, output) => {
        const { showBatchRecord } = await import("./batch-record.ts");
        return showBatchRecord(output, folder, options);
      }),
    custodySheet: (path, options) =>
      alone(async (_, output) => {
        const { showCustodySheet } = await import("./custody-sheet.ts");
        return showCustodySheet(output, path, options);
      }),
    rehearse: (out, name) => alone(({ rehearse }, output) => rehearse(output, out, name)),
    enrolDevice: (options) =>
      alone(async (_, output) => {
        const { enrolThisDevice } = await import("./device/enrol-device.ts");
        return enrolThisDevice(output, options);
      }),
    completion: (shell) => write(completionScript(program(), shell as Shell, invocation())),
    batchNames: () => within((sitting) => batchNames(sitting, write)),
  };
}

/** A folder as the daemon must be told it, which works elsewhere. */
function absolute(to: string | undefined): string | undefined {
  return to === undefined ? undefined : resolve(to);
}

/** How this program was started, so that a completion script can ask it for names. */
function invocation(): string[] {
  return [process.execPath, process.argv[1] ?? ""];
}

async function batchNames(sitting: Sitting, write: (text: string) => void): Promise<void> {
  const rows = await sitting.daemon.list();
  write(
    `${rows
      .filter((row) => !endStates.includes(row.state))
      .map((row) => row.folder)
      .join("\n")}\n`,
  );
}
