import { ok } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { BatchRow } from "../../../appliance/client/batch-row.ts";
import { daemonClient } from "../../../appliance/client/daemon-client.ts";
import { startBox } from "../../../demo/launcher.ts";
import { approve, asOperator, succeeded, unlock } from "../../../demo/people.ts";
import { untilRow } from "../../e2e/whole-box.ts";
import { seeded } from "../../promises/dying-process.ts";
import type { GuestBox, StickBatch } from "../guest-box.ts";
import { loggedDisk } from "../machine.ts";
import { moment, replay } from "../replay-log.ts";
import type { Scenario, Stage } from "../scenario.ts";
import { holdTold } from "./power-cut.ts";

/** What people were told, and how long the disk's log was when they were. */
interface Told {
  readonly at: number;
  readonly row: BatchRow;
}

/** Moments between two that were told, beside those themselves. */
const between = 4;

export const lostCache: Scenario = {
  name: "lost-cache",
  holds:
    "the power goes, and the disk loses what it only held, at many moments of a batch: what was told before is there, it is sealed once and comes to its answer",
  async run(stage) {
    const { guest } = stage;
    const batch = await guest.stickWith(stage.work, "cache", { "a.txt": "one", "b.txt": "two", "c.txt": "three" });
    const log = join(stage.work, "writes");
    const told = await recorded(stage, batch, log);
    const random = seeded(1);
    let points = 0;
    let lostInAll = 0;
    for (const [nth, { at }] of told.entries()) {
      const next = told[nth + 1]?.at ?? at;
      const moments = [at, ...Array.from({ length: next > at ? between : 0 }, () => at + random() * (next - at))];
      for (const until of moments) {
        for (const lose of [() => true, () => random() < 0.5]) {
          const disk = join(stage.work, "replayed");
          const lost = replay(guest.disk, log, until, disk, lose);
          const known = told.filter((one) => one.at <= until).map(({ row }) => row);
          await goesOn(guest, batch, disk, known).catch((fault) => {
            const where = `cut at ${Math.floor(until)} of the log, ${lost} writes lost`;
            throw new Error(`${where}, after ${known.at(-1)?.state ?? "nothing"} was told`, { cause: fault });
          });
          points++;
          lostInAll += lost;
        }
      }
    }
    ok(lostInAll > 0, "no write was lost: nothing was tried");
    return points;
  },
};

/** A batch from plugging to release in the virtual machine, with each write of its disk in `log`. */
async function recorded(stage: Stage, batch: StickBatch, log: string): Promise<readonly Told[]> {
  const { guest, work } = stage;
  const disk = join(work, "written");
  copyFileSync(guest.disk, disk);
  execFileSync("truncate", ["-s", "0", log]);
  const box = await stage.goOnWith(loggedDisk(disk, log));
  const told: Told[] = [];
  const tell = async (...states: Parameters<GuestBox["untilState"]>[2][]) => {
    const row = await guest.untilState(box, batch.name, ...states);
    told.push({ at: moment(log), row });
  };
  await box.plug("S1", batch.image);
  await tell("waiting-for-approval");
  const [first, second] = guest.operators;
  await guest.approveAs(box, first, batch.slip);
  await tell("waiting-for-approval");
  await guest.approveAs(box, second, batch.slip);
  await tell("sealing", "exporting", "released");
  await tell("released");
  await box.cut();
  return told;
}

/** The disk's box goes on, as processes of this machine: it has its state, and the rest of its batch's way before it. */
async function goesOn(guest: GuestBox, batch: StickBatch, disk: string, known: readonly BatchRow[]): Promise<void> {
  const { paths } = guest;
  takeState(guest, disk);
  rmSync(join(paths.stick, "coldseal"), { recursive: true });
  cpSync(batch.folder, join(paths.stick, "coldseal"), { recursive: true });
  const box = await startBox(paths.dir);
  try {
    succeeded(await unlock(paths), "unlock");
    const daemon = daemonClient(box.settings.sockets[0] ?? "");
    const come = (...states: readonly BatchRow["state"][]) =>
      untilRow(daemon, batch.name, ({ state }) => states.includes(state), states.join(" or "));
    const row = await come("waiting-for-approval", "sealing", "exporting", "released");
    for (const before of known) holdTold(before, row);
    for (const one of guest.operators) {
      if (row.state !== "waiting-for-approval") break;
      if (row.approvals.some(({ person }) => person === one.person)) continue;
      succeeded(await approve(one, batch.slip), "approve");
    }
    const end = await come("released");
    for (const before of known) holdTold(before, end);
    // Released before: the answer stands on the stick of then.
    if (!known.some(({ state }) => state === "released")) {
      await guest.holdBundle(join(paths.stick, "coldseal/outbox", batch.name), batch, "folder");
    }
    const first = guest.operators[0];
    succeeded(await asOperator(first, ["verify-journal"]), "verify-journal");
  } finally {
    await box.stop();
  }
}

/** State, spool and token as they stand on the disk, once its file system has repaired itself as at any start. */
function takeState({ paths: { box } }: GuestBox, disk: string): void {
  // Its journal is played back; more is not to be repaired, or fsync was not kept to.
  execFileSync("e2fsck", ["-p", "-E", "journal_only", disk], { stdio: "ignore" });
  const out = `${disk}.files`;
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out);
  execFileSync("debugfs", ["-R", `rdump /var/lib/coldseal ${out}`, disk], { stdio: "ignore" });
  for (const [from, to] of [
    ["signer", box.state],
    ["spool", box.spool],
  ] as const) {
    rmSync(to, { recursive: true, force: true });
    cpSync(join(out, "coldseal", from), to, { recursive: true });
  }
  rmSync(join(box.folder, "tokens"), { recursive: true });
  cpSync(join(box.state, "tokens"), join(box.folder, "tokens"), { recursive: true });
}
