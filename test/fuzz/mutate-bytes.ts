/** Mutations that know nothing of any structure. */

import { joined } from "./der-tree.ts";
import type { Random } from "./random.ts";

const interesting = [
  0x00, 0x01, 0x7f, 0x80, 0x81, 0xff, 0x0a, 0x20, 0x22, 0x30, 0x31, 0x5b, 0x5c, 0x7b, 0x7d, 0xc0, 0xed,
];

/** One to four changes: bits, bytes, pieces taken out, put in, doubled, moved, cut, or taken from another input. */
export function mutateBytes(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
  let bytes = input;
  for (let round = 1 + random.below(4); round > 0; round--) bytes = once(random, bytes, other);
  return bytes;
}

function once(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
  const at = random.below(input.length + 1);
  const length = random.pick([1, 1, 2, 3, 8, 64, 1000]);
  const before = input.subarray(0, at);
  const after = input.subarray(at);
  switch (random.below(9)) {
    case 0:
      return changed(input, at, (old) => old ^ (1 << random.below(8)));
    case 1:
      return changed(input, at, () => random.pick(interesting));
    case 2:
      return changed(input, at, (old) => old + random.pick([1, -1, 16, -16]));
    case 3:
      return joined([before, after.subarray(length)]);
    case 4:
      return joined([
        before,
        random.chance(0.5) ? random.bytes(length) : repeated(random.pick(interesting), length),
        after,
      ]);
    case 5:
      return joined([before, after.subarray(0, length), after]);
    case 6:
      return before;
    case 7: {
      const from = random.below(other.length);
      return joined([before, other.subarray(from, from + length), after.subarray(random.chance(0.5) ? length : 0)]);
    }
    default:
      return joined([before, other.subarray(random.below(other.length))]);
  }
}

export function repeated(byte: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

function changed(input: Uint8Array, at: number, change: (old: number) => number): Uint8Array {
  if (input.length === 0) return input;
  const bytes = new Uint8Array(input);
  const where = Math.min(at, bytes.length - 1);
  bytes[where] = change(bytes[where] as number) & 0xff;
  return bytes;
}
