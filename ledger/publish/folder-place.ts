/**
 * A folder as a place to publish in, meant to be a file system of its own. Files are written beside, synced and renamed to their names, so that none is ever
 * seen in part. `origin` in it names the log, and is there before anything else: a file system that is not mounted has none, and is not written to.
 */

import { closeSync } from "node:fs";
import { lstat, mkdtemp, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isTemporary, makeFolder, syncFile, syncFolder, writeDurable } from "../../host/durable.ts";
import { faultWords } from "../../host/fault-words.ts";
import { openFileIn, openFolderBelow, openRoot } from "../../host/no-follow.ts";
import { readWhole } from "../../host/read-file.ts";
import { equal, fromUtf8, utf8 } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { makeAppendOnly } from "./append-only.ts";
import { type AppendOnly, checkpointFile, type Place, type PublishedFile } from "./place.ts";

/** A bundle of 256 entries of 1 KiB, and more. */
const largestFile = 1 << 19;
const nameFile = "origin";
const staging = ".staging-";
/** milliseconds after which what stands in staging is nobody's */
const abandoned = 3_600_000;
/** Below it names are only added; the checkpoint and what is not finished stand beside. */
const kept = "tile";

/** Whether the folder can be made ready for this log, or is already; nothing is changed. Refuses STORE where it is another's, or holds something. */
export async function checkPlace(folder: string, origin: string): Promise<"ready" | "empty"> {
  const there = await namesThere(folder);
  if (there.includes(nameFile)) {
    await new FolderPlace(folder, origin, false).checkReady();
    return "ready";
  }
  if (there.every((name) => name === "lost+found")) return "empty";
  throw new Refusal("STORE", "the place to publish in is not empty", { expected: "an empty folder", about: folder });
}

async function namesThere(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new Refusal("STORE", `the place to publish in cannot be used: ${faultWords(fault)}`, {
      expected: "an empty folder",
      about: folder,
      cause: fault,
    });
  }
}

/** Makes the folder ready for one log, for ever. Refuses STORE where it is another's, or holds something. */
export async function makePlace(folder: string, origin: string): Promise<void> {
  await makeFolder(folder, 0o755);
  if ((await checkPlace(folder, origin)) === "ready") return;
  await writeDurable(join(folder, nameFile), utf8(`${origin}\n`), { mode: 0o644 });
}

export class FolderPlace implements Place {
  readonly name: string;
  readonly #origin: string;
  readonly #appendOnly: boolean;

  constructor(folder: string, origin: string, appendOnly: boolean) {
    this.name = folder;
    this.#origin = origin;
    this.#appendOnly = appendOnly;
  }

  async checkReady(): Promise<void> {
    const said = await this.#read(nameFile);
    if (said !== undefined && equal(said, utf8(`${this.#origin}\n`))) return;
    throw new Refusal("STORE", "a place to publish in is not there, or another log's", {
      expected: `a folder that was made for ${this.#origin}, with its file system mounted`,
      got: said === undefined ? "no file `origin` in it" : JSON.stringify(fromUtf8(said.subarray(0, 300)).trim()),
      about: this.name,
    });
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    await this.checkReady();
    return this.#read(path);
  }

  async keep(files: AsyncIterable<PublishedFile>): Promise<AppendOnly> {
    await this.checkReady();
    const paths: string[] = [];
    const folders = new Set<string>();
    await this.#stored(async () => {
      await this.#clearStaging();
      // One for each call: two processes may publish at once.
      const beside = await mkdtemp(join(this.name, staging));
      try {
        for await (const file of files) {
          const path = join(this.name, file.path);
          for (const folder of foldersOf(file.path)) folders.add(join(this.name, folder));
          if (!(await this.#isThere(file))) await this.#add(path, file.bytes, join(beside, `${paths.length}`));
          paths.push(path);
        }
      } finally {
        await rm(beside, { recursive: true, force: true });
      }
      for (const folder of folders) await syncFolder(folder);
    });
    return this.#appendOnly ? makeAppendOnly(paths, [...folders]) : "not asked for";
  }

