/** What calls over a socket are made of: frames with back-pressure both ways, bodies, refusals (see `wire.ts`). */

import type { Socket } from "node:net";
import { canonicalBytes, type Json, readCanonical } from "../manifests/encoding/canonical-json.ts";
import { type Frame, type FrameKind, FrameReader, frameHeader } from "../manifests/encoding/frame.ts";
import { anyObject, object, optional, type Reader } from "../manifests/encoding/shape.ts";
import { Refusal } from "../manifests/refusal.ts";

/** Pieces of a body; their memory must not be used again after they were given. */
export type Body = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

const bodyPiece = 256 * 1024;
/** Frames read ahead of who takes them, in bytes of memory, before the socket is paused. */
const readAhead = 1 << 20;
/** What a frame takes besides its payload: without it, empty frames would never pause the socket. */
const frameMemory = 256;

/**
 * The frames of a socket. Reads on while nobody takes them, up to `readAhead`, so that a hang-up is noticed in the
 * middle of a call; ends when the other side went away. Refuses with FRAME.
 */
export function readFrames(socket: Socket): AsyncIterator<Frame> {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  let held = 0;
  let ended = false;
  let fault: unknown;
  let wake: (() => void) | undefined;
  const stir = () => {
    wake?.();
    wake = undefined;
  };
  socket.on("data", (chunk: Uint8Array) => {
    try {
      for (const frame of reader.push(chunk)) {
        frames.push(frame);
        held += frameMemory + frame.payload.length;
      }
    } catch (thrown) {
      fault = thrown;
      socket.destroy();
    }
    if (held > readAhead) socket.pause();
    stir();
  });
  for (const event of ["end", "close", "error"]) {
    socket.on(event, () => {
      ended = true;
      stir();
    });
  }
  return {
    async next() {
      for (;;) {
        const value = frames.shift();
        if (value) {
          held -= frameMemory + value.payload.length;
          if (held <= readAhead && socket.isPaused()) socket.resume();
          return { done: false, value };
        }
        if (fault) throw fault;
        if (ended) return { done: true, value: undefined };
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

/** The members of a JSON frame. Refuses with JSON or SHAPE. */
export function readMembers(payload: Uint8Array): { readonly [name: string]: Json } {
  return anyObject(readCanonical(payload), "frame");
}

/** Words of a refusal may hold what a person typed, or names from a stick: any string. */
const words: Reader<string> = (value, path) => {
  if (typeof value === "string") return value;
  throw new Refusal("SHAPE", `${path}: expected text`, { expected: "text", got: typeof value, about: path });
};
const readRefusalMembers = object({
  about: optional(words),
  code: words,
  expected: optional(words),
  got: optional(words),
  message: words,
});

/** A refusal as it goes into a frame, whatever its words hold. */
export function refusalJson(refusal: Refusal): Json {
  const members = Object.entries(refusal.toRecord()).map(([name, value]) => [name, String(value).toWellFormed()]);
  return Object.fromEntries(members) as { readonly [name: string]: string };
}

/** A refusal that came in a frame. Refuses with SHAPE what is none. */
export function readRefusal(value: Json): Refusal {
  return Refusal.fromRecord(readRefusalMembers(value, "refusal"));
}

/** The body that follows a call or an answer. Refuses with UNREACHABLE when it was cut, FRAME, or what the sender refused. */
export function readBody(frames: AsyncIterator<Frame>, present: boolean) {
  let done = !present;
  async function* bytes(): AsyncGenerator<Uint8Array> {
    while (!done) {
      const next = await frames.next();
      if (next.done) throw new Refusal("UNREACHABLE", "the other process hung up in the middle of a body");
      if (next.value.kind !== "B") throw brokenOff(next.value);
      if (next.value.payload.length === 0) done = true;
      else yield next.value.payload;
    }
  }
  return {
    bytes: bytes(),
    /** reads over what is left of the body */
    async finish() {
      while (!done) {
        const next = await frames.next();
        if (next.done || next.value.payload.length === 0) done = true;
      }
    },
  };
}

/** What stands in the middle of a body: the refusal of who could not go on with it, or a breach of the protocol. */
function brokenOff(frame: Frame): Refusal {
  const { refusal } = readMembers(frame.payload);
  return refusal === undefined ? new Refusal("FRAME", "expected bytes of a body") : readRefusal(refusal);
}

/** Sends a JSON frame; resolves when the socket takes more. Refuses with UNREACHABLE. */
export async function sendJson(socket: Socket, value: Json): Promise<void> {
  await send(socket, "J", canonicalBytes(value));
}

/** Sends a body and its end. Refuses with UNREACHABLE; what the body throws passes. */
export async function sendBody(socket: Socket, body: Body): Promise<void> {
  for await (const piece of body) {
    for (let at = 0; at < piece.length; at += bodyPiece) await send(socket, "B", piece.subarray(at, at + bodyPiece));
  }
  await send(socket, "B", new Uint8Array(0));
}

async function send(socket: Socket, kind: FrameKind, payload: Uint8Array): Promise<void> {
  if (socket.destroyed) throw new Refusal("UNREACHABLE", "the other process hung up");
  socket.cork();
  socket.write(frameHeader(kind, payload.length));
  const taken = socket.write(payload);
  socket.uncork();
  if (!taken) await drained(socket);
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      socket.off("drain", settle);
      socket.off("close", settle);
      if (socket.destroyed) reject(new Refusal("UNREACHABLE", "the other process hung up"));
      else resolve();
    };
    socket.once("drain", settle);
    socket.once("close", settle);
    if (socket.destroyed || !socket.writableNeedDrain) settle();
  });
}
