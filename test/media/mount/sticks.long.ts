import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { inMounts } from "../in-mounts.ts";

/** Loop devices and block device nodes are root's alone. */
const asRoot =
  process.getuid?.() === 0 &&
  spawnSync("losetup", ["-f"]).status === 0 &&
  spawnSync("unshare", ["-m", "true"]).status === 0;
if (!asRoot) console.warn("NOT TESTED: mounting of sticks, because this user may not use loop devices");

const here = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** Runs a module's text in a mount namespace of its own, with a loop stick; gives what it says, as JSON. */
async function withStick(text: string): Promise<Record<string, unknown>> {
  const printed = await inMounts(
    "true",
    `import { LoopStick, ext4 } from ${here("loop-stick.ts")};
    import { Sticks } from ${here("../../../media/mount/sticks.ts")};
    import { mountTable } from ${here("../../../media/mount/mount-table.ts")};
    import { execFileSync } from "node:child_process";
    import { existsSync, openSync, closeSync, readFileSync, symlinkSync, writeFileSync, mkdirSync } from "node:fs";
    const box = new LoopStick();
    const sticks = new Sticks(box.settings, ext4);
    const refusal = (work) => work.then(() => "none", (fault) => fault.code ?? String(fault));
    const at = (role) => mountTable().filter(({ target }) => target === box.settings.folder + "/" + role);
    const said = {};
    try {
      ${text}
    } finally {
      for (const role of ["in", "out", "audit"]) await sticks.unmount(role).catch(() => {});
      for (const role of ["in", "out", "audit"]) if (at(role).length > 0) execFileSync("umount", ["-l", box.settings.folder + "/" + role]);
      box.end();
    }
    console.log(JSON.stringify(said));`,
  );
  return JSON.parse(printed) as Record<string, unknown>;
}

