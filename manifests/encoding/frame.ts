/**
 * Frames between the box's processes: u32 big-endian payload length, u8 kind, payload. Length-prefixed over any
 * stream or descriptor, so that a systemd unit can start any of the processes.
 */

import { Refusal } from "../refusal.ts";

export const maximumPayload = 1 << 20;
const headerBytes = 5;

/** "J": canonical JSON. "B": bytes of a body; an empty one ends the body. */
export type FrameKind = "J" | "B";

export interface Frame {
  readonly kind: FrameKind;
  readonly payload: Uint8Array;
}

/** The header of a frame; the payload follows as it is. Refuses a payload over `maximumPayload` with FRAME. */
export function frameHeader(kind: FrameKind, payloadLength: number): Uint8Array {
  if (payloadLength > maximumPayload) throw new Refusal("FRAME", `frame of ${payloadLength} bytes is too long`);
  const header = new Uint8Array(headerBytes);
  new DataView(header.buffer).setUint32(0, payloadLength);
  header[4] = kind.charCodeAt(0);
  return header;
}

/** Cuts a stream of bytes into frames, in time and memory that grow with the bytes alone, however small the pieces. Payloads may be views of the chunks pushed. */
export class FrameReader {
  /** what is pending stands at its start; the rest is room for more */
  #buffer: Uint8Array = new Uint8Array(0);
  #length = 0;

  /** Adds bytes and returns the frames they complete. Refuses unknown kinds and long frames with FRAME, before their payload came. */
  push(chunk: Uint8Array): Frame[] {
    let bytes = this.#length === 0 ? chunk : this.#append(chunk);
    const frames: Frame[] = [];
    for (;;) {
      const length = payloadLength(bytes);
      if (length === undefined || bytes.length < headerBytes + length) break;
      const kind = String.fromCharCode(bytes[4] as number) as FrameKind;
      frames.push({ kind, payload: bytes.subarray(headerBytes, headerBytes + length) });
      bytes = bytes.subarray(headerBytes + length);
    }
    // Memory that payloads were given out of, or that is the caller's, gets no more bytes written behind it.
    if (frames.length > 0 || this.#length === 0) this.#buffer = bytes;
    this.#length = bytes.length;
    return frames;
  }

  /** True between two frames: a stream that ends elsewhere was cut. */
  get between(): boolean {
    return this.#length === 0;
  }

  #append(chunk: Uint8Array): Uint8Array {
    const length = this.#length + chunk.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    return this.#buffer.subarray(0, length);
  }
}

function payloadLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < headerBytes) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const kind = String.fromCharCode(bytes[4] as number);
  if (kind !== "J" && kind !== "B") throw new Refusal("FRAME", `unknown frame kind ${bytes[4]}`);
  if (length > maximumPayload) throw new Refusal("FRAME", `frame of ${length} bytes is too long`);
  return length;
}
