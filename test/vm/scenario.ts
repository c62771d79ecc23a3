/** What is tried in the virtual box, each from the same saved machine: unlocked, with nothing plugged in. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GuestBox } from "./guest-box.ts";
import type { Image } from "./image.ts";
import { type Disk, overlay, VirtualBox } from "./machine.ts";

export interface Scenario {
  readonly name: string;
  /** what holds, in words */
  readonly holds: string;
  /** belongs to the quick form */
  readonly quick?: true;
  /** Throws where it does not hold. Gives how many points it tried, where it is more than one. */
  run(stage: Stage): Promise<number | undefined>;
}

export class Stage {
  readonly image: Image;
  readonly guest: GuestBox;
  /** of this scenario, for sticks and what is read back */
  readonly work: string;
  readonly #boxes: VirtualBox[] = [];

  constructor(image: Image, guest: GuestBox) {
    this.image = image;
    this.guest = guest;
    this.work = mkdtempSync(join(tmpdir(), "coldseal-vm-work-"));
  }

  /** A folder of its own for a part of the scenario. */
  folder(): string {
    return mkdtempSync(join(this.work, "part-"));
  }

  /** The saved machine goes on, on a disk of its own. */
  async goOn(): Promise<VirtualBox> {
    return this.goOnWith(overlay(join(this.folder(), "overlay"), this.guest.disk));
  }

  /** The saved machine goes on, on this disk. */
  async goOnWith(disk: Disk): Promise<VirtualBox> {
    return this.#keep(await VirtualBox.boot(this.image, { disk, saved: this.guest.saved }));
  }

  /** A machine boots from this disk, as after a power cut, and is unlocked. */
  async bootAgain(disk: Disk): Promise<VirtualBox> {
    const box = this.#keep(await VirtualBox.boot(this.image, { disk }));
    await this.guest.unlock(box);
    return box;
  }

  /** A machine is ended with the stage, where it was not before. */
  #keep(box: VirtualBox): VirtualBox {
    this.#boxes.push(box);
    return box;
  }

  async end(): Promise<void> {
    for (const box of this.#boxes) await box.cut();
    rmSync(this.work, { recursive: true, force: true });
  }
}
