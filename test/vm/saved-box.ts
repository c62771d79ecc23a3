/** The machine that every scenario starts from: booted once from its package, unlocked, and saved. Kept below .cache/vm by what it is made of. */

import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BoxPaths } from "../../ceremony/provision/layout.ts";
import { GuestBox } from "./guest-box.ts";
import type { Image } from "./image.ts";
import { digest, folderOf, forget } from "./kept.ts";
import { rawDisk, VirtualBox } from "./machine.ts";

/** A saved machine's time stands still; a box refuses a clock that is set on by much. */
const hoursKept = 6;

export async function savedBox(image: Image, say: (line: string) => void): Promise<GuestBox> {
  const own = ["guest-box.ts", "machine.ts", "saved-box.ts"].map((name) => join(import.meta.dirname, name));
  const dir = folderOf("box", [image.root, image.kernel, ...own.map((file) => digest(readFileSync(file)))].join(" "));
  const ready = join(dir, "paths.json");
  if (existsSync(ready) && Date.now() - statSync(ready).mtimeMs < hoursKept * 3_600_000) {
    return new GuestBox(dir, JSON.parse(readFileSync(ready, "utf8")) as BoxPaths);
  }
  // Its files name each other by their paths: it is made where it stays, and is whole when the last one is there.
  forget("box");
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
