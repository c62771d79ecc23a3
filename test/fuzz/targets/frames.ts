import { readMembers, readRefusal, refusalJson } from "../../../host/wire-stream.ts";
import { canonicalBytes, type Json } from "../../../manifests/encoding/canonical-json.ts";
import { type Frame, FrameReader, frameHeader } from "../../../manifests/encoding/frame.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { joined } from "../der-tree.ts";
import { mutateFrames } from "../frames.ts";
import { piecesOf } from "../random.ts";
import { Broken, type Target } from "../target.ts";

function frame(value: Json): Uint8Array {
  const payload = canonicalBytes(value);
  return joined([frameHeader("J", payload.length), payload]);
}

function read(pieces: readonly Uint8Array[]): { frames: Frame[]; between: boolean } {
  const reader = new FrameReader();
  return { frames: pieces.flatMap((piece) => reader.push(piece)), between: reader.between };
}

/** Frames in pieces, and the members and refusals that stand in them. */
export const framesTarget: Target = {
  name: "frames",
  seeds: async () => {
    const refusal = new Refusal("DER", "not strict DER", { expected: "a", got: "b", about: "c" });
    const body = joined([frameHeader("B", 3), Uint8Array.of(1, 2, 3), frameHeader("B", 0)]);
    return [
      joined([frame({ method: "list", params: { all: true }, body: true }), body]),
      joined([frame({ progress: { done: 1 } }), frame({ refusal: refusalJson(refusal) })]),
    ];
  },
  mutate: mutateFrames,
  run: (input) => {
    const { frames, between } = read(piecesOf(input));
    const whole = read([input]);
    if (frames.length !== whole.frames.length || between !== whole.between)
      throw new Broken("pieces and the whole differ");
    for (const { kind, payload } of frames) {
      if (kind !== "J") continue;
      const { refusal } = readMembers(payload);
      if (refusal !== undefined) readRefusal(refusal);
    }
    return frames.length;
  },
};
