import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { judgePlugged, rolesOf, type StickPolicy } from "../../../media/stick/plugged.ts";
import { usbDisks } from "../../../media/stick/sysfs-block.ts";
import { usbDevices } from "../../../media/stick/sysfs-usb.ts";
import { refusalOf } from "./refusal-of.ts";
import { makeTree, plug, pull, type TreeDevice } from "./sys-tree.ts";
import { composite, hubDevice, keyboard } from "./usb-samples.ts";

let sys: string;
beforeEach(() => {
  sys = mkdtempSync(join(tmpdir(), "coldseal-sys-"));
  makeTree(sys);
});
afterEach(() => rmSync(sys, { recursive: true }));

const policy: StickPolicy = { own: [], roles: { audit: ["KEEPER"], in: "any", out: "any" } };
const disk = {
  name: "sda",
  dev: "8:0",
  bytes: 64 << 20,
  partitions: [{ name: "sda1", dev: "8:1", start: 1 << 20, bytes: 63 << 20 }],
};
const stick: TreeDevice = { port: "1-2", device: 5, serial: "AA01", disks: [disk] };
const found = (given = policy, inUse: readonly string[] = []) =>
  judgePlugged(usbDevices(sys) ?? [], usbDisks(sys), given, new Set(inUse));

describe("what is plugged in", () => {
  it("T27: a stick is found with its disk, partition and uses; the machine's own disk is none", () => {
    plug(sys, stick);
    expect(found()).toEqual({
      refused: [],
      sticks: [
        {
          key: "1-2#5",
          port: "1-2",
          id: "0951:1666",
          serial: "AA01",
          roles: ["in", "out"],
          disk: { ...disk, sectorBytes: 512, port: "1-2", readOnly: false },
        },
      ],
    });
  });

  it("T27: behind a hub, by the port of the stick and not of the hub", () => {
    plug(sys, { port: "1-1", device: 2, descriptors: hubDevice });
    plug(sys, { ...stick, port: "1-1.4" });
    expect(found().sticks.map(({ disk: { port } }) => port)).toEqual(["1-1.4"]);
    expect(found().refused).toEqual([]);
  });

  it("T27: a keyboard, and a stick that also types, are refused, its disk or not; a stick without its disk yet is neither", () => {
    plug(sys, { port: "1-1", device: 3, descriptors: keyboard });
    plug(sys, { ...stick, descriptors: composite });
    plug(sys, { port: "1-4", device: 9, serial: "BB" });
    expect(found().sticks).toEqual([]);
    expect(found().refused).toMatchObject([
      { key: "1-1#3", id: "046d:c31c", classes: ["03"], refusal: { code: "STICK-DEVICE" } },
      { key: "1-2#5", id: "0951:1666", classes: ["08", "03"], refusal: { code: "STICK-DEVICE" } },
    ]);
  });

  it("T27: the box's own devices are neither sticks nor refused", () => {
    plug(sys, { port: "1-1", device: 3, descriptors: keyboard });
    expect(found({ ...policy, own: [{ id: "046d:c31c", serial: null }] })).toEqual({ sticks: [], refused: [] });
  });

  it("T27: one stick at a time for each use: of two neither is taken, but one that is mounted stays", () => {
    const other = { port: "1-3", device: 6, serial: "AA02", disks: [{ name: "sdb", dev: "8:16", bytes: 64 << 20 }] };
    plug(sys, stick);
    plug(sys, other);
    plug(sys, { port: "1-4", device: 7, serial: "KEEPER", disks: [{ name: "sdc", dev: "8:32", bytes: 64 << 20 }] });
    expect(found().sticks.map(({ serial }) => serial)).toEqual(["KEEPER"]);
    expect(found().refused.map(({ serial, refusal }) => [serial, refusal.code])).toEqual([
      ["AA01", "STICK-MANY"],
      ["AA02", "STICK-MANY"],
    ]);
    expect(found(policy, ["1-2#5"]).sticks.map(({ serial }) => serial)).toEqual(["AA01", "KEEPER"]);
    pull(sys, other);
    expect(found().refused).toEqual([]);
  });

  it("T27: a stick that is two disks is refused", () => {
    plug(sys, { ...stick, disks: [disk, { name: "sdb", dev: "8:16", bytes: 1 << 20 }] });
    expect(found().refused).toMatchObject([{ refusal: { code: "STICK-DEVICE", got: "2" } }]);
  });

  it("T27: where serial numbers are set, another one, none, and one that is no plain text are refused", () => {
    const strict = { ...policy, roles: { audit: [], in: ["AA01"], out: ["AA01"] } };
    plug(sys, stick);
    expect(found(strict).sticks).toHaveLength(1);
    pull(sys, stick);
    for (const serial of ["AA02", "", "aa01", "AA01 ", Uint8Array.from([0x41, 0x41, 0x30, 0x31, 0]), "A".repeat(200)]) {
      plug(sys, { ...stick, serial });
      expect(found(strict)).toMatchObject({ sticks: [], refused: [{ refusal: { code: "STICK-UNKNOWN" } }] });
      pull(sys, stick);
    }
  });

  it("T27: a machine without USB, and one that shows nothing, have no sticks", () => {
    expect(usbDevices(join(sys, "nothing"))).toBeUndefined();
    expect(usbDisks(join(sys, "nothing"))).toEqual([]);
    expect(usbDevices(sys)).toEqual([]);
  });

  it("T27: a stick is whose serial number says so; the keeper's is nothing else", () => {
    expect(rolesOf("KEEPER", policy.roles)).toEqual(["audit"]);
    expect(rolesOf("other", policy.roles)).toEqual(["in", "out"]);
    expect(rolesOf(null, policy.roles)).toEqual(["in", "out"]);
    expect(rolesOf("o", { audit: [], in: ["i"], out: ["o"] })).toEqual(["out"]);
    expect(rolesOf("x", { audit: [], in: ["i"], out: ["o"] })).toEqual([]);
  });
});

