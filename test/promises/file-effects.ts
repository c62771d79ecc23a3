/** Every change of a file or folder below a watched folder as an effect, whatever code of this process makes it. Import it before the product. */

import childProcess from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join, relative } from "node:path";
import type { Effects } from "./effects.ts";

const watched = new Map<string, Effects>();

/** Files below `folder` are effects from now on, but not in a stick's inbox, where only people write. */
export function watchFolder(folder: string, effects: Effects): void {
  watched.set(`${fs.realpathSync(folder)}/`, effects);
}

const { readlinkSync } = fs;
const promises = fs.promises as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
const plain = fs as unknown as Record<string, (...args: unknown[]) => unknown>;

/** The path itself where it goes through a descriptor. */
function realPath(path: unknown): string {
  if (typeof path === "number") return linked(`/proc/self/fd/${path}`);
  const through = /^(\/proc\/self\/fd\/\d+)(\/.*)?$/.exec(String(path));
  return through ? join(linked(through[1] as string), through[2] ?? "") : String(path);
}

function linked(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return path;
  }
}

function found(path: unknown): { readonly effects: Effects; readonly what: string } | undefined {
  const real = realPath(path);
  if (real.includes("/coldseal/inbox/")) return undefined;
  for (const [folder, effects] of watched) {
    if (real.startsWith(folder) || `${real}/` === folder) return { effects, what: named(relative(folder, real)) };
  }
  return undefined;
}

/** The same name for the same thing in every run. */
function named(path: string): string {
  return path.replace(/[0-9a-f]{16,64}/g, "#").replace(/partial-[0-9a-f]{8}/, "partial");
}

function fault(code: "ENOSPC" | "EIO"): () => Error {
  return () => Object.assign(new Error(`${code}: injected`), { code });
}

function isWrite(flags: unknown): boolean {
  if (typeof flags === "number")
    return (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT)) !== 0;
  return typeof flags === "string" && flags !== "r";
}

type Code = "ENOSPC" | "EIO";

/** What was opened and given to nobody. */
function closed(opened: unknown): unknown {
  if (typeof opened === "number") return fs.closeSync(opened);
  return opened instanceof Object && "close" in opened ? (opened as fs.promises.FileHandle).close() : undefined;
}

function watchPromise(name: string, code: Code, counts: (args: unknown[]) => boolean = () => true): void {
  const act = promises[name] as (...args: unknown[]) => Promise<unknown>;
  promises[name] = async (...args) => {
    const at = counts(args) ? found(args[0]) : undefined;
    if (!at) return act.apply(promises, args);
    return at.effects.around(`${name} ${at.what}`, () => act.apply(promises, args), fault(code), closed);
  };
}

function watchSync(name: string, code: Code, counts: (args: unknown[]) => boolean = () => true): void {
  const act = plain[name] as (...args: unknown[]) => unknown;
  plain[name] = (...args) => {
    const at = counts(args) ? found(args[0]) : undefined;
    if (!at) return act.apply(fs, args);
    return at.effects.aroundSync(
      `${name} ${at.what}`,
      () => act.apply(fs, args),
      fault(code),
      name === "openSync" ? closed : undefined,
    );
  };
}

const creates = ([, flags]: unknown[]) => isWrite(flags);
watchPromise("open", "ENOSPC", creates);
for (const name of ["mkdir"]) watchPromise(name, "ENOSPC");
for (const name of ["rename", "rm"]) watchPromise(name, "EIO");
watchSync("openSync", "ENOSPC", creates);
for (const name of ["mkdirSync", "writeSync"]) watchSync(name, "ENOSPC");

/** A function of a descriptor that answers by a callback; `promisify` takes it as it takes the first one. */
function watchCallback(name: "fsync" | "write", code: Code): void {
  const act = plain[name] as (...args: unknown[]) => void;
  const watching = (...args: unknown[]) => {
    const at = found(args[0]);
    if (!at) return act.apply(fs, args);
    const answer = args.at(-1) as (fault: unknown, ...results: unknown[]) => void;
    const done = () =>
      new Promise<unknown[]>((good, bad) =>
        act.apply(fs, [
          ...args.slice(0, -1),
          (error: unknown, ...results: unknown[]) => (error ? bad(error) : good(results)),
        ]),
      );
    at.effects.around(`${name} ${at.what}`, done, fault(code)).then((results) => answer(null, ...results), answer);
  };
  plain[name] = Object.defineProperties(watching, Object.getOwnPropertyDescriptors(act));
}

watchCallback("fsync", "EIO");
watchCallback("write", "ENOSPC");

const { spawn } = childProcess;
childProcess.spawn = ((file: string, args: readonly string[], options: childProcess.SpawnOptions) => {
  const stdio = Array.isArray(options?.stdio) ? options.stdio : [];
  const at = file === "sync" ? found(stdio[3]) : undefined;
  // A whole file system at once: not done or done, it fails as one.
  if (at) at.effects.aroundSync(`syncfs ${at.what}`, () => undefined, fault("EIO"));
  return spawn(file, args, options);
}) as typeof spawn;

const handle = await fs.promises.open(import.meta.filename, "r");
const file = Object.getPrototypeOf(handle) as Record<
  "write" | "sync",
  (this: fs.promises.FileHandle, ...args: unknown[]) => Promise<unknown>
>;
await handle.close();
for (const [name, code] of [
  ["write", "ENOSPC"],
  ["sync", "EIO"],
] as const) {
  const act = file[name];
  file[name] = async function (...args) {
    const at = found(this.fd);
    return at
      ? at.effects.around(`${name} ${at.what}`, () => act.apply(this, args), fault(code))
      : act.apply(this, args);
  };
}

syncBuiltinESMExports();
