import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat } from "../../../manifests/encoding/bytes.ts";
import {
  type Frame,
  type FrameKind,
  FrameReader,
  frameHeader,
  maximumPayload,
} from "../../../manifests/encoding/frame.ts";

const frame = (kind: FrameKind, payload: Uint8Array) => concat([frameHeader(kind, payload.length), payload]);

describe("frames", () => {
  it("FRAME: however the bytes are cut, the same frames come out", () => {
    const frames = fc.array(fc.tuple(fc.constantFrom<FrameKind>("J", "B"), fc.uint8Array({ maxLength: 40 })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 60 }), (wanted, piece) => {
        const bytes = concat(wanted.map(([kind, payload]) => frame(kind, payload)));
        const reader = new FrameReader();
        const got: Frame[] = [];
        for (let at = 0; at < bytes.length; at += piece) {
          got.push(
            ...reader
              .push(bytes.slice(at, at + piece))
              .map(({ kind, payload }) => ({ kind, payload: payload.slice() })),
          );
        }
        expect(got).toEqual(wanted.map(([kind, payload]) => ({ kind, payload })));
        expect(reader.between).toBe(true);
      }),
    );
  });

  it("FRAME: payloads keep their bytes when more is pushed", () => {
    const wanted = [1, 2, 3].map((byte) => new Uint8Array(50).fill(byte));
    const bytes = concat(wanted.map((payload) => frame("B", payload)));
    for (const piece of [1, 7, 40, 60, 120]) {
      const reader = new FrameReader();
      const got: Frame[] = [];
      for (let at = 0; at < bytes.length; at += piece) got.push(...reader.push(bytes.slice(at, at + piece)));
      expect(got.map(({ payload }) => payload)).toEqual(wanted);
    }
  });

  it("T5: a long frame in small pieces takes time that grows with its length alone", () => {
    const push = (length: number) => {
      const bytes = frame("B", new Uint8Array(length));
      const reader = new FrameReader();
      const start = process.cpuUsage();
      for (let at = 0; at < bytes.length; at += 16) reader.push(bytes.subarray(at, at + 16));
      return process.cpuUsage(start).user;
    };
    push(maximumPayload / 16);
    // Sixteen times the bytes: 16 times the time, not 256 times; the rest is room for a busy machine.
    expect(push(maximumPayload)).toBeLessThan(Math.max(20_000, push(maximumPayload / 16)) * 80);
  });

  it("FRAME: a header is a big-endian length and the kind", () => {
    expect(frameHeader("J", 0x010203)).toEqual(Uint8Array.of(0, 1, 2, 3, 0x4a));
    expect(frameHeader("B", 0)).toEqual(Uint8Array.of(0, 0, 0, 0, 0x42));
  });

  it("FRAME: a stream that stops within a frame is seen", () => {
    const reader = new FrameReader();
    expect(reader.push(frame("B", Uint8Array.of(1, 2, 3)).subarray(0, 6))).toEqual([]);
    expect(reader.between).toBe(false);
  });

  it("T5: a long frame or an unknown kind is refused by its header alone", () => {
    const long = Uint8Array.of(0, 0x10, 0, 1, 0x42);
    const unknown = Uint8Array.of(0, 0, 0, 1, 0x58);
    for (const header of [long, unknown, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x4a)]) {
      expect(() => new FrameReader().push(header)).toThrow(expect.objectContaining({ code: "FRAME" }));
    }
    expect(() => frameHeader("B", maximumPayload + 1)).toThrow(expect.objectContaining({ code: "FRAME" }));
    expect(new FrameReader().push(Uint8Array.of(0, 0x10, 0, 0, 0x42))).toEqual([]);
  });
});
