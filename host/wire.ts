/**
 * Calls between the box's processes over a Unix socket: one call at a time per connection. A call is a JSON frame
 * `{method, params, body}` and, when `body` is true, byte frames ended by an empty one. The answer is any number of
 * `{progress}`, then `{result, body}` with its byte frames, or `{refusal}`.
 */

import { chmodSync, unlinkSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { concat } from "../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json, readCanonical } from "../manifests/encoding/canonical-json.ts";
import { type Frame, type FrameKind, FrameReader, frameHeader } from "../manifests/encoding/frame.ts";
import { asRefusal, Refusal } from "../manifests/refusal.ts";

export type Body = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export interface Answer {
  readonly result: Json;
  readonly body?: Body;
}

export interface IncomingCall {
  /** the call's body; must be read before the answer where the method has one */
  readonly body: AsyncIterable<Uint8Array>;
  progress(value: Json): void;
  /** aborts when the caller hangs up */
  readonly signal: AbortSignal;
}

export type Handlers = { readonly [method: string]: (params: Json, call: IncomingCall) => Promise<Answer> };

export interface ServeOptions {
  /** file mode of the socket; 0o600 unless said */
  readonly mode?: number;
  /** told of faults that are not refusals; the caller only sees INTERNAL */
  onFault?(method: string, fault: unknown): void;
}

const bodyPiece = 256 * 1024;

/** Listens on a socket path, replacing a stale one. Resolves when calls are taken. */
export async function serve(path: string, handlers: Handlers, options: ServeOptions = {}): Promise<Server> {
  await removeStale(path);
  const server = createServer((socket) => void serveSocket(socket, handlers, options));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, options.mode ?? 0o600);
  return server;
}

/** Answers the calls that come over one stream until it ends. */
export async function serveSocket(socket: Socket, handlers: Handlers, options: ServeOptions = {}): Promise<void> {
  const stop = new AbortController();
  socket.on("error", () => stop.abort());
  socket.on("close", () => stop.abort());
  const frames = readFrames(socket);
  try {
    for (;;) {
      const next = await frames.next();
      if (next.done) break;
      await answerCall(socket, next.value, frames, handlers, options, stop.signal);
    }
  } catch (fault) {
    if (!stop.signal.aborted) options.onFault?.("connection", fault);
  } finally {
    socket.destroy();
  }
}

async function answerCall(
  socket: Socket,
  frame: Frame,
  frames: AsyncIterator<Frame>,
  handlers: Handlers,
  options: ServeOptions,
  signal: AbortSignal,
): Promise<void> {
  const call = readCall(frame);
  const body = readBody(frames, call.body);
  try {
    const handler = Object.hasOwn(handlers, call.method) ? handlers[call.method] : undefined;
    if (!handler) throw new Refusal("FRAME", `unknown method ${call.method}`);
    const answer = await handler(call.params, {
      body: body.bytes,
      progress: (value) => void sendJson(socket, { progress: value }),
      signal,
    });
    await body.finish();
    await sendJson(socket, { result: answer.result, body: answer.body !== undefined });
    if (answer.body) await sendBody(socket, answer.body);
  } catch (fault) {
    if (signal.aborted) throw fault;
    if (!(fault instanceof Refusal)) options.onFault?.(call.method, fault);
    await body.finish();
    await sendJson(socket, { refusal: { ...asRefusal(fault, "INTERNAL", "a fault inside the box").toRecord() } });
  }
}

/** A connection for one call after another. */
export interface Connection {
  /**
   * Calls a method. Resolves with its result; the body of the answer must be read to its end (or the connection
   * closed) before the next call. Throws the refusal that came back, or UNREACHABLE.
   */
  call(
    method: string,
    params: Json,
    options?: { readonly body?: Body; readonly onProgress?: (value: Json) => void },
  ): Promise<{ readonly result: Json; readonly body: AsyncIterable<Uint8Array> }>;
  close(): void;
}

/** Connects to a socket path. Refuses with UNREACHABLE. */
export async function connect(path: string): Promise<Connection> {
  const socket = createConnection(path);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", (cause) => reject(new Refusal("UNREACHABLE", `no answer at ${path}`, { about: path, cause })));
  });
  return overSocket(socket);
}

function overSocket(socket: Socket): Connection {
  socket.on("error", () => undefined);
  const frames = readFrames(socket);
  return {
    async call(method, params, options = {}) {
      try {
        await sendJson(socket, { method, params, body: options.body !== undefined });
        if (options.body) await sendBody(socket, options.body);
      } catch (fault) {
        // An early refusal closes the way in; it is still there to be read.
        if (fault instanceof Refusal && fault.code !== "UNREACHABLE") throw fault;
      }
      return readAnswer(frames, options.onProgress);
    },
    close: () => socket.destroy(),
  };
}