function swapped(path: string, make: (path: string) => unknown): void {
  rmSync(path);
  make(path);
}

describe("a tree that lies", () => {
  const at = (path: string) => join(sys, "devices/pci0000:00/usb1/1-2", path);

  it.each<[string, () => void]>([
    ["descriptors that are a pipe", () => swapped(at("descriptors"), (path) => execFileSync("mkfifo", [path]))],
    [
      "descriptors that are a link to something endless",
      () => swapped(at("descriptors"), (path) => symlinkSync("/dev/zero", path)),
    ],
    ["no device number", () => rmSync(at("devnum"))],
    ["a device number that is none", () => writeFileSync(at("devnum"), "-1e9\n")],
  ])("T27: %s: the device is not there", (_, change) => {
    plug(sys, stick);
    change();
    expect(found()).toEqual({ sticks: [], refused: [] });
  });

  const block = "1-2:1.0/host6/target6:0:0/6:0:0:0/block/sda";
  it.each<[string, () => void]>([
    ["a size that cannot be counted with", () => writeFileSync(at(`${block}/size`), "99999999999999999999\n")],
    ["a size of no bytes", () => writeFileSync(at(`${block}/size`), "0\n")],
    ["a device number with words", () => writeFileSync(at(`${block}/dev`), "8:0; rm\n")],
    ["no size of sectors", () => rmSync(at(`${block}/queue`), { recursive: true })],
    ["a disk that hangs on nothing", () => swapped(join(sys, "block/sda"), (path) => symlinkSync("sda", path))],
  ])("T27: %s: the disk is not there", (_, change) => {
    plug(sys, stick);
    change();
    expect(found().sticks).toEqual([]);
  });

  it("T27: descriptors of a megabyte, and odd ones, are refused and not taken for a stick", () => {
    plug(sys, { ...stick, descriptors: new Uint8Array(1 << 20) });
    expect(found().refused).toMatchObject([{ id: "unknown", classes: [], refusal: { code: "STICK-DEVICE" } }]);
  });

  it("T27: more entries than a machine can have are refused", () => {
    execFileSync("sh", ["-c", 'cd "$1" && seq 4100 | xargs touch', "sh", join(sys, "block")]);
    expect(refusalOf(() => usbDisks(sys)).code).toBe("MEDIA-LIMIT");
  });
});
