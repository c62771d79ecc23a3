/**
 * `power-cut-main.ts honest|lying STEP`: the power goes when a batch has come to that step, with all that the box's disk was not told to sync; `lying`: since the batch was
 * plugged the disk only said that it synced. The token and the stick are other disks, and keep what they have. Prints what came of it as JSON. Whoever started it removes TMPDIR.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../appliance/signer/test-box.ts";
import { pause } from "../../promises/real-daemon.ts";
import { LoopDisk } from "./disk.ts";
import { DiskLife, type Step } from "./disk-life.ts";

const [, , disk = "", step = ""] = process.argv;
const life = await DiskLife.make();
const { signer, daemon } = life.box;
try {
  const folder = join(signer.folder, "power");
  mkdirSync(folder);
  await life.end(await life.until("released"));
  await life.stop();
  const loop = new LoopDisk(folder);
  for (const place of [join(signer.folder, "state"), daemon.spool]) loop.takeOver(place);
  if (disk === "lying") life.disk.lie();
  await life.box.rest();
  const batch = await life.until(step as Step);
  await life.stop();
  loop.cut();
  life.disk.tellTruth();
  if (step === "sealed") life.writable();
  await signer.start();
  const unlocked = await codeOf(signer.unlock());
  // With what was acknowledged gone, people give their approvals again.
  batch.mayExpire = disk === "lying";
  let broken: unknown;
  let shown = "";
  if (unlocked === "none") broken = await life.end(batch);
  else {
    // Nothing more is sealed, however often people try.
    await daemon.start();
    for (let tries = 0; tries < 20; tries++) {
      shown = (await batch.look())?.waiting ?? "";
      await pause(100);
    }
    const { locked } = (await signer.call("status")).result;
    broken = locked ? [] : [["CHAIN", "the box is unlocked"]];
  }
  process.stdout.write(`${JSON.stringify({ unlocked, broken, shown, end: batch.end ?? null })}\n`);
} finally {
  await life.box.daemon.remove();
  await life.box.signer.end("SIGKILL");
}
