import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Refusal } from "../../../manifests/refusal.ts";
import { operators } from "../signer/people.ts";
import { DaemonBox, realMedia } from "./daemon-box.ts";
import { FolderMounts } from "./folder-mounts.ts";

const { op1, op3 } = operators;
let box: DaemonBox;
let mounts: FolderMounts;

beforeEach(async () => {
  box = await DaemonBox.make();
  mounts = new FolderMounts(box);
});

afterEach(async () => {
  await box.remove();
  await mounts.stop();
});

const journal = (kind: string) =>
  box.signer.box.db
    .prepare<[], string>("SELECT record FROM journal WHERE kind = 'reported' OR kind = 'released'")
    .pluck()
    .all()
    .map(
      (record) =>
        JSON.parse(record) as { readonly kind?: string; readonly reported: Readonly<Record<string, unknown>> },
    )
    .filter((one) => (one.kind ?? "released") === kind);

const alarm = (sequence: number) => ({
  classes: ["08", "03"],
  id: "0951:1666",
  key: `1-3#${sequence}`,
  kind: "alarm",
  off: true,
  refusal: { code: "STICK-DEVICE", message: "a USB device was plugged in that is no memory stick", got: "a keyboard" },
  sequence,
  serial: "AA",
});

/** The batch is on the stick before the daemon looks there. */
async function brought(): Promise<void> {
  await box.stopDaemon();
  await box.signer.unlock();
  await box.bring("contracts");
  await mounts.start();
  mounts.plug();
}

describe("sticks by the mount helper", () => {
  it("CHECKED-OUT: the answer is written, put away, mounted anew and read again before it counts, and only then the stick may be pulled out", async () => {
    await brought();
    await box.until("contracts", "waiting-for-approval");
    await box.eventually("put away after reading", async () => (mounts.mounted ? undefined : true));
    expect(mounts.done).toEqual(["in ro", "-"]);
    await box.approve("contracts", op1, op3);
    await box.until("contracts", "released", "you may remove the stick now");
    expect(mounts.done).toEqual(["in ro", "-", "out rw", "-", "out ro", "-"]);
    expect(existsSync(join(mounts.stick, "coldseal/outbox/contracts/manifest.p7m"))).toBe(true);
    expect(journal("released").map(({ reported }) => reported)).toMatchObject([{ kind: "stick", remounted: true }]);
    expect((await box.client.listing()).sticks).toEqual(['stick 0951:1666 "AA01": you may remove the stick now']);
  });

  it("CHECKED-OUT: a stick that holds something else when it is mounted again is not believed; a new export is", async () => {
    await brought();
    let whole: Uint8Array | undefined;
    mounts.afterMount = (role, write, path) => {
      const file = join(path, "coldseal/outbox/contracts/manifest.p7m");
      if (role !== "out") return;
      if (!write && !whole) {
        whole = readFileSync(file);
        writeFileSync(file, whole.subarray(0, whole.length - 1));
      } else if (write && whole) writeFileSync(file, whole);
    };
    await box.until("contracts", "waiting-for-approval");
    await box.approve("contracts", op1, op3);
    await box.eventually("refused once", async () =>
      box.logged.some((line) => line.includes("CHECKED-OUT") && line.includes("mounted again")) ? true : undefined,
    );
    expect(journal("released")).toEqual([]);
    expect((await box.row("contracts"))?.state).toBe("exporting");
    await box.client.export("contracts");
    await box.until("contracts", "released");
    expect(mounts.done.filter((one) => one.startsWith("out"))).toEqual(["out rw", "out ro", "out rw", "out ro"]);
  });

  it("T19: a stick that was pulled out and answers that it is full is said to be gone, and written when it is back", async () => {
    await brought();
    await box.until("contracts", "waiting-for-approval");
    box.media = {
      ...realMedia,
      writeAnswer: async () => {
        mounts.unplug();
        throw new Refusal("MEDIA-FULL", "no space is left on the stick");
      },
    };
    await box.approve("contracts", op1, op3);
    await box.eventually("gone", async () =>
      box.logged.some((line) => line.includes('"code":"STICK-GONE"')) ? true : undefined,
    );
    expect(box.logged.some((line) => line.includes('"code":"MEDIA-FULL"'))).toBe(false);
    box.media = realMedia;
    mounts.plug();
    await box.until("contracts", "released");
  });

  it("T27: a device that is no stick is journalled once and shown as an alarm; a flood of them is counted", async () => {
    await mounts.start();
    mounts.events = [alarm(1)];
    await box.eventually("an alarm", async () => (journal("usb-alarm").length === 1 ? true : undefined));
    expect(journal("usb-alarm")[0]?.reported).toEqual({
      classes: ["08", "03"],
      code: "STICK-DEVICE",
      device: "0951:1666",
      got: "a keyboard",
      serial: "AA",
      switchedOff: true,
      unrecorded: 0,
    });
    const { sticks } = await box.client.listing();
    expect(sticks[0]).toMatch(/^ALARM: pull out 0951:1666 "AA": .*a keyboard \(STICK-DEVICE\)$/);
    expect(JSON.stringify(await box.client.status())).toContain("ALARM: pull out");
    mounts.events = Array.from({ length: 30 }, (_, nth) => alarm(nth + 1));
    await box.eventually("ten rows", async () => (journal("usb-alarm").length === 10 ? true : undefined));
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(journal("usb-alarm")).toHaveLength(10);
  });

  it("UNREACHABLE: without the helper nothing is read or written, and people see why; it comes back", async () => {
    await brought();
    await box.until("contracts", "waiting-for-approval");
    await mounts.stop();
    await box.approve("contracts", op1, op3);
    await box.eventually("words", async () =>
      (await box.client.listing()).sticks.some((one) => one.includes("UNREACHABLE")) ? true : undefined,
    );
    expect((await box.row("contracts"))?.state).not.toBe("released");
    await mounts.start();
    await box.until("contracts", "released");
  });
});
