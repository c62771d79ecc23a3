/**
 * The sticks of the box: looked at again and again, mounted for one use at a time, put away so that they may be pulled out.
 * One thing after another: what is asked waits for what is under way.
 */

import { lstatSync, mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { syncFileSystem } from "../../host/durable.ts";
import { InTurn } from "../../host/in-turn.ts";
import { asRefusal, Refusal, type RefusalCode } from "../../manifests/refusal.ts";
import { type Found, judgePlugged, type Role, roles, type Stick } from "../stick/plugged.ts";
import { type CheckedDisk, checkDisk, openDisk } from "../stick/read-disk.ts";
import { usbDisks } from "../stick/sysfs-block.ts";
import { usbDevices } from "../stick/sysfs-usb.ts";
import type { VolumeArea } from "../stick/volume.ts";
import { type HelperEvent, StickEvents } from "./events.ts";
import { mountTable } from "./mount-table.ts";
import { flushBuffers, mount, mountOptions, unmount, unmountLazily } from "./programs.ts";
import type { MountSettings } from "./settings.ts";
import { switchOff } from "./switch-off.ts";
import { UnfitSticks } from "./unfit-sticks.ts";

/** What may be mounted, and how it is known: `main.ts` takes vfat and exFAT. */
export interface FileSystems {
  check(head: Uint8Array, area: VolumeArea): { readonly type: string; readonly id: string };
  options(type: string, owner: MountSettings["owner"]): readonly string[];
}

export interface MountedStick {
  readonly role: Role;
  readonly write: boolean;
  readonly path: string;
  /** names stick, place and file system; the same for the same stick, formatted once */
  readonly identity: string;
  readonly type: string;
  readonly stick: Stick;
  /** the partition, or the disk where there is none */
  readonly node: { readonly name: string; readonly dev: string };
}

export interface SticksState extends Found {
  /** whether the machine has USB at all */
  readonly bus: boolean;
  readonly mounted: readonly MountedStick[];
  readonly session: string;
  readonly events: readonly HelperEvent[];
}

const none: Found = { sticks: [], refused: [] };

export class Sticks {
  readonly #settings: MountSettings;
  readonly #fileSystems: FileSystems;
  readonly #events = new StickEvents();
  readonly #mounted = new Map<Role, MountedStick>();
  #found: Found = none;
  readonly #unfit = new UnfitSticks();
  #bus = true;
  readonly #turns = new InTurn();

  constructor(settings: MountSettings, fileSystems: FileSystems) {
    this.#settings = settings;
    this.#fileSystems = fileSystems;
  }

  /** Takes away what a helper before this one left mounted. Refuses as unmounting. */
  start(): Promise<void> {
    return this.#turns.run(async () => {
      const paths = roles.map((role) => this.#path(role));
      for (const { target } of [...mountTable()].reverse()) if (paths.includes(target)) await unmount(target);
      for (const path of paths) removeTarget(path);
    });
  }

  /** Looks at what is plugged in. Never refuses: what cannot be read is not there. */
  look(): Promise<void> {
    return this.#turns.run(() => this.#look());
  }

  /** What is there now, and what happened after the event of that number. */
  state(after: number): Promise<SticksState> {
    return this.#turns.run(async () => {
      await this.#look();
      const { session } = this.#events;
      const events = this.#events.after(after);
      return { ...this.#found, bus: this.#bus, mounted: [...this.#mounted.values()], session, events };
    });
  }

  /**
   * Mounts the stick of a use, read-only unless `write`, after it was checked; what else of it was mounted is put away first.
   * `same` is the identity that it must have. Refuses with STICK-GONE, STICK-MANY, STICK-FORM, STICK-OTHER, BUSY, MEDIA-READ,
   * MEDIA-WRITE; then the stick is not mounted for this use.
   */
  mount(role: Role, write: boolean, same: string | null): Promise<MountedStick> {
    return this.#turns.run(async () => {
      await this.#look();
      const stick = this.#stickFor(role);
      const there = this.#mounted.get(role);
      if (there && there.write === write) return holdSame(there, same);
      for (const other of this.#of(stick.key)) await this.#putAway(other);
      return this.#mount(stick, role, write, same);
    });
  }

  /**
   * Unmounts the stick of a use. On return all is on the stick, and it may be pulled out. Gives the identity that it had;
   * undefined when it was not mounted. Refuses with BUSY, MEDIA-WRITE, STICK-GONE (pulled out before all was on it).
   */
  unmount(role: Role): Promise<string | undefined> {
    return this.#turns.run(async () => {
      await this.#look();
      const there = this.#mounted.get(role);
      if (there) await this.#putAway(there);
      return there?.identity;
    });
  }

  async #look(): Promise<void> {
    const before = this.#found;
    const { sys } = this.#settings;
    try {
      const devices = usbDevices(sys);
      this.#bus = devices !== undefined;
      const inUse = new Set([...this.#mounted.values()].map(({ stick }) => stick.key));
      this.#found = this.#unfit.apart(judgePlugged(devices ?? [], usbDisks(sys), this.#settings, inUse));
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      this.#found = none;
    }
    const fresh = this.#events.compare(before, this.#found);
    if (this.#settings.switchOff) for (const one of fresh) this.#events.switched(one, switchOff(sys, one));
    for (const one of this.#mounted.values()) if (!this.#isThere(one.stick)) await this.#takeAway(one);
  }

  #stickFor(role: Role): Stick {
    const [stick] = this.#found.sticks.filter((one) => one.roles.includes(role));
    if (stick) return stick;
    const refused = this.#found.refused.find(({ refusal }) => refusal.code === "STICK-MANY");
    throw (
      refused?.refusal ??
      this.#unfit.why(role) ??
      new Refusal("STICK-GONE", `no stick for this use (${role}) is plugged in`, { about: role })
    );
  }

  async #mount(stick: Stick, role: Role, write: boolean, same: string | null): Promise<MountedStick> {
    const { devices, owner } = this.#settings;
    const check = checkDisk(devices, stick.disk, (head, area) => this.#fileSystems.check(head, area));
    const checked = await check.catch((fault) => this.#refuseUnfit(stick, "STICK-FORM", fault));
    const { node, volume } = checked;
    const path = this.#path(role);
    const made = { role, write, path, identity: identityOf(stick, checked), type: volume.type, stick, node };
    holdSame(made, same);
    if (write && stick.disk.readOnly) throw new Refusal("MEDIA-WRITE", "the stick is write-protected", { about: role });
    makeTarget(path);
    const options = this.#fileSystems.options(volume.type, owner);
    try {
      const order = { node: join(devices, node.name), target: path, type: volume.type, write, options };
      await mount(order).catch((fault) => this.#refuseUnfit(stick, "MEDIA-READ", fault));
      holdMounted(made);
      await this.#look();
      if (!this.#isThere(stick)) throw new Refusal("STICK-GONE", "the stick was pulled out meanwhile", { about: role });
    } catch (fault) {
      await unmount(path).catch(() => unmountLazily(path).catch(() => undefined));
      removeTarget(path);
      throw fault;
    }
    this.#mounted.set(role, made);
    return made;
  }

  /** What lies in the stick itself is not tried again before it was pulled out; one that answers no more is gone, which is seen elsewhere. */
  async #refuseUnfit(stick: Stick, code: RefusalCode, fault: unknown): Promise<never> {
    if (fault instanceof Refusal && fault.code === code) this.#unfit.add(stick, fault);
    await this.#look();
    throw fault;
  }

  async #putAway(one: MountedStick): Promise<void> {
    const { role, path, stick, write } = one;
    if (write) {
      await syncFileSystem(path).catch((cause) => {
        const got = cause instanceof Error ? cause.message : String(cause);
        throw new Refusal("MEDIA-WRITE", "not all that was written reached the stick", { about: role, got, cause });
      });
    }
    await unmount(path);
    removeTarget(path);
    this.#mounted.delete(role);
    await this.#flush(one).catch((fault) => {
      const refusal = asRefusal(fault, "MEDIA-WRITE", "the stick did not take all that was written");
      throw write ? refusal : new Refusal("STICK-GONE", "the stick was pulled out", { about: role, cause: refusal });
    });
    await this.#look();
    if (this.#isThere(stick)) return;
    throw new Refusal("STICK-GONE", "the stick was pulled out before it was put away", { about: role });
  }

  /** Sync of the disk asks the stick itself to write what it only holds (SYNCHRONIZE CACHE); then the kernel forgets what it read. */
  async #flush({ node, stick: { disk } }: MountedStick): Promise<void> {
    const { devices } = this.#settings;
    const file = await openDisk(devices, disk);
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    // Partition and disk are remembered each for itself.
    for (const name of new Set([node.name, disk.name])) await flushBuffers(join(devices, name));
  }

  /** The stick is gone, its mount is not: nobody must take what the kernel remembers for what is on a stick. */
  async #takeAway(one: MountedStick): Promise<void> {
    this.#mounted.delete(one.role);
    await unmount(one.path).catch(() => unmountLazily(one.path).catch(() => undefined));
    removeTarget(one.path);
    this.#events.pulledWhileMounted(one);
  }

  #of(key: string): readonly MountedStick[] {
    return [...this.#mounted.values()].filter(({ stick }) => stick.key === key);
  }

  #isThere({ key, disk }: Stick): boolean {
    return this.#found.sticks.some((one) => one.key === key && one.disk.dev === disk.dev);
  }

  #path(role: Role): string {
    return join(this.#settings.folder, role);
  }
}

