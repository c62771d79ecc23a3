/**
 * Placing whole folders on a stick: written under a name nobody takes for an answer, synced, renamed into place,
 * synced, opened again and compared. A crash leaves `.partial-…` behind, which the next placement removes; so only one
 * placement at a time may go on in one folder.
 */

import { randomBytes } from "node:crypto";
import { closeSync } from "node:fs";
import { rename } from "node:fs/promises";
import { syncFileSystem, syncFolder, syncTree } from "../../host/durable.ts";
import { entryPath, makeFolderIn, namesIn, openFolderBelow, openFolderIn, openRoot } from "../../host/no-follow.ts";
import { removeTree } from "../../host/remove-tree.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { deviceOf, onMedia } from "./faults.ts";
import { type FromTo, isNew, moveBack, moveFiles } from "./growing-folder.ts";
import { makeBelow } from "./parent-folder.ts";
import { lookAt, type Placement, type PlacementJob, type Target, taken } from "./placement-target.ts";
import { checkSignal, receiveFiles } from "./receiving.ts";
import { difference, GivenFiles, Incoming, WrittenFolders } from "./written-files.ts";

/**
 * Places the folders of a stream of files. On return they are durable as far as the stick is honest, and were read
 * back from the same device. Repeating it with the same files changes nothing. Refuses with MEDIA-TAKEN, MEDIA-FULL,
 * MEDIA-WRITE, MEDIA-NAME, MEDIA-KIND (a link where a folder belongs), CHECKED-OUT (read back otherwise, or from
 * another device), STOPPED; then nothing new stands under its final name, unless the stick went away meanwhile.
 */
export async function place(job: PlacementJob): Promise<Placement> {
  const device = await deviceOf(job.root).catch((cause) => {
    throw new Refusal("MEDIA-WRITE", "the stick is not there", { about: job.root, cause });
  });
  const work = new Placing(job, device);
  try {
    await work.prepare();
    await work.receive();
    await work.sync();
    await work.moveIntoPlace();
    await work.checkOut();
    return work.result();
  } finally {
    await work.close();
  }
}

const leftover = /^\.partial-[0-9a-z-]+$/;

class Placing {
  readonly #job: PlacementJob;
  readonly #device: string;
  readonly #id = randomBytes(4).toString("hex");
  readonly #targets = new Map<string, Target>();
  #parent = -1;
  #partial = -1;
  #written = new WrittenFolders(-1);

  constructor(job: PlacementJob, device: string) {
    this.#job = job;
    this.#device = device;
  }

