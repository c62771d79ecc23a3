/** What people do with a running box that came to be by ceremonies: batches from the desk to the outbox. */

import { mkdirSync, readFileSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { RowState } from "../../appliance/client/batch-row.ts";
import { daemonClient } from "../../appliance/client/daemon-client.ts";
import type { OperatorPaths } from "../../ceremony/provision/layout.ts";
import { Rehearsal } from "../../ceremony/rehearse/rehearsal.ts";
import { type RehearsedBox, rehearsedBox } from "../../ceremony/rehearse/rehearsed-box.ts";
import { startBox } from "../../demo/launcher.ts";
import { approve, submit, succeeded, unlockByShares } from "../../demo/people.ts";
import { type Ran, runCommand } from "../../demo/run-command.ts";
import type { Slip } from "../../desk/slip.ts";

export class RehearsedDay {
  readonly made: RehearsedBox;

  constructor(made: RehearsedBox) {
    this.made = made;
  }

  /** Waits until the batch of a folder is in one of the states. */
  async until(folder: string, ...states: readonly RowState[]): Promise<void> {
    const { socket } = JSON.parse(readFileSync(this.made.paths.box.daemonJson, "utf8")) as { socket: string };
    let last = "nothing";
    for (const deadline = Date.now() + 60_000; Date.now() < deadline; await setTimeout(100)) {
      const rows = await daemonClient(socket)
        .list(true)
        .catch(() => []);
      const row = rows.findLast((one) => one.folder === folder);
      if (row && states.includes(row.state)) return;
      last = JSON.stringify(row);
    }
    throw new Error(`${folder} did not come to ${states.join(" or ")}: ${last}`);
  }

  /** `more`: options of `coldseal batch create`. */
  async bring(
    folder: string,
    documents: Readonly<Record<string, string | Uint8Array>>,
    more: readonly string[] = [],
  ): Promise<Slip> {
    const source = join(this.made.paths.dir, "documents", folder);
    mkdirSync(source, { recursive: true });
    for (const [name, content] of Object.entries(documents)) await writeFile(join(source, name), content);
    return submit(this.made.paths, [source], ["--batch", folder, ...more]);
  }

  /** Two operators approve what waits in a folder; released on return. */
  async approved(slip: Slip): Promise<void> {
    await this.until(slip.folder, "waiting-for-approval");
    const [op1, op2] = this.made.paths.operators as [OperatorPaths, OperatorPaths];
    for (const one of [op1, op2]) succeeded(await approve(one, slip), "approve");
    await this.until(slip.folder, "released");
  }

  /** Brought, approved and released. */
  async sealed(folder: string, documents: Readonly<Record<string, string | Uint8Array>>): Promise<Slip> {
    const slip = await this.bring(folder, documents);
    await this.approved(slip);
    return slip;
  }

  outbox(folder: string): string {
    return join(this.made.paths.stick, "coldseal/outbox", folder);
  }

  verify(folder: string, ...more: readonly string[]): Promise<Ran> {
    const { paths } = this.made;
    const trusted = ["--ca", paths.pki.root, "--genesis", paths.genesis];
    return runCommand("desk/main.ts", ["--json", "verify", this.outbox(folder), ...trusted, ...more]);
  }
}

/** A running, unlocked box in a folder of its own, on which ceremonies can be held. Whoever asked stops the box and removes the folder. */
export async function beginDay(name: string) {
  const dir = await mkdtemp(join(tmpdir(), `coldseal-${name}-`));
  const silent = { say: () => undefined };
  const times = { settleSeconds: 1, scanSeconds: 1, incompleteSeconds: 60 };
  const made = await rehearsedBox(dir, { profile: "ecdsa-p256-sha256", ...times }, silent);
  const rehearsal = new Rehearsal(made, silent);
  const box = await startBox(dir, { restart: true });
  succeeded(await unlockByShares(made, ["op1", "op2"]), "unlock");
  return { box, day: new RehearsedDay(made), dir, made, rehearsal };
}
