/**
 * The same calls as `wire.ts`, answered over an inherited descriptor with blocking reads and writes: for intake, whose
 * confinement forbids every socket of its own. Handlers are asynchronous; calls are answered one after another.
 */

import { readSync, writeSync } from "node:fs";
import { canonicalBytes, type Json, readCanonical } from "../manifests/encoding/canonical-json.ts";
import { type Frame, type FrameKind, FrameReader, frameHeader } from "../manifests/encoding/frame.ts";
import { anyObject } from "../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../manifests/refusal.ts";
import { refusalJson } from "./wire-stream.ts";

export type DescriptorHandlers = {
  readonly [method: string]: (
    params: Json,
    progress: (value: Json) => void,
  ) => Promise<{ readonly result: Json; readonly body?: Uint8Array }>;
};

/**
 * Answers calls (without bodies) until the other side hangs up. Refuses with FRAME what is not a call. What could not be sent is thrown: half a frame may be out, and
 * whatever followed would be read as its rest, so that both sides would wait for each other.
 */
export async function serveDescriptor(descriptor: number, handlers: DescriptorHandlers): Promise<void> {
  let unsent: { readonly fault: unknown } | undefined;
  const answered = (kind: FrameKind, payload: Uint8Array) => {
    try {
      send(descriptor, kind, payload);
    } catch (fault) {
      unsent ??= { fault };
      throw fault;
    }
  };
  for (const frame of frames(descriptor)) {
    const call = anyObject(readCanonical(frame.payload), "call");
    const { method } = call;
    if (typeof method !== "string") throw new Refusal("FRAME", "a call without method");
    try {
      const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
      if (!handler) throw new Refusal("FRAME", `unknown method ${method}`);
      const progress = (value: Json) => answered("J", canonicalBytes({ progress: value }));
      const answer = await handler(call.params ?? null, progress);
      answered("J", canonicalBytes({ result: answer.result, body: answer.body !== undefined }));
      if (answer.body) sendBody(answered, answer.body);
    } catch (fault) {
      if (unsent) throw unsent.fault;
      const refusal = asRefusal(fault, "INTERNAL", `a fault in intake: ${(fault as Error).message}`);
      answered("J", canonicalBytes({ refusal: refusalJson(refusal) }));
    }
  }
}

/** Frames until the other side closes. */
function* frames(descriptor: number): Generator<Frame> {
  const reader = new FrameReader();
  const buffer = new Uint8Array(64 * 1024);
  for (;;) {
    // A call may come at once or in an hour.
    const length = retried(() => readSync(descriptor, buffer, 0, buffer.length, null), 64);
    if (length === 0) return;
    yield* reader.push(buffer.slice(0, length));
  }
}

function sendBody(out: (kind: FrameKind, payload: Uint8Array) => void, body: Uint8Array): void {
  const piece = 256 * 1024;
  for (let at = 0; at < body.length; at += piece) out("B", body.subarray(at, at + piece));
  out("B", new Uint8Array(0));
}

function send(descriptor: number, kind: FrameKind, payload: Uint8Array): void {
  writeAll(descriptor, frameHeader(kind, payload.length));
  writeAll(descriptor, payload);
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    at += retried(() => writeSync(descriptor, bytes, at, bytes.length - at));
  }
}

/** The descriptor may be non-blocking, as sockets made by Node are: wait 2 ms, up to `longest` ms, and try again. */
function retried(call: () => number, longest = 2): number {
  for (let pause = 2; ; pause = Math.min(longest, pause * 2)) {
    try {
      return call();
    } catch (fault) {
      const code = (fault as NodeJS.ErrnoException).code;
      if (code === "EAGAIN") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause);
      else if (code === "EPIPE" || code === "ECONNRESET") throw new Refusal("STOPPED", "the daemon hung up");
      else if (code !== "EINTR") throw fault;
    }
  }
}
