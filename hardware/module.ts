/**
 * PKCS#11 modules: each is loaded once per process, after a child process has tried it, and initialised while someone
 * has it open. pkcs11js must not be loaded anywhere else: a second C_Initialize or an early C_Finalize would end the
 * sessions of everyone in the process.
 */

import { spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import pkcs11js from "pkcs11js";
import { Refusal } from "../manifests/refusal.ts";
import { returnValue, toRefusal } from "./faults.ts";
import { oneAtATime } from "./one-at-a-time.ts";

/** A module and what its environment must be. */
export interface ModulePlace {
  /** absolute path */
  readonly module: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A token's configuration: where its module is and which token is meant (RFC 7512, `serial` is required). */
export interface TokenConfig extends ModulePlace {
  readonly uri: string;
}

export interface Module {
  readonly place: ModulePlace;
  readonly library: pkcs11js.PKCS11;
  /** changes whenever all sessions of the process were lost by C_Finalize */
  readonly generation: number;
  /** Initialises again if someone ended the module meanwhile. Refuses with HSM-MODULE. */
  ensure(): void;
  /**
   * Ends and starts the module, which is how SoftHSM notices a token that came back. Does nothing and answers false while
   * someone else in this process has the module open, or a session is lent. Refuses with HSM-MODULE.
   */
  restart(): boolean;
  /** Keeps the module from being ended until the answer is called: another thread may be in the middle of a call. */
  hold(): () => void;
  /** C_Finalize when the last one closes and nothing holds it. Idempotent; never throws. */
  close(): void;
}

/** A module that was loaded; it stays loaded as long as the process. */
interface Loaded {
  readonly library: pkcs11js.PKCS11;
  place: ModulePlace;
  users: number;
  /** sessions that are lent now */
  held: number;
  generation: number;
  /** someone outside of this file had initialised it, so that it is not ours to end */
  foreign: boolean;
}

/** By real path: one file is one module, whatever it is called. */
const modules = new Map<string, Loaded>();

/**
 * Opens a module: sets its environment, has a child load it first, then loads and initialises it here. Refuses with
 * HSM-MODULE a path that is not absolute or not there, whatever the child did not survive, and a module that is open in
 * this process with another environment; with BUSY when other processes keep the lock. Blocks meanwhile (about 0.1 s).
 */
export function openModule(config: ModulePlace): Module {
  const place = { module: realPath(config.module), environment: { ...config.environment } };
  const held = modules.get(place.module);
  if (held && held.users > 0) checkSameEnvironment(held.place, place);
  else if (held) restoreEnvironment(held.place);
  const loaded = held?.users ? held : start(place, held);
  loaded.users++;
  return new OpenModule(loaded);
}

class OpenModule implements Module {
  readonly #loaded: Loaded;
  #open = true;

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
  }

  get place(): ModulePlace {
    return this.#loaded.place;
  }

  get library(): pkcs11js.PKCS11 {
    return this.#loaded.library;
  }

  get generation(): number {
    return this.#loaded.generation;
  }

  ensure(): void {
    try {
      this.#loaded.library.C_GetInfo();
    } catch (error) {
      if (returnValue(error)?.name !== "CKR_CRYPTOKI_NOT_INITIALIZED") throw toRefusal(error, "C_GetInfo");
      initialize(this.#loaded);
    }
  }

  restart(): boolean {
    if (this.#loaded.users > 1 || this.#loaded.held > 0) return false;
    finalize(this.#loaded);
    initialize(this.#loaded);
    return true;
  }

  hold(): () => void {
    this.#loaded.held++;
    return () => {
      this.#loaded.held--;
      finalizeUnused(this.#loaded);
    };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#loaded.users--;
    finalizeUnused(this.#loaded);
  }
}

function realPath(path: string): string {
  try {
    if (isAbsolute(path)) return realpathSync(path);
  } catch {
    // falls through to the refusal
  }
  throw new Refusal("HSM-MODULE", "the PKCS#11 module is not there", {
    expected: "an absolute path of a module",
    got: path,
  });
}

/** Under its environment, which is put back when the module does not start. */
function start(place: ModulePlace, held: Loaded | undefined): Loaded {
  setEnvironment(place);
  try {
    const loaded = held ?? load(place);
    loaded.place = place;
    initialize(loaded);
    return loaded;
  } catch (error) {
    restoreEnvironment(place);
    throw error;
  }
}

function load(place: ModulePlace): Loaded {
  oneAtATime(place, () => probe(place));
  const library = new pkcs11js.PKCS11();
  try {
    library.load(place.module);
  } catch (cause) {
    throw new Refusal("HSM-MODULE", "the PKCS#11 module cannot be loaded", { about: place.module, cause });
  }
  const loaded = { library, place, users: 0, held: 0, generation: 0, foreign: false };
  modules.set(place.module, loaded);
  return loaded;
}

const probeMain = fileURLToPath(new URL("./probe-main.ts", import.meta.url));

/** After a failed load the next call of the library is a segmentation fault, so a child goes first. */
function probe(place: ModulePlace): void {
  const child = spawnSync(process.execPath, [probeMain, place.module], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 30_000,
    killSignal: "SIGKILL",
  });
  if (child.status === 0) return;
  const died = child.signal ?? (child.stdout === "" ? `status ${child.status}` : undefined);
  const got = died ? `it ended its process with ${died}` : child.stdout.slice(0, 200);
  throw new Refusal("HSM-MODULE", `this is no PKCS#11 module that works here: ${place.module}`, {
    expected: "a PKCS#11 module that loads and initialises",
    got,
    about: place.module,
    cause: child.error,
  });
}

function initialize(loaded: Loaded): void {
  oneAtATime(loaded.place, () => {
    try {
      loaded.library.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
    } catch (error) {
      loaded.foreign = returnValue(error)?.name === "CKR_CRYPTOKI_ALREADY_INITIALIZED";
      if (loaded.foreign) return;
      const got = returnValue(error)?.name ?? "an error";
      throw new Refusal("HSM-MODULE", "the PKCS#11 module does not initialise", {
        expected: "a module whose environment is right",
        got,
        about: loaded.place.module,
        cause: error,
      });
    }
  });
  loaded.generation++;
}

function finalizeUnused(loaded: Loaded): void {
  if (loaded.users === 0 && loaded.held === 0) finalize(loaded);
}

function finalize(loaded: Loaded): void {
  if (loaded.foreign) return;
  try {
    loaded.library.C_Finalize();
  } catch {
    // it was ended already: that is what was wanted
  }
  loaded.generation++;
}

/** What the variables were before anyone opened a module here. */
const original = new Map<string, string | undefined>();

/** A C library reads the process's environment (getenv), which Node's `process.env` writes through to. */
function setEnvironment(place: ModulePlace): void {
  for (const [name, value] of Object.entries(place.environment ?? {})) {
    if (!original.has(name)) original.set(name, process.env[name]);
    process.env[name] = value;
  }
}

function restoreEnvironment(place: ModulePlace): void {
  for (const name of Object.keys(place.environment ?? {})) {
    const before = original.get(name);
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  }
}

function checkSameEnvironment(open: ModulePlace, wanted: ModulePlace): void {
  const names = new Set([...Object.keys(open.environment ?? {}), ...Object.keys(wanted.environment ?? {})]);
  for (const name of names) {
    const expected = open.environment?.[name];
    const got = wanted.environment?.[name];
    if (expected !== got) {
      throw new Refusal("HSM-MODULE", `the module is open in this process with another ${name}`, {
        expected: expected ?? "nothing",
        got: got ?? "nothing",
        about: name,
      });
    }
  }
}