// Real mounts of a loop device with ext4: HONEST, this kernel has neither vfat nor USB; those are the virtual box's.
describe.runIf(asRoot || process.env.CI !== undefined)(
  "a stick that is mounted (ext4 on a loop device, not vfat on USB)",
  () => {
    it("T28: read-only and without what could run, read, written after the check, read again, and put away", async () => {
      const said = await withStick(`
      const stick = box.plug(box.make("sda", "AA01"));
      await sticks.start();
      const first = await sticks.mount("in", false, null);
      said.first = first.path === box.settings.folder + "/in";
      said.options = at("in")[0].options;
      said.noWrite = await refusal((async () => writeFileSync(first.path + "/x", "1"))());
      said.again = (await sticks.mount("in", false, first.identity)).identity === first.identity;
      said.once = at("in").length;
      const out = await sticks.mount("out", true, first.identity);
      said.moved = [at("in").length, at("out").length];
      writeFileSync(out.path + "/answer", "sealed");
      said.put = await sticks.unmount("out") === first.identity;
      said.gone = at("out").length;
      const back = await sticks.mount("out", false, first.identity);
      said.read = readFileSync(back.path + "/answer", "utf8");
      await sticks.unmount("out");
      said.nothing = (await sticks.unmount("out")) ?? "undefined";
      said.events = (await sticks.state(0)).events.map(({ kind }) => kind);
    `);
      expect(said).toMatchObject({
        first: true,
        noWrite: "EROFS",
        again: true,
        once: 1,
        moved: [0, 1],
        put: true,
        gone: 0,
        read: "sealed",
        nothing: "undefined",
        events: ["plugged"],
      });
      expect(said.options).toEqual(expect.arrayContaining(["ro", "nosuid", "nodev", "noexec", "nosymfollow"]));
    });

    it("T19: another stick than before is refused, also in the same place and with the same serial number", async () => {
      const said = await withStick(`
      const [one, two] = [box.make("sda", "AA01"), box.make("sdb", "AA01")];
      const first = box.plug(one);
      const { identity } = await sticks.mount("out", true, null);
      await sticks.unmount("out");
      box.pull(first);
      said.without = await refusal(sticks.mount("out", false, identity));
      const second = box.plug(two);
      said.other = await refusal(sticks.mount("out", false, identity));
      said.mounted = at("out").length;
      box.pull(second);
      box.plug(one);
      said.same = await refusal(sticks.mount("out", false, identity));
    `);
      expect(said).toEqual({ without: "STICK-GONE", other: "STICK-OTHER", mounted: 0, same: "none" });
    });

    it("T19: a stick that is pulled out while it is mounted is taken away from everyone's view, and told", async () => {
      const said = await withStick(`
      const stick = box.plug(box.make("sda", "AA01"));
      const { path } = await sticks.mount("out", true, null);
      writeFileSync(path + "/half", "of it");
      const held = openSync(path + "/half", "r");
      box.pull(stick);
      await sticks.look();
      said.mounted = at("out").length;
      said.seen = existsSync(path + "/half");
      said.state = (await sticks.state(0)).events.map(({ kind }) => kind);
      said.put = (await sticks.unmount("out")) ?? "undefined";
      closeSync(held);
    `);
      expect(said).toEqual({ mounted: 0, seen: false, state: ["plugged", "pulled", "torn"], put: "undefined" });
    });

    it("T19: while something is open on it the stick stays, and is not said to be ready to be pulled out", async () => {
      const said = await withStick(`
      box.plug(box.make("sda", "AA01"));
      const { path } = await sticks.mount("out", true, null);
      writeFileSync(path + "/open", "x");
      const held = openSync(path + "/open", "r");
      said.put = await refusal(sticks.unmount("out"));
      said.other = await refusal(sticks.mount("in", false, null));
      said.mounted = [at("out").length, at("in").length];
      closeSync(held);
      said.later = await refusal(sticks.unmount("out"));
    `);
      expect(said).toEqual({ put: "BUSY", other: "BUSY", mounted: [1, 0], later: "none" });
    });

    it("T28: a partition that Linux does not have like that, and a node that is another device, are not mounted", async () => {
      const said = await withStick(`
      const stick = box.make("sda", "AA01");
      const [disk] = stick.disks;
      const moved = box.plug({ ...stick, disks: [{ ...disk, partitions: [{ ...disk.partitions[0], start: 4096 }] }] });
      said.moved = await refusal(sticks.mount("in", false, null));
      box.pull(moved);
      const none = box.plug({ ...stick, disks: [{ ...disk, partitions: [] }] });
      said.none = await refusal(sticks.mount("in", false, null));
      box.pull(none);
      const swapped = box.plug({ ...stick, disks: [{ ...disk, dev: "8:0" }] });
      said.swapped = await refusal(sticks.mount("in", false, null));
      box.pull(swapped);
      const locked = box.plug({ ...stick, disks: [{ ...disk, readOnly: true }] });
      said.locked = await refusal(sticks.mount("out", true, null));
      said.mounted = at("in").length + at("out").length;
    `);
      expect(said).toEqual({
        moved: "STICK-FORM",
        none: "STICK-GONE",
        swapped: "STICK-GONE",
        locked: "MEDIA-WRITE",
        mounted: 0,
      });
    });

    it("T28: what cannot be mounted is refused until it is pulled out, told once, and not tried again", async () => {
      const said = await withStick(`
      const stick = box.make("sda", "AA01");
      const [disk] = stick.disks;
      const odd = box.plug({ ...stick, disks: [{ ...disk, partitions: [{ ...disk.partitions[0], start: 4096 }] }] });
      said.first = await refusal(sticks.mount("in", false, null));
      said.again = await refusal(sticks.mount("in", false, null));
      const { sticks: taken, refused, events } = await sticks.state(0);
      said.state = [taken.length, refused.map(({ refusal }) => refusal.code), events.map(({ kind }) => kind)];
      box.pull(odd);
      box.plug(stick);
      said.sound = await refusal(sticks.mount("in", false, null));
    `);
      expect(said).toEqual({
        first: "STICK-FORM",
        again: "STICK-FORM",
        state: [0, ["STICK-FORM"], ["plugged", "refused"]],
        sound: "none",
      });
    });

    it("T28: a link in the place of the folder, and a mount that the kernel refuses, are refused", async () => {
      const said = await withStick(`
      box.plug(box.make("sda", "AA01"));
      symlinkSync("/", box.settings.folder + "/in");
      said.link = await refusal(sticks.mount("in", false, null));
      const vfat = new Sticks(box.settings, { ...ext4, check: () => ({ type: "vfat", id: "none" }) });
      said.vfat = await refusal(vfat.mount("out", false, null));
      said.mounted = at("in").length + at("out").length;
    `);
      expect(said).toEqual({ link: "MEDIA-KIND", vfat: "MEDIA-READ", mounted: 0 });
    });

    it("T19: what a helper that died left mounted is put away by the next one", async () => {
      const said = await withStick(`
      box.plug(box.make("sda", "AA01"));
      await sticks.mount("in", false, null);
      const next = new Sticks(box.settings, ext4);
      await next.start();
      said.mounted = at("in").length;
      said.state = (await next.state(0)).mounted.length;
    `);
      expect(said).toEqual({ mounted: 0, state: 0 });
    });
  },
);
