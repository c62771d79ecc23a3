/**
 * Calls between the box's processes over a Unix socket: one call at a time per connection. A call is a JSON frame
 * `{method, params, body}` and, when `body` is true, byte frames ended by an empty one. The answer is any number of
 * `{progress}`, then `{result, body}` with its byte frames, or `{refusal}`.
 */

import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { concat } from "../manifests/encoding/bytes.ts";
import type { Json } from "../manifests/encoding/canonical-json.ts";
import type { Frame } from "../manifests/encoding/frame.ts";
import { asRefusal, Refusal } from "../manifests/refusal.ts";
import {
  type Body,
  readBody,
  readFrames,
  readMembers,
  readRefusal,
  refusalJson,
  sendBody,
  sendJson,
} from "./wire-stream.ts";

export type { Body };

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
  /** file mode of the socket; 0o600 unless said. Of no meaning for a descriptor */
  readonly mode?: number;
  /** told of faults that are not refusals; the caller only sees INTERNAL */
  onFault?(method: string, fault: unknown): void;
}

/** Connections that a server takes at a time; more are closed at once. */
const mostConnections = 64;

/** the open connections of each server of `serve` */
const connections = new WeakMap<Server, Set<Socket>>();

/**
 * Listens on a socket path, replacing a stale socket, or on the descriptor of a socket that listens already, whose name, owner and mode
 * are its maker's. Resolves when calls are taken. Refuses with BUSY where another process listens, CONFIG where something else than a socket stands.
 */
export async function serve(
  at: string | { readonly fd: number },
  handlers: Handlers,
  options: ServeOptions = {},
): Promise<Server> {
  if (typeof at === "string") await removeStale(at);
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    void serveSocket(socket, handlers, options).finally(() => open.delete(socket));
  });
  connections.set(server, open);
  server.maxConnections = mostConnections;
  await new Promise<void>((resolve, reject) => {
    server.on("error", (fault) => {
      if (server.listening) options.onFault?.("listening", fault);
      else reject(fault);
    });
    if (typeof at === "string") listenAt(server, at, options.mode ?? 0o600, resolve);
    else server.listen(at, resolve);
  });
  return server;
}

function listenAt(server: Server, path: string, mode: number, listening: () => void): void {
  // The umask keeps others out in the moment before chmod; listen() binds before it returns.
  const before = process.umask(0o777 & ~mode);
  try {
    server.listen(path, listening);
  } finally {
    process.umask(before);
  }
  chmodSync(path, mode);
}

/** Ends a server of `serve` at once: no new calls, calls under way are hung up on, the socket's name is gone. */
export async function stopServing(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of connections.get(server) ?? []) socket.destroy();
  await closed;
}

/** Answers the calls that come over one stream until it ends. */
export async function serveSocket(socket: Socket, handlers: Handlers, options: ServeOptions = {}): Promise<void> {
  const stop = new AbortController();
  socket.on("error", () => stop.abort());
  socket.on("end", () => stop.abort());
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
      progress: (value) => void sendJson(socket, { progress: value }).catch(() => undefined),
      signal,
    });
    await body.finish();
    await sendJson(socket, { result: answer.result, body: answer.body !== undefined });
    if (answer.body) await sendBody(socket, answer.body);
  } catch (fault) {
    if (signal.aborted) throw fault;
    if (!(fault instanceof Refusal)) options.onFault?.(call.method, fault);
    await body.finish();
    await sendJson(socket, { refusal: refusalJson(asRefusal(fault, "INTERNAL", "a fault inside the box")) });
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

/** A connection over a socket that is there already, such as one end of a pair of which a child process has the other. */
export function overSocket(socket: Socket): Connection {
  socket.on("error", () => undefined);
  const frames = readFrames(socket);
  return {
    async call(method, params, options = {}) {
      try {
        await sendJson(socket, { method, params, body: options.body !== undefined });
        if (options.body) await sendBody(socket, options.body);
      } catch (fault) {
        // A hang-up may have left its refusal to be read; without the whole body nothing else is to be waited for.
        if (!(fault instanceof Refusal && fault.code === "UNREACHABLE")) {
          socket.destroy();
          throw fault;
        }
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
    const answer = readMembers(next.value.payload);
    if (answer.progress !== undefined) onProgress?.(answer.progress);
    else if (answer.refusal !== undefined) throw readRefusal(answer.refusal);
    else if (answer.result !== undefined) {
      return { result: answer.result, body: readBody(frames, answer.body === true).bytes };
    } else throw new Refusal("FRAME", "an answer without result");
  }
}

/**
 * Milliseconds for what every process of the box answers at once, whatever it is doing. Where systemd holds a socket, connecting succeeds although the process
 * behind it does not start: only that no answer comes tells.
 */
export const promptly = 20_000;

/**
 * One call over a connection of its own; the answer's body is collected, up to `maximumBody` bytes (64 MiB unless said).
 * When `signal` aborts it hangs up and refuses with STOPPED; with UNREACHABLE where `within` is given and no answer came in so many milliseconds.
 */
export async function callOnce(
  path: string,
  method: string,
  params: Json,
  options: {
    readonly body?: Body;
    readonly onProgress?: (value: Json) => void;
    readonly maximumBody?: number;
    readonly signal?: AbortSignal;
    readonly within?: number;
  } = {},
): Promise<{ readonly result: Json; readonly body: Uint8Array }> {
  const connection = await connect(path);
  const hangUp = () => connection.close();
  let late = false;
  const tooLate = () => {
    late = true;
    hangUp();
  };
  const timer = options.within === undefined ? undefined : setTimeout(tooLate, options.within);
  options.signal?.addEventListener("abort", hangUp);
  if (options.signal?.aborted) hangUp();
  try {
    const { result, body } = await connection.call(method, params, options);
    return { result, body: await collect(body, options.maximumBody ?? 64 << 20) };
  } catch (fault) {
    if (options.signal?.aborted) throw new Refusal("STOPPED", `the call of ${method} was stopped`, { cause: fault });
    if (late) throw new Refusal("UNREACHABLE", `nobody answers at ${path}: does its process start?`, { about: path });
    throw fault;
  } finally {
    clearTimeout(timer);
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

function readCall(frame: Frame): { method: string; params: Json; body: boolean } {
  if (frame.kind !== "J") throw new Refusal("FRAME", "expected a call, got bytes");
  const call = readMembers(frame.payload);
  if (typeof call.method !== "string") throw new Refusal("FRAME", "a call without method");
  return { method: call.method, params: call.params ?? null, body: call.body === true };
}

async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) throw new Refusal("CONFIG", `${path} is not a socket`, { about: path });
  const alive = await connect(path).then(
    (connection) => {
      connection.close();
      return true;
    },
    () => false,
  );
  if (alive) throw new Refusal("BUSY", `another process already listens at ${path}`, { about: path });
  unlinkSync(path);
}
