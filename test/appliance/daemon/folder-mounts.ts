/**
 * The mount helper's calls with folders in the place of mounts: "mounted" is a folder that was renamed to where the stick
 * appears. The helper itself is tried with real mounts in test/media/mount.
 */

import { existsSync, mkdirSync, renameSync } from "node:fs";
import type { Server } from "node:net";
import { join } from "node:path";
import { serve, stopServing } from "../../../host/wire.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import type { DaemonBox } from "./daemon-box.ts";

type Role = "audit" | "in" | "out";

export class FolderMounts {
  /** `in rw`, `out ro`, `-` for put away: what was done */
  readonly done: string[] = [];
  /** called after each mounting */
  afterMount: (role: Role, write: boolean, path: string) => void = () => undefined;
  events: Json[] = [];
  session = "s1";
  readonly #box: DaemonBox;
  readonly #stick: string;
  #mounted: { role: Role; write: boolean } | undefined;
  #plugged = false;
  #server: Server | undefined;

  constructor(box: DaemonBox) {
    this.#box = box;
    this.#stick = join(box.folder, "stick");
    mkdirSync(join(box.folder, "media"), { recursive: true });
  }

  /** The daemon goes on with sticks by these calls. What was brought before is on the stick. */
  async start(): Promise<void> {
    const at = (name: string) => join(this.#box.folder, name);
    await this.#box.stopDaemon();
    const media = { in: at("media/in"), out: at("media/out"), audit: at("media/audit") };
    Object.assign(this.#box.settings, { media, mountSocket: at("mount.sock") });
    this.#server = await serve(at("mount.sock"), {
      state: async (params) => ({ result: this.#state((params as { readonly after: number }).after) }),
      mount: async (params) => {
        const { role, same, write } = params as unknown as { role: Role; same: string | null; write: boolean };
        return { result: this.#mount(role, same, write) };
      },
      unmount: async (params) => ({ result: this.#unmount((params as unknown as { role: Role }).role) }),
    });
    await this.#box.startDaemon();
  }

  async stop(): Promise<void> {
    if (this.#server) await stopServing(this.#server);
  }

  plug(): void {
    this.#plugged = true;
  }

  /** Pulled out, whatever was under way. */
  unplug(): void {
    this.#plugged = false;
    if (this.#mounted) this.#unmount(this.#mounted.role);
  }

  get stick(): string {
    return this.#stick;
  }

  get mounted(): boolean {
    return this.#mounted !== undefined;
  }

  #state(after: number): Json {
    const mounted = this.#mounted ? [{ ...this.#mounted }] : [];
    const stick = {
      id: "0951:1666",
      key: "1-2#5",
      mayBePulled: !this.#mounted,
      mounted,
      roles: ["in", "out"],
      serial: "AA01",
    };
    const events = this.events.filter((one) => (one as { readonly sequence: number }).sequence > after);
    const refused = this.events.flatMap((one) => ((one as { kind: string }).kind === "alarm" ? [one] : []));
    return { bus: true, events, refused, session: this.session, sticks: this.#plugged ? [stick] : [] };
  }

  #mount(role: Role, same: string | null, write: boolean): Json {
    if (!this.#plugged || role === "audit") throw new Refusal("STICK-GONE", "no stick for this use is plugged in");
    if (same !== null && same !== "AA01/1") throw new Refusal("STICK-OTHER", "this is another stick than before");
    if (this.#mounted) this.#unmount(this.#mounted.role);
    const path = join(this.#box.folder, "media", role);
    renameSync(this.#stick, path);
    this.#mounted = { role, write };
    this.done.push(`${role} ${write ? "rw" : "ro"}`);
    this.afterMount(role, write, path);
    return { identity: "AA01/1", path, type: "vfat" };
  }

  #unmount(role: Role): Json {
    const path = join(this.#box.folder, "media", role);
    if (this.#mounted?.role === role && existsSync(path)) {
      renameSync(path, this.#stick);
      this.#mounted = undefined;
      this.done.push("-");
    }
    return { identity: "AA01/1", mayBePulled: true };
  }
}
