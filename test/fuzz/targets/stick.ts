import { classesOf, judgeUsb } from "../../../media/stick/judge-usb.ts";
import { headBytes, readPartitionTable } from "../../../media/stick/partition-table.ts";
import { readUsbDescriptors } from "../../../media/stick/usb-descriptors.ts";
import { checkVolume } from "../../../media/stick/volume.ts";
import { exfat, fat16, fat32, gpt, mbr, stickBytes, summed } from "../../media/stick/stick-images.ts";
import { composite, keyboard, memoryStick, uasStick } from "../../media/stick/usb-samples.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import type { Random } from "../random.ts";
import { Broken, type Target } from "../target.ts";

/** Only the beginning of a stick is changed: beyond its first 20 KiB nothing is read. */
const read = 20 * 1024;

function mutateHead(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
  const length = random.pick([16, 128, 512, 1024, read]);
  const at = random.pick([0, 440, 512, 1024]);
  return placed(input, at, mutateBytes(random, input.subarray(at, at + length), other.subarray(at, at + length)));
}

function placed(input: Uint8Array, at: number, piece: Uint8Array): Uint8Array {
  const copy = whole(input);
  copy.set(piece.subarray(0, copy.length - at), at);
  return copy;
}

/** A stick's head always has its 64 KiB: what an input lacks is zeros. */
function whole(input: Uint8Array): Uint8Array {
  const head = new Uint8Array(headBytes);
  head.set(input.subarray(0, headBytes));
  return head;
}

/** T28: the first bytes of a stick, as a partition table. What is found lies on the stick, behind the table. */
export const partitionTable: Target = {
  name: "partition-table",
  seeds: async () => [
    mbr({ type: 0x0c, start: 2048, count: 20_000 }),
    gpt([{ first: 2048, last: 4095 }]),
    mbr({ type: 0x07, start: 63, count: 131_000 }),
    fat32(),
    exfat(),
  ],
  mutate: mutateHead,
  run: (input) => readPartitionTable(whole(input), { bytes: stickBytes, sectorBytes: 512 }),
  after: (_, result) => {
    const { table, start, bytes } = result as ReturnType<typeof readPartitionTable>;
    if (start + bytes > stickBytes || bytes <= 0) throw new Broken("a place that is not on the stick");
    if ((start === 0) !== (table === "none")) throw new Broken("a partition over its table");
  },
};

/** T28: the first bytes of a file system. Half of the exFAT ones get a right checksum again, or nothing behind it is reached. */
export const stickVolume: Target = {
  name: "stick-volume",
  seeds: async () => [fat32(), fat16(), exfat()],
  mutate: (random, input, other) => {
    const made = whole(mutateHead(random, input, other));
    return random.chance(0.5) ? summed(made) : made;
  },
  run: (input) => checkVolume(whole(input), { bytes: stickBytes, sectorBytes: 512 }),
  after: (_, result) => {
    const { id } = result as ReturnType<typeof checkVolume>;
    if (!/^(?:none|[0-9a-f]{8})$/.test(id)) throw new Broken("a volume without a plain id");
  },
};

/** T27: what a USB device says of itself. Whatever is taken for a stick is mass storage alone. */
export const usbDescriptors: Target = {
  name: "usb-descriptors",
  seeds: async () => [memoryStick, uasStick, keyboard, composite],
  mutate: mutateBytes,
  run: (input) => {
    const device = readUsbDescriptors(input);
    return { device, kind: judgeUsb(device, null, []) };
  },
  after: (_, result) => {
    const { device, kind } = result as { device: ReturnType<typeof readUsbDescriptors>; kind: string };
    if (kind === "stick" && classesOf(device).some((one) => one !== 8))
      throw new Broken("a stick that is more than one");
  },
};
