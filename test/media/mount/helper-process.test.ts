import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { callOnce } from "../../../host/wire.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import type { Refusal } from "../../../manifests/refusal.ts";
import { readMountTable } from "../../../media/mount/mount-table.ts";
import { readMountSettings } from "../../../media/mount/settings.ts";
import { refusalOf } from "../stick/refusal-of.ts";
import { makeTree, plug, pull } from "../stick/sys-tree.ts";
import { composite, keyboard } from "../stick/usb-samples.ts";

let folder: string;
let helper: ChildProcess | undefined;
let printed = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-mount-"));
  for (const name of ["dev", "media"]) mkdirSync(join(folder, name));
  printed = "";
});
afterEach(async () => {
  await ended();
  rmSync(folder, { recursive: true });
});

const settings = {
  devices: "dev",
  folder: "media",
  owner: { gid: 0, uid: 0 },
  own: [{ id: "0951:1666", serial: "OURS" }],
  pollMilliseconds: 50,
  roles: { audit: ["KEEPER"], in: "any", out: "any" },
  socket: "mount.sock",
  switchOff: true,
  sys: "sys",
};

function config(changes: Readonly<Record<string, unknown>> = {}): string {
  const file = join(folder, "mount.json");
  writeFileSync(file, JSON.stringify({ ...settings, ...changes }));
  return file;
}

async function start(file = config()): Promise<void> {
  helper = spawn(process.execPath, [join(import.meta.dirname, "../../../media/mount/main.ts"), file], {
    env: { LANG: "C.UTF-8", TZ: "UTC" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  helper.stdout?.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  await vi.waitFor(() => expect(printed).toContain("\n"), 30_000);
}

async function ended(): Promise<number | null> {
  const child = helper;
  helper = undefined;
  if (!child) return null;
  if (child.exitCode !== null) return child.exitCode;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  await gone;
  return child.exitCode;
}

const call = async (method: string, params: Json) =>
  (await callOnce(join(folder, "mount.sock"), method, params)).result as { readonly [name: string]: unknown };
const refused = (method: string, params: Json) =>
  call(method, params).then(
    () => "none",
    (fault: Refusal) => fault.code,
  );

const disk = { name: "sda", dev: "8:0", bytes: 64 << 20 };

describe("the mount helper's process", () => {
  it("T27: tells of a keyboard in the place of a stick, switches it off, and remembers it when it is pulled out at once", async () => {
    const sys = join(folder, "sys");
    makeTree(sys);
    await start();
    const fake = { port: "1-3", device: 4, descriptors: composite, serial: "AA" };
    plug(sys, fake);
    await vi.waitFor(
      async () => expect(await call("state", { after: 0 })).toMatchObject({ refused: [{ id: "0951:1666" }] }),
      10_000,
    );
    expect(readFileSync(join(sys, "bus/usb/devices/1-3/authorized"), "latin1")).toMatch(/^0/);
    pull(sys, fake);
    const state = await call("state", { after: 0 });
    expect(state).toMatchObject({ bus: true, refused: [], sticks: [] });
    expect(state.events).toMatchObject([
      {
        sequence: 1,
        kind: "alarm",
        id: "0951:1666",
        serial: "AA",
        classes: ["08", "03"],
        off: true,
        refusal: { code: "STICK-DEVICE" },
      },
    ]);
    expect((await call("state", { after: 1 })).events).toEqual([]);
    // The helper's own look tells its log, a moment later than whoever asks.
    await vi.waitFor(() => expect(printed).toContain('"level":"warn"'), 10_000);
    expect(await ended()).toBe(0);
  }, 60_000);

  it("T27: lists sticks and the box's own devices, and mounts nothing that it does not know", async () => {
    const sys = join(folder, "sys");
    makeTree(sys);
    plug(sys, { port: "1-1", device: 2, descriptors: keyboard });
    plug(sys, { port: "1-2", device: 3, serial: "OURS" });
    plug(sys, { port: "1-4", device: 4, serial: "KEEPER", disks: [disk] });
    await start();
    expect(await call("state", { after: 0 })).toMatchObject({
      refused: [{ id: "046d:c31c" }],
      sticks: [{ serial: "KEEPER", roles: ["audit"], mayBePulled: true, mounted: [], disk: "sda", bytes: 64 << 20 }],
    });
    expect(await refused("mount", { role: "in", same: null, write: false })).toBe("STICK-GONE");
    // There is no such device node.
    expect(await refused("mount", { role: "audit", same: null, write: false })).toBe("STICK-GONE");
    expect(await call("unmount", { role: "in" })).toEqual({ identity: null, mayBePulled: true });
    expect(await refused("mount", { role: "../../etc", same: null, write: false })).toBe("SHAPE");
    expect(await refused("mount", { role: "in", same: null, write: false, type: "ext4" })).toBe("SHAPE");
    expect(await refused("state", {})).toBe("SHAPE");
    expect(await refused("exec", {})).toBe("FRAME");
  }, 60_000);

  it("T27: without USB it says so once, and goes on", async () => {
    await start();
    await vi.waitFor(() => expect(printed).toContain("no USB: folders alone"), 10_000);
    expect(await call("state", { after: 0 })).toMatchObject({ bus: false, sticks: [], refused: [] });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(printed.split("no USB: folders alone")).toHaveLength(2);
  }, 60_000);

  it("CONFIG: does not start with settings that are wrong", async () => {
    await start(config({ roles: { audit: ["A"], in: ["A"], out: "any" } }));
    expect(printed).toContain('"code":"CONFIG"');
    await vi.waitFor(() => expect(helper?.exitCode).toBe(2), 10_000);
  }, 60_000);
});

describe("mount.json", () => {
  it.each([
    ["a member too many", { type: "ext4" }],
    ["a keeper's stick that is any", { roles: { audit: "any", in: "any", out: "any" } }],
    ["an id that is none", { own: [{ id: "0951", serial: null }] }],
    ["a serial number that no stick can have", { roles: { audit: ["\n"], in: "any", out: "any" } }],
    ["no rest between two looks", { pollMilliseconds: 0 }],
  ])("CONFIG: refuses %s", (_, changes) => {
    expect(refusalOf(() => readMountSettings(config(changes))).code).toBe("CONFIG");
  });

  it("CONFIG: takes paths from the file's own folder", () => {
    expect(readMountSettings(config())).toMatchObject({ sys: join(folder, "sys"), socket: join(folder, "mount.sock") });
  });
});

describe("readMountTable", () => {
  it("T28: reads targets with blanks, and options of mount and file system", () => {
    const line = "36 35 8:1 / /run/a\\040b\\134 ro,nosuid shared:1 - vfat /dev/sda1 rw,uid=0\nnonsense\n";
    expect(readMountTable(line)).toEqual([
      { dev: "8:1", target: "/run/a b\\", type: "vfat", options: ["ro", "nosuid", "rw", "uid=0"] },
    ]);
  });
});
