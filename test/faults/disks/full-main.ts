/**
 * `full-main.ts`: the box's disks (the signer's store, the spool, the stick) are file systems of their own and each is filled to the last byte at each step of a batch; then there
 * is room again. Prints by disk and step what people were told and what broke, as JSON. Whoever started it removes TMPDIR.
 */

import { join } from "node:path";
import { pause } from "../../promises/real-daemon.ts";
import { SmallDisk } from "./disk.ts";
import { DiskLife, type Step } from "./disk-life.ts";

/** Milliseconds that the disk stays full. */
const full = 3_000;

const life = await DiskLife.make();
const { signer, daemon } = life.box;
const found: Record<string, { told: readonly string[]; end: unknown; broken: unknown }> = {};
try {
  await life.stop();
  const folders = { store: join(signer.folder, "state"), spool: daemon.spool, stick: daemon.stick };
  const disks = Object.entries(folders).map(([name, folder]) => [name, new SmallDisk(folder, 32)] as const);
  await life.box.keep();
  for (const [name, disk] of disks) {
    for (const step of ["plugged", "accepted", "approved-once", "approved", "sealed"] as readonly Step[]) {
      await life.box.rest();
      const told = new Set<string>();
      if (step === "plugged" && name !== "stick") disk.fill();
      const batch = await life.until(step);
      disk.fill();
      if (step === "sealed") life.writable();
      for (const end = Date.now() + full; Date.now() < end; await pause(80)) {
        const row = await batch.look();
        for (const [code] of row?.waiting.matchAll(/\b[A-Z]+(-[A-Z]+)*(?=[:)])/g) ?? []) told.add(code);
      }
      disk.empty();
      const broken = await life.end(batch);
      found[`${name} ${step}`] = { told: [...told], end: batch.end ?? null, broken };
    }
  }
  process.stdout.write(`${JSON.stringify(found)}\n`);
} finally {
  await life.box.daemon.remove();
  await life.box.signer.end("SIGKILL");
}
