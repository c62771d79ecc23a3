import { deepEqual, match } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, copyFileSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { seeded } from "../../promises/dying-process.ts";
import type { VirtualBox } from "../machine.ts";
import type { Scenario, Stage } from "../scenario.ts";
import { firstSector, makeExfat, makeStick, sectorBytes, wholeDisk, wholePartition, writeDisk } from "../stick.ts";

/** A file system of `count` sectors from the sector `start` on. */
function formatFat(file: string, bits: 12 | 16 | 32, start: number, count: number): void {
  format("mkfs.vfat", "-F", `${bits}`, "-h", `${start}`, `--offset=${start}`, file, `${count / 2}`);
}

function format(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: "ignore" });
}

interface OddStick {
  /** what people are told: the judge that is meant saw it, and not another one behind it */
  readonly says: RegExp;
  make(file: string): void;
}

/** Sticks that are refused before the kernel's file systems see them. But for what is odd of it each is one that the kernel would take. */
const odd: Readonly<Record<string, OddStick>> = {
  "two partitions": {
    says: /: 2 partitions,/,
    make: (file) => {
      const count = wholePartition.count >> 1;
      const starts = [firstSector, firstSector + count];
      const partitions = starts.map((start) => ({ type: 0x0e, start, count }));
      writeDisk(file, wholeDisk, partitions);
      for (const start of starts) formatFat(file, 16, start, count);
    },
  },
  "an extended partition": {
    says: /: an extended partition,/,
    make: (file) => {
      writeDisk(file, wholeDisk, [{ type: 0x05, ...wholePartition }]);
      formatFat(file, 32, firstSector, wholePartition.count);
    },
  },
  "a partition without a file system": {
    says: /: no boot sector of FAT,/,
    make: (file) => writeDisk(file, wholeDisk, [{ type: 0x0c, ...wholePartition }]),
  },
  "random bytes": {
    says: /the stick's file system is refused/,
    make: (file) => {
      writeDisk(file, wholeDisk, [{ type: 0x0c, ...wholePartition }]);
      overwrite(file, firstSector * sectorBytes, randomBytes(1 << 20));
    },
  },
  ext4: {
    says: /: a partition of type 83,/,
    make: (file) => {
      writeDisk(file, wholeDisk, [{ type: 0x83, ...wholePartition }]);
      const kilobytes = `${wholePartition.count / 2}k`;
      format("mkfs.ext4", "-q", "-F", "-E", `offset=${firstSector * sectorBytes}`, file, kilobytes);
    },
  },
  FAT12: {
    says: /: FAT12,/,
    make: (file) => {
      const count = 8192 - firstSector;
      writeDisk(file, 8192, [{ type: 0x06, start: firstSector, count }]);
      formatFat(file, 12, firstSector, count);
    },
  },
  "a file system larger than its partition": {
    says: /: a file system that ends beyond its place,/,
    make: (file) => {
      makeStick(file);
      const row = Buffer.alloc(4);
      row.writeUInt32LE(wholePartition.count - 4096);
      overwrite(file, 446 + 12, row);
    },
  },
  "exFAT with a wrong checksum": {
    says: /: a boot region whose checksum is wrong,/,
    make: (file) => {
      makeExfat(file);
      overwrite(file, firstSector * sectorBytes + 11 * sectorBytes, Buffer.alloc(4));
    },
  },
};

export const oddSticks: Scenario = {
  name: "odd-sticks",
  holds: "sticks of another form are refused, in words, and none is mounted; a good one afterwards is taken",
  async run(stage) {
    const { guest, work } = stage;
    const box = await stage.goOn();
    for (const [at, [what, { make, says }]] of Object.entries(odd).entries()) {
      const file = join(work, `odd-${at}`);
      make(file);
      await box.plug(`O${at}`, file);
      const line = await guest.until(box, `${what} refused`, ({ sticks }) =>
        sticks.find((one) => one.startsWith("refused")),
      );
      match(line, /STICK-FORM/, what);
      match(line, says, what);
      deepEqual(await box.shell("grep -c ' /run/coldseal/media/' /proc/mounts || true"), "0\n", what);
      await box.pull(`O${at}`);
      await guest.until(box, `${what} gone`, ({ sticks }) =>
        sticks.some((one) => one.startsWith("refused")) ? undefined : true,
      );
    }
    await takesGoodStick(stage, box);
    return Object.keys(odd).length;
  },
};

const damages = 12;

export const damagedFat: Scenario = {
  name: "damaged-fat",
  holds:
    "file systems whose tables and folders are damaged by chance: nothing falls, nothing half is taken, and a good stick afterwards is taken",
  async run(stage) {
    const { guest, work } = stage;
    const sound = await guest.stickWith(work, "damaged", { "a.txt": "one", "b.txt": "two" });
    const box = await stage.goOn();
    for (let seed = 1; seed <= damages; seed++) {
      const file = join(work, `damaged-${seed}`);
      copyFileSync(sound.image, file);
      damage(file, seed);
      await box.plug(`D${seed}`, file);
      // Several looks of the daemon's; whatever it makes of it, people see that it lives.
      await box.shell("sleep 6");
      await guest.until(box, `an answer with damage ${seed}`, (listing) => listing);
      await box.pull(`D${seed}`);
    }
    const dead = await box.shell("systemctl show -P NRestarts coldseal-mount coldseal-daemon coldseal-signer");
    deepEqual(
      dead.split("\n").filter((line) => line !== ""),
      ["0", "0", "0"],
    );
    await takesGoodStick(stage, box);
    return damages;
  },
};

async function takesGoodStick({ guest, work }: Stage, box: VirtualBox): Promise<void> {
  const batch = await guest.stickWith(work, "good", { "a.txt": "one" });
  await box.plug("G1", batch.image);
  await guest.untilState(box, batch.name, "waiting-for-approval");
}

/** Bytes of the first sector of both tables, and of the first 32 KiB of the folders behind them, are others. The boot sector stays: it is looked at before. */
function damage(file: string, seed: number): void {
  const random = seeded(seed);
  const boot = Buffer.alloc(sectorBytes);
  const image = openSync(file, "r");
  readSync(image, boot, 0, sectorBytes, firstSector * sectorBytes);
  closeSync(image);
  const reserved = boot.readUInt16LE(14);
  const table = boot.readUInt32LE(36);
  const start = (sector: number) => (firstSector + sector) * sectorBytes;
  const regions = [start(reserved), start(reserved + table), start(reserved + 2 * table)];
  for (let count = 0; count < 200; count++) {
    const region = regions[Math.floor(random() * regions.length)] ?? 0;
    const length = region === regions[2] ? 32 << 10 : 512;
    overwrite(file, region + Math.floor(random() * length), Buffer.from([Math.floor(random() * 256)]));
  }
}

function overwrite(file: string, at: number, bytes: Uint8Array): void {
  const image = openSync(file, "r+");
  writeSync(image, bytes, 0, bytes.length, at);
  closeSync(image);
}
