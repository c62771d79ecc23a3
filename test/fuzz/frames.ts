/** Frames (`u32 length, u8 kind, payload`) mutated one by one, their JSON by its members, lengths written anew. */

import { joined } from "./der-tree.ts";
import { mutateBytes } from "./mutate-bytes.ts";
import { mutateJson } from "./mutate-json.ts";
import type { Random } from "./random.ts";

interface Piece {
  kind: number;
  payload: Uint8Array;
  /** instead of the payload's own */
  length?: number;
}

export function mutateFrames(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
  if (random.chance(0.15)) return mutateBytes(random, input, other);
  const frames = cut(input);
  if (frames.length === 0) return mutateBytes(random, input, other);
  for (let round = random.pick([1, 1, 2]); round > 0; round--) change(random, frames, cut(other));
  return joined(frames.map(write));
}

function change(random: Random, frames: Piece[], theirs: readonly Piece[]): void {
  const at = random.below(frames.length);
  const frame = frames[at];
  if (!frame) return;
  switch (random.below(9)) {
    case 0:
      frames.splice(at, 1);
      return;
    case 1:
      frames.splice(at, 0, { ...frame });
      return;
    case 2:
      frame.kind = random.pick([0x42, 0x4a, 0, 0x43, 0xff]);
      return;
    case 3:
      frame.length = random.pick([0, 1, frame.payload.length + 1, 1 << 20, (1 << 20) + 1, 2 ** 31, 2 ** 32 - 1]);
      return;
    case 4:
      if (theirs.length > 0) frames.splice(at, 0, random.pick(theirs));
      return;
    case 5:
      for (let n = random.pick([10, 1000, 10_000]); n > 0 && frame.payload.length < 1000; n--)
        frames.push({ kind: 0x42, payload: new Uint8Array(n % 3 === 0 ? 1 : 0) });
      return;
    default:
      frame.payload =
        frame.payload[0] === 0x7b
          ? mutateJson(random, frame.payload, frame.payload)
          : mutateBytes(random, frame.payload, frame.payload);
  }
}

function cut(input: Uint8Array): Piece[] {
  const frames: Piece[] = [];
  const view = Buffer.from(input.buffer, input.byteOffset, input.length);
  for (let at = 0; at + 5 <= view.length; ) {
    const length = view.readUInt32BE(at);
    frames.push({ kind: view[at + 4] as number, payload: input.subarray(at + 5, at + 5 + length) });
    at += 5 + length;
  }
  return frames;
}

function write({ kind, payload, length = payload.length }: Piece): Uint8Array {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(length);
  header[4] = kind;
  return joined([new Uint8Array(header), payload]);
}