function identityOf(
  { serial, disk }: Stick,
  { place, volume }: CheckedDisk<{ readonly type: string; readonly id: string }>,
): string {
  return `${serial ?? "no serial number"}/${disk.bytes}/${place.start}+${place.bytes}/${volume.type}/${volume.id}`;
}

function holdSame(made: MountedStick, same: string | null): MountedStick {
  if (same === null || made.identity === same) return made;
  throw new Refusal("STICK-OTHER", "this is another stick than before", { expected: same, got: made.identity });
}

function makeTarget(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 });
    if (lstatSync(path).isDirectory()) return;
  } catch (cause) {
    throw new Refusal("MEDIA-READ", `${path} cannot be made`, { about: path, cause });
  }
  throw new Refusal("MEDIA-KIND", `${path} is not a folder`, { about: path });
}

/** The folder is there only while a stick is: whoever looks for the stick by its path sees that. One that is not empty is left, and in nobody's way. */
function removeTarget(path: string): void {
  try {
    rmdirSync(path);
  } catch {}
}

/** The kernel's word that this very device stands there, with every option that was asked for. */
function holdMounted({ path, node: { dev }, type, write }: MountedStick): void {
  const there = mountTable().findLast(({ target }) => target === path);
  const wanted = [write ? "rw" : "ro", ...mountOptions];
  const missing = wanted.filter((word) => !there?.options.includes(word));
  if (there?.dev === dev && there.type === type && missing.length === 0) return;
  throw new Refusal("MEDIA-READ", "the stick is not mounted as it was asked for", {
    expected: `${dev} ${type} ${wanted.join(",")}`,
    got: there ? `${there.dev} ${there.type} ${there.options.join(",")}` : "nothing",
  });
}
