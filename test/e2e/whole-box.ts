/** A whole box for the end-to-end tests: provisioned, started, unlocked, driven through its command lines. */

import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { BatchRow, RowState } from "../../appliance/client/batch-row.ts";
import { daemonClient } from "../../appliance/client/daemon-client.ts";
import type { BoxPaths } from "../../ceremony/provision/layout.ts";
import { type ProvisionOptions, provision } from "../../ceremony/provision/provision.ts";
import { type Box, startBox } from "../../demo/launcher.ts";
import { submit, succeeded, unlock } from "../../demo/people.ts";
import { type Ran, runCommand } from "../../demo/run-command.ts";
import type { Slip } from "../../desk/slip.ts";

export interface WholeBox {
  readonly paths: BoxPaths;
  readonly box: Box;
  readonly daemon: ReturnType<typeof daemonClient>;
  /** Makes documents and a batch of them on the stick. */
  bring(
    folder: string,
    documents: Readonly<Record<string, string | Uint8Array>>,
    args?: readonly string[],
  ): Promise<Slip>;
  /** Waits until the batch of a folder is in one of the states. */
  until(folder: string, ...states: readonly RowState[]): Promise<BatchRow>;
  /** Waits until the row of a folder is as wanted. */
  untilRow(folder: string, wanted: (row: BatchRow) => boolean): Promise<BatchRow>;
  verify(folder: string): Promise<Ran>;
  outbox(folder: string): string;
  inbox(folder: string): string;
  end(): Promise<void>;
}

/**
 * Restarts what dies, as units do. P-256 unless said, for speed. Patient with what a desk still copies, as a busy machine
 * takes seconds for it; a test that waits for a refusal of what is missing says less.
 */
export async function wholeBox(options: ProvisionOptions = {}): Promise<WholeBox> {
  const dir = mkdtempSync(join(tmpdir(), "coldseal-e2e-"));
  const usual = { profile: "ecdsa-p256-sha256", settleSeconds: 1, scanSeconds: 1, incompleteSeconds: 60 } as const;
  const paths = await provision(dir, { ...usual, ...options });
  const box = await startBox(dir, { restart: true });
  succeeded(await unlock(paths), "unlock");
  const { socket } = JSON.parse(await readFile(paths.box.daemonJson, "utf8")) as { socket: string };
  const daemon = daemonClient(socket);
  return {
    paths,
    box,
    daemon,
    bring: (folder, documents, args) => bring(paths, folder, documents, args),
    until: (folder, ...states) => untilRow(daemon, folder, (row) => states.includes(row.state), states.join(" or ")),
    untilRow: (folder, wanted) => untilRow(daemon, folder, wanted, "what was wanted"),
    verify: (folder) => verify(paths, folder),
    outbox: (folder) => join(paths.stick, "coldseal/outbox", folder),
    inbox: (folder) => join(paths.stick, "coldseal/inbox", folder),
    end: async () => {
      await box.stop();
      rmSync(paths.box.run, { recursive: true, force: true });
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function bring(
  paths: BoxPaths,
  folder: string,
  documents: Readonly<Record<string, string | Uint8Array>>,
  args: readonly string[] = [],
): Promise<Slip> {
  const source = join(paths.dir, "documents", folder);
  await mkdir(source, { recursive: true });
  for (const [name, content] of Object.entries(documents)) await writeFile(join(source, name), content);
  return submit(paths, [source], ["--batch", folder, ...args]);
}

/** The row of a folder, when it is as it is waited for. */
export async function untilRow(
  daemon: ReturnType<typeof daemonClient>,
  folder: string,
  wanted: (row: BatchRow) => boolean,
  what: string,
): Promise<BatchRow> {
  let last: BatchRow | undefined;
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const rows = await daemon.list(true).catch(() => []);
    last = rows.findLast((row) => row.folder === folder);
    if (last && wanted(last)) return last;
    await setTimeout(100);
  }
  throw new Error(`${folder} did not come to ${what}: ${JSON.stringify(last)}`);
}

function verify(paths: BoxPaths, folder: string): Promise<Ran> {
  const bundle = join(paths.stick, "coldseal/outbox", folder);
  return runCommand("desk/main.ts", ["verify", bundle, "--ca", paths.pki.root, "--genesis", paths.genesis]);
}
