/** The machine that every scenario starts from: booted once from its package, unlocked, and saved. Kept below .cache/vm by what it is made of. */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BoxPaths } from "../../ceremony/provision/layout.ts";
import { GuestBox } from "./guest-box.ts";
import { cache, type Image } from "./image.ts";
import { rawDisk, VirtualBox } from "./machine.ts";

/** A saved machine's time stands still; a box refuses a clock that is set on by much. */
const hoursKept = 6;

export async function savedBox(image: Image, say: (line: string) => void): Promise<GuestBox> {
  const own = ["guest-box.ts", "machine.ts", "saved-box.ts"];
  const of = createHash("sha256").update(image.root).update(image.kernel);
  for (const name of own) of.update(readFileSync(join(import.meta.dirname, name)));
  const dir = join(cache, `box-${of.digest("hex").slice(0, 12)}`);
  const ready = join(dir, "paths.json");
  if (existsSync(ready) && Date.now() - statSync(ready).mtimeMs < hoursKept * 3_600_000) {
    return new GuestBox(dir, JSON.parse(readFileSync(ready, "utf8")) as BoxPaths);
  }
  for (const old of readdirSync(cache).filter((name) => name.startsWith("box-"))) {
    rmSync(join(cache, old), { recursive: true, force: true });
  }
  mkdirSync(dir);
  say("a box is provisioned, installed, booted, unlocked and saved");
  const guest = await GuestBox.make(image, dir);
  const box = await VirtualBox.boot(image, { disk: rawDisk(guest.disk) });
  try {
    await guest.unlock(box);
    await box.save(guest.saved);
  } finally {
    await box.cut();
  }
  writeFileSync(`${ready}.new`, JSON.stringify(guest.paths));
  renameSync(`${ready}.new`, ready);
  return guest;
}