async function readAnswer(frames: AsyncIterator<Frame>, onProgress?: (value: Json) => void) {
  for (;;) {
    const next = await frames.next();
    if (next.done) throw new Refusal("UNREACHABLE", "the other process hung up");
    if (next.value.kind !== "J") throw new Refusal("FRAME", "expected an answer, got bytes");
    const answer = readCanonical(next.value.payload) as { [name: string]: Json };
    if (answer.progress !== undefined) onProgress?.(answer.progress);
    else if (answer.refusal !== undefined)
      throw Refusal.fromRecord(answer.refusal as { code: string; message: string });
    else if (answer.result !== undefined) {
      return { result: answer.result, body: readBody(frames, answer.body === true).bytes };
    } else throw new Refusal("FRAME", "an answer without result");
  }
}

/** One call over a connection of its own; the answer's body is collected, up to `maximumBody` bytes (64 MiB unless said). */
export async function callOnce(
  path: string,
  method: string,
  params: Json,
  options: {
    readonly body?: Body;
    readonly onProgress?: (value: Json) => void;
    readonly maximumBody?: number;
    readonly signal?: AbortSignal;
  } = {},
): Promise<{ readonly result: Json; readonly body: Uint8Array }> {
  const connection = await connect(path);
  const hangUp = () => connection.close();
  options.signal?.addEventListener("abort", hangUp);
  try {
    const { result, body } = await connection.call(method, params, options);
    return { result, body: await collect(body, options.maximumBody ?? 64 << 20) };
  } finally {
    options.signal?.removeEventListener("abort", hangUp);
    connection.close();
  }
}

/** All bytes of a stream. Refuses with FRAME beyond `maximum`. */
export async function collect(stream: AsyncIterable<Uint8Array>, maximum: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stream) {
    length += part.length;
    if (length > maximum) throw new Refusal("FRAME", `expected at most ${maximum} bytes`);
    parts.push(part);
  }
  return concat(parts);
}

async function* readFrames(socket: Socket): AsyncGenerator<Frame> {
  const reader = new FrameReader();
  try {
    for await (const chunk of socket) yield* reader.push(chunk as Uint8Array);
  } catch (fault) {
    if (fault instanceof Refusal) throw fault;
    return; // the other side went away
  }
}

function readCall(frame: Frame): { method: string; params: Json; body: boolean } {
  if (frame.kind !== "J") throw new Refusal("FRAME", "expected a call, got bytes");
  const call = readCanonical(frame.payload) as { [name: string]: Json };
  if (typeof call.method !== "string") throw new Refusal("FRAME", "a call without method");
  return { method: call.method, params: call.params ?? null, body: call.body === true };
}

function readBody(frames: AsyncIterator<Frame>, present: boolean) {
  let done = !present;
  async function* bytes(): AsyncGenerator<Uint8Array> {
    while (!done) {
      const next = await frames.next();
      if (next.done) throw new Refusal("UNREACHABLE", "the other process hung up in the middle of a body");
      if (next.value.kind !== "B") throw new Refusal("FRAME", "expected bytes of a body");
      if (next.value.payload.length === 0) done = true;
      else yield next.value.payload;
    }
  }
  const stream = bytes();
  return {
    bytes: stream,
    /** reads over what is left of the body */
    async finish() {
      while (!done) {
        const next = await frames.next();
        if (next.done || next.value.payload.length === 0) done = true;
      }
    },
  };
}

async function sendJson(socket: Socket, value: Json): Promise<void> {
  await send(socket, "J", canonicalBytes(value));
}

async function sendBody(socket: Socket, body: Body): Promise<void> {
  for await (const piece of body) {
    for (let at = 0; at < piece.length; at += bodyPiece) await send(socket, "B", piece.subarray(at, at + bodyPiece));
  }
  await send(socket, "B", new Uint8Array(0));
}

async function send(socket: Socket, kind: FrameKind, payload: Uint8Array): Promise<void> {
  if (socket.destroyed) throw new Refusal("UNREACHABLE", "the other process hung up");
  socket.write(frameHeader(kind, payload.length));
  if (payload.length > 0 && !socket.write(payload)) await drained(socket);
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
  });
}

async function removeStale(path: string): Promise<void> {
  const alive = await connect(path).then(
    (connection) => {
      connection.close();
      return true;
    },
    () => false,
  );
  if (alive) throw new Refusal("BUSY", `another process already listens at ${path}`, { about: path });
  try {
    unlinkSync(path);
  } catch {
    // nothing was there
  }
}
