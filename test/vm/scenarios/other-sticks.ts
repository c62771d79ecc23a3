import { deepEqual, match } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../../../demo/run-command.ts";
import { keeperSerial, manyDocuments } from "../guest-box.ts";
import type { Scenario } from "../scenario.ts";
import { freeBytes, makeExfat, makeStick, onStick, putOnStick, takeFromStick } from "../stick.ts";

export const fullStick: Scenario = {
  name: "full-stick",
  holds: "a stick without room for the answer: that is said, nothing is released; the answer goes to another stick",
  async run(stage) {
    const { guest, work } = stage;
    const batch = await guest.stickWith(work, "full", manyDocuments(60), { megabytes: 36 });
    const filler = join(work, "filler");
    mkdirSync(filler);
    // Fills what is free but some 20 KiB.
    writeFileSync(join(filler, "filler.bin"), randomBytes(freeBytes(batch.image) - (20 << 10)));
    putOnStick(batch.image, filler);
    const box = await stage.goOn();
    await box.plug("S1", batch.image);
    await guest.approveWaiting(box, batch);
    const row = await guest.until(box, "told that the stick is full", ({ batches }) =>
      batches.find(({ folder, waiting }) => folder === batch.name && /failed/.test(waiting ?? "")),
    );
    match(row.waiting ?? "", /MEDIA-(FULL|WRITE)/);
    deepEqual(row.state, "exporting");
    await box.pull("S1");
    const empty = join(work, "empty.img");
    makeStick(empty);
    await box.plug("S2", empty);
    await guest.untilState(box, batch.name, "released");
    await box.pull("S2");
    await guest.holdAnswer({ ...batch, image: empty });
    return undefined;
  },
};

export const keepersStick: Scenario = {
  name: "keepers-stick",
  holds: "the keeper's stick, known by its serial number, gets the manifests beside the answer",
  async run(stage) {
    const { guest, work } = stage;
    const batch = await guest.stickWith(work, "kept", { "a.txt": "one" });
    const keeper = join(work, "keeper.img");
    makeStick(keeper);
    const box = await stage.goOn();
    await box.plug(keeperSerial, keeper);
    await box.plug("S1", batch.image);
    await guest.approveWaiting(box, batch);
    await guest.untilState(box, batch.name, "released");
    // It is written after the release, which never waits for it.
    await guest.until(box, "manifests on the keeper's stick, and both may be pulled out", ({ sticks }) =>
      onStick(keeper, "coldseal/audit") &&
      sticks.filter((line) => /you may remove the stick now/.test(line)).length === 2
        ? true
        : undefined,
    );
    await box.pull("S1");
    await box.pull(keeperSerial);
    await guest.holdAnswer(batch);
    const out = stage.folder();
    takeFromStick(keeper, "coldseal", out);
    const chain = ["--json", "verify", "--chain", join(out, "coldseal/audit"), "--ca", guest.paths.pki.root];
    const { status, transcript } = await runCommand("desk/main.ts", [...chain, "--genesis", guest.paths.genesis]);
    deepEqual(status, 0, transcript);
    return undefined;
  },
};

export const exfat: Scenario = {
  name: "exfat",
  holds: "an answer is written to an exFAT stick, and holds",
  async run(stage) {
    const { guest, work } = stage;
    const batch = await guest.stickWith(work, "contracts", { "a.txt": "one", "b.txt": "two" });
    const stick = join(work, "exfat.img");
    makeExfat(stick);
    const box = await stage.goOn();
    await box.plug("S1", batch.image);
    await guest.untilState(box, batch.name, "waiting-for-approval");
    await box.pull("S1");
    await box.plug("X1", stick);
    await guest.approve(box, batch.slip);
    await guest.untilState(box, batch.name, "released");
    // This machine has no exFAT: the virtual one reads it, and what it read is checked here.
    const read =
      "mkdir /srv/x && mount -t exfat -o ro /dev/disk/by-id/*X1*-part1 /srv/x && tar -C /srv/x -cf - coldseal | base64";
    const out = join(work, "read");
    mkdirSync(out);
    execFileSync("tar", ["-C", out, "-xf", "-"], { input: Buffer.from(await box.shell(read), "base64") });
    await guest.holdBundle(join(out, "coldseal/outbox", batch.name), batch);
    return undefined;
  },
};