  async prepare(): Promise<void> {
    await this.#media(async () => {
      this.#parent = makeBelow(this.#job.root, this.#job.parent);
      await this.#removeLeftovers();
      this.#partial = makeFolderIn(this.#parent, this.#partialName);
    });
    this.#written = new WrittenFolders(this.#partial);
  }

  async receive(): Promise<void> {
    await receiveFiles(
      this.#job.files,
      (names) => this.#media(() => this.#open(this.#target(names[0] as string), names)),
      async (file, names) => {
        this.#target(names[0] as string).given.add(await file.finish());
      },
      this.#job.signal,
    );
  }

  /** What is already there may come from a write that was cut off before its own sync. */
  async sync(): Promise<void> {
    await this.#media(async () => {
      if (this.#some("kept") || this.#some("grows")) await syncFileSystem(`/proc/self/fd/${this.#parent}`);
      if (this.#some("nothing") || this.#some("old")) await syncTree(`/proc/self/fd/${this.#partial}`);
    });
  }

  async moveIntoPlace(): Promise<void> {
    await this.#checkKept();
    try {
      await this.#media(() => this.#renameAll());
    } catch (fault) {
      await this.#takeBack();
      throw fault;
    }
  }

  /** CHECKED-OUT: opens everything again from the root's path and compares device and bytes. */
  async checkOut(): Promise<void> {
    try {
      if ((await deviceOf(this.#job.root)) !== this.#device) throw new Refusal("CHECKED-OUT", "the stick was changed");
      const top = openRoot(this.#job.root);
      try {
        for (const target of this.#targets.values()) if (target.moved) await this.#compare(top, target);
      } finally {
        closeSync(top);
      }
    } catch (fault) {
      await this.#takeBack();
      if (fault instanceof Refusal && fault.code === "CHECKED-OUT") throw fault;
      throw new Refusal("CHECKED-OUT", "what was written could not be read again", { cause: fault });
    }
  }

  result(): Placement {
    const folders = [...this.#targets.values()].map(({ folder, given }) => ({
      folder,
      files: given.length,
      bytes: given.bytes,
    }));
    return { folders, device: this.#device };
  }

  /** Removes the temporary folder, as far as the stick lets it. */
  async close(): Promise<void> {
    this.#written.close();
    if (this.#partial >= 0) closeSync(this.#partial);
    if (this.#parent < 0) return;
    await removeTree(entryPath(this.#parent, this.#partialName)).catch(() => undefined);
    await syncFolder(`/proc/self/fd/${this.#parent}`).catch(() => undefined);
    closeSync(this.#parent);
  }

  get #partialName(): string {
    return `.partial-${this.#id}`;
  }

  #oldPath(target: Target): string {
    return entryPath(this.#partial, `old-${target.folder}`);
  }

  #media<T>(work: () => Promise<T>): Promise<T> {
    return onMedia(this.#job.root, this.#device, work);
  }

  #some(there: Target["there"]): boolean {
    return [...this.#targets.values()].some((target) => target.there === there);
  }

  async #renameAll(): Promise<void> {
    if ((await deviceOf(this.#job.root)) !== this.#device) throw new Error("another device");
    for (const target of this.#targets.values()) {
      if (target.there === "kept") continue;
      checkSignal(this.#job.signal);
      if (target.there === "grows") {
        await this.#addAll(target);
        continue;
      }
      const path = entryPath(this.#parent, target.folder);
      if (target.there === "old") {
        // Noted first: a rename that fails may have been done.
        target.gaveWay = true;
        await rename(path, this.#oldPath(target));
      }
      await rename(entryPath(this.#partial, target.folder), path);
      target.moved = true;
    }
    await syncFolder(`/proc/self/fd/${this.#parent}`);
  }

  async #addAll(target: Target): Promise<void> {
    if (target.added.size === 0) return;
    target.moved = true;
    await moveFiles(this.#folders(target), target.added);
  }

  /** From where files are added to a folder that grows. */
  #folders({ folder }: Target): FromTo {
    return { from: [this.#partial, folder], to: [this.#parent, folder] };
  }

  async #removeLeftovers(): Promise<void> {
    for (const name of [...namesIn(this.#parent)].filter((one) => leftover.test(one))) {
      checkSignal(this.#job.signal);
      await removeTree(entryPath(this.#parent, name));
    }
  }

  #target(folder: string): Target {
    const known = this.#targets.get(folder);
    if (known) return known;
    const target: Target = {
      folder,
      there: lookAt(this.#parent, folder, this.#job),
      given: new GivenFiles(),
      added: new Set(),
      gaveWay: false,
      moved: false,
    };
    this.#targets.set(folder, target);
    return target;
  }

  async #open(target: Target, names: readonly string[]): Promise<Incoming> {
    const onMediaToo = <T>(work: () => Promise<T>) => this.#media(work);
    if (target.there === "kept") return Incoming.compared(names.slice(1));
    if (target.there === "grows" && !isNew(this.#parent, names, target.added)) return Incoming.compared(names.slice(1));
    try {
      return Incoming.created(this.#written.at(names.slice(0, -1)), names, onMediaToo);
    } catch (fault) {
      if ((fault as NodeJS.ErrnoException).code !== "EEXIST") throw fault;
      throw new Refusal("MEDIA-NAME", "two files of the answer have one name", { about: names.join("/") });
    }
  }

  /** What stood there before must be exactly what was given. */
  async #checkKept(): Promise<void> {
    for (const target of this.#targets.values()) {
      if (target.there !== "kept" && target.there !== "grows") continue;
      const opened = openFolderIn(this.#parent, target.folder);
      const other = opened === undefined ? "nothing" : await this.#differenceIn(opened, target, target.added);
      if (other !== undefined) throw taken(target.folder, other);
    }
  }

  async #compare(top: number, target: Target): Promise<void> {
    const opened = openFolderBelow(top, [...this.#job.parent, target.folder]);
    const other = opened === undefined ? target.folder : await this.#differenceIn(opened, target);
    if (other === undefined) return;
    throw new Refusal("CHECKED-OUT", "what was read back is not what was written", { about: other });
  }

  async #differenceIn(
    opened: number,
    { given, there }: Target,
    without: ReadonlySet<string> = new Set(),
  ): Promise<string | undefined> {
    try {
      return await difference(opened, given, { more: there === "grows", without });
    } finally {
      closeSync(opened);
    }
  }

  /** What is not surely there must not look like an answer; what gave way to it comes back. */
  async #takeBack(): Promise<void> {
    for (const target of this.#targets.values()) {
      if (target.there === "grows") {
        if (target.moved) await moveBack(this.#folders(target), target.added);
        continue;
      }
      const path = entryPath(this.#parent, target.folder);
      if (target.moved) {
        await rename(path, entryPath(this.#partial, `bad-${target.folder}`)).catch(() => undefined);
      }
      if (target.gaveWay) await rename(this.#oldPath(target), path).catch(() => undefined);
    }
  }
}