  async putCheckpoint(bytes: Uint8Array): Promise<void> {
    await this.checkReady();
    await writeDurable(join(this.name, checkpointFile), bytes, { mode: 0o644 });
  }

  async *paths(): AsyncGenerator<string> {
    await this.checkReady();
    for (const [name, isFolder] of await this.#listed("")) {
      if (name === kept && isFolder) yield* this.#pathsBelow(kept);
      else if (!besides(name)) yield name;
    }
  }

  async *#pathsBelow(folder: string): AsyncGenerator<string> {
    for (const [name, isFolder] of await this.#listed(folder)) {
      if (isFolder) yield* this.#pathsBelow(`${folder}/${name}`);
      else yield `${folder}/${name}`;
    }
  }

  /** Names in a folder below, sorted, and which are folders themselves. */
  #listed(folder: string): Promise<readonly (readonly [string, boolean])[]> {
    return this.#stored(async () => {
      const entries = await readdir(join(this.name, folder), { withFileTypes: true });
      return entries.map((entry) => [entry.name, entry.isDirectory()] as const).sort(([a], [b]) => (a < b ? -1 : 1));
    });
  }

  /** Synced again, as a process that was killed may have left it unsynced. */
  async #isThere({ path, bytes }: PublishedFile): Promise<boolean> {
    const there = await this.#read(path);
    if (there === undefined) return false;
    if (!equal(there, bytes)) {
      throw new Refusal("LOG-RECORD", "what was published before is something else now", {
        expected: `the ${bytes.length} bytes that the store gives`,
        got: `${there.length} others`,
        about: join(this.name, path),
      });
    }
    await syncFile(join(this.name, path));
    return true;
  }

  /** What killed processes left an hour ago or more. */
  async #clearStaging(): Promise<void> {
    for (const name of (await readdir(this.name)).filter((one) => one.startsWith(staging))) {
      const path = join(this.name, name);
      const stat = await lstat(path).catch(() => undefined);
      if (stat && stat.mtimeMs < Date.now() - abandoned) await rm(path, { recursive: true, force: true });
    }
  }

  async #add(path: string, bytes: Uint8Array, temporary: string): Promise<void> {
    const file = await open(temporary, "wx", 0o644);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await makeFolder(dirname(path), 0o755);
    await rename(temporary, path);
  }

  /** No link is followed below the place. */
  #read(path: string): Promise<Uint8Array | undefined> {
    return this.#stored(async () => {
      const names = path.split("/");
      const root = openRoot(this.name);
      try {
        const folder = openFolderBelow(root, names.slice(0, -1));
        if (folder === undefined) return undefined;
        try {
          const file = openFileIn(folder, names.at(-1) as string, "any links");
          if (file === undefined) return undefined;
          const bytes = readWhole(file, largestFile);
          if (bytes !== undefined) return bytes.slice();
          throw new Refusal("LOG-RECORD", "a published file is longer than any can be", { about: path });
        } finally {
          closeSync(folder);
        }
      } finally {
        closeSync(root);
      }
    });
  }

  /** Faults of the system, and what no-follow says of sticks, are STORE here. */
  async #stored<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (fault) {
      if (fault instanceof Refusal && !fault.code.startsWith("MEDIA-")) throw fault;
      const why = fault instanceof Refusal ? fault.message : faultWords(fault);
      throw new Refusal("STORE", `a place to publish in cannot be used: ${why}`, { about: this.name, cause: fault });
    }
  }
}

/** What a place may have beside its tiles: what was not finished is cleared later. */
function besides(name: string): boolean {
  return [nameFile, checkpointFile, "lost+found"].includes(name) || name.startsWith(staging) || isTemporary(name);
}

/** `tile/0/x001/067` → `tile`, `tile/0`, `tile/0/x001`. */
function foldersOf(path: string): readonly string[] {
  const names = path.split("/");
  return names.slice(1).map((_, at) => names.slice(0, at + 1).join("/"));
}
