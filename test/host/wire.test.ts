import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { callOnce, collect, connect, type Handlers, serve, stopServing } from "../../host/wire.ts";
import { readFrames } from "../../host/wire-stream.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";

let folder: string;
let path: string;
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-wire-"));
  path = join(folder, "s.sock");
});

afterEach(async () => {
  for (const server of servers.splice(0)) await stopServing(server);
  rmSync(folder, { recursive: true, force: true });
});

async function serving(handlers: Handlers, faults: unknown[] = []): Promise<Server> {
  const server = await serve(path, handlers, { onFault: (_, fault) => faults.push(fault) });
  servers.push(server);
  return server;
}

const megabytes = (count: number) =>
  (async function* () {
    for (let n = 0; n < count; n++) yield new Uint8Array(1 << 20).fill(n);
  })();

describe("calls over a socket", () => {
  it("FRAME: a call with a body is answered with progress, a result and a body", async () => {
    await serving({
      async double(params, call) {
        const bytes = await collect(call.body, 64 << 20);
        call.progress({ got: bytes.length });
        return { result: { params }, body: [bytes, bytes] };
      },
    });
    const progress: unknown[] = [];
    const answer = await callOnce(
      path,
      "double",
      { a: 1 },
      { body: megabytes(3), onProgress: (v) => progress.push(v) },
    );
    expect(answer.result).toEqual({ params: { a: 1 } });
    expect(progress).toEqual([{ got: 3 << 20 }]);
    expect(answer.body.length).toBe(6 << 20);
    expect([answer.body[0], answer.body[(2 << 20) + 5], answer.body[(5 << 20) + 5]]).toEqual([0, 2, 2]);
  });

  it("FRAME: one connection takes one call after another, also after a refusal", async () => {
    await serving({
      async echo(params) {
        return { result: params };
      },
      async refuse() {
        throw new Refusal("QUORUM", "one is missing", { expected: "2", got: "1", about: "b" });
      },
    });
    const connection = await connect(path);
    expect((await connection.call("echo", 1)).result).toBe(1);
    const refusal = await connection.call("refuse", null).catch((fault) => fault);
    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal.toRecord()).toEqual({
      code: "QUORUM",
      message: "one is missing",
      expected: "2",
      got: "1",
      about: "b",
    });
    expect((await connection.call("echo", 2)).result).toBe(2);
    connection.close();
  });

  it("FRAME: an early refusal of a long body comes back, and the next call works", async () => {
    await serving({
      async early(params) {
        if (params === "now") throw new Refusal("LOCKED", "locked");
        return { result: "fine" };
      },
    });
    const connection = await connect(path);
    await expect(connection.call("early", "now", { body: megabytes(8) })).rejects.toMatchObject({ code: "LOCKED" });
    expect((await connection.call("early", "later")).result).toBe("fine");
    connection.close();
  });

  it("INTERNAL: a fault inside shows no detail to the caller and is told to the server", async () => {
    const faults: unknown[] = [];
    await serving(
      {
        async broken() {
          throw new TypeError("the PIN is 1234");
        },
      },
      faults,
    );
    const refusal = await callOnce(path, "broken", null).catch((fault) => fault);
    expect(refusal.code).toBe("INTERNAL");
    expect(JSON.stringify(refusal.toRecord())).not.toContain("1234");
    expect(faults).toHaveLength(1);
  });

  it("FRAME: unknown methods are refused, also names that every object has", async () => {
    await serving({});
    for (const method of ["nothing", "toString", "__proto__", "constructor"]) {
      await expect(callOnce(path, method, null)).rejects.toMatchObject({ code: "FRAME" });
    }
  });

  it("FRAME: a refusal whose words are no Unicode text still arrives", async () => {
    await serving({
      async odd() {
        throw new Refusal("MEDIA-NAME", "name \ud800");
      },
    });
    await expect(callOnce(path, "odd", null)).rejects.toMatchObject({ code: "MEDIA-NAME", message: "name \ufffd" });
  });

  it("UNREACHABLE: nobody listens; the other side hangs up in the middle of a body", async () => {
    await expect(connect(path)).rejects.toMatchObject({ code: "UNREACHABLE" });
    const server = await serving({
      async half() {
        return {
          result: null,
          body: (async function* () {
            yield utf8("half");
            void stopServing(server);
            await new Promise(() => undefined);
          })(),
        };
      },
    });
    await expect(callOnce(path, "half", null)).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  it("UNREACHABLE: a socket that takes connections and behind which nobody answers, in the time given", async () => {
    const silent = createServer();
    await new Promise<void>((done) => silent.listen(path, done));
    await expect(callOnce(path, "status", {}, { within: 50 })).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringContaining("nobody answers"),
    });
    silent.close();
  });

  it("HONEST: a body that its sender cannot finish ends in the sender's refusal, never in a shorter body", async () => {
    await serving({
      async cut() {
        return {
          result: null,
          body: (async function* () {
            yield utf8("begun");
            throw new Refusal("STORE", "the disk failed");
          })(),
        };
      },
    });
    await expect(callOnce(path, "cut", null)).rejects.toMatchObject({ code: "STORE" });
  });

  it("HONEST: a caller whose own body fails gets its own fault", async () => {
    await serving({
      async take(_, call) {
        return { result: (await collect(call.body, 1 << 20)).length };
      },
    });
    const body = (async function* () {
      yield utf8("begun");
      throw new Error("disk");
    })();
    await expect(callOnce(path, "take", null, { body })).rejects.toThrow("disk");
  });

  it("STOPPED: a caller that hangs up aborts the handler at once, though it sends nothing", async () => {
    const aborted = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    await serving({
      async wait(_, call) {
        call.signal.addEventListener("abort", () => aborted.resolve());
        begun.resolve();
        await aborted.promise;
        return { result: null };
      },
    });
    const stop = new AbortController();
    const call = callOnce(path, "wait", null, { signal: stop.signal });
    await begun.promise;
    stop.abort();
    await expect(call).rejects.toMatchObject({ code: "STOPPED" });
    await aborted.promise;
  });

  it("FRAME: progress to a caller who left is no fault", async () => {
    const done = Promise.withResolvers<string>();
    await serving({
      async chatter(_, call) {
        call.progress({ n: 0 });
        await new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve()));
        for (let n = 0; n < 10; n++) call.progress({ n });
        done.resolve("survived");
        return { result: null };
      },
    });
    const connection = await connect(path);
    void connection.call("chatter", null, { onProgress: () => connection.close() }).catch(() => undefined);
    expect(await done.promise).toBe("survived");
  });

  it("FRAME: garbage instead of a call ends that connection only", async () => {
    const faults: unknown[] = [];
    await serving(
      {
        async echo(params) {
          return { result: params };
        },
      },
      faults,
    );
    for (const garbage of ["GET / HTTP/1.1\r\n\r\n", "\0\0\0\u0004Jnull", "\0\0\0\u0001B!", "\xff\xff\xff\xffJ"]) {
      await new Promise<void>((resolve) => {
        const socket = createConnection(path, () => socket.write(Buffer.from(garbage, "latin1")));
        socket.on("error", () => undefined);
        socket.on("close", () => resolve());
        socket.resume();
      });
    }
    expect(faults.map((fault) => (fault as Refusal).code)).toEqual(["FRAME", "SHAPE", "FRAME", "FRAME"]);
    expect((await callOnce(path, "echo", "still here")).result).toBe("still here");
  });

  it("T4: empty frames that nobody takes pause the socket, as full ones do", async () => {
    const paused = Promise.withResolvers<Socket>();
    const server = createServer((socket) => {
      readFrames(socket);
      paused.resolve(socket);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const peer = createConnection(path);
    const empty = Buffer.from([0, 0, 0, 0, 0x42]);
    peer.write(Buffer.concat(Array<Buffer>(50_000).fill(empty)));
    const socket = await paused.promise;
    await vi.waitFor(() => expect(socket.isPaused()).toBe(true), { timeout: 10_000 });
    peer.destroy();
    socket.destroy();
  });

  it("FRAME: a body longer than the caller takes is refused", async () => {
    await serving({
      async long() {
        return { result: null, body: megabytes(4) };
      },
    });
    await expect(callOnce(path, "long", null, { maximumBody: 1 << 20 })).rejects.toMatchObject({ code: "FRAME" });
  });
});

describe("the socket's name", () => {
  it("T30: the socket is its owner's only, from the first moment", async () => {
    await serving({});
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("BUSY: a second server does not take a socket over; a stale one is replaced", async () => {
    const first = await serving({});
    await expect(serve(path, {})).rejects.toMatchObject({ code: "BUSY" });
    await stopServing(first);
    // A socket whose server was killed: its name is still there.
    const dead = createServer().listen(path);
    await new Promise((resolve) => dead.once("listening", resolve));
    renameSync(path, `${path}.kept`);
    await new Promise((resolve) => dead.close(resolve));
    renameSync(`${path}.kept`, path);
    await serving({});
    await expect(callOnce(path, "any", null)).rejects.toMatchObject({ code: "FRAME" });
  });

  it("CONFIG: a file that is no socket is left alone", async () => {
    writeFileSync(path, "precious");
    await expect(serve(path, {})).rejects.toMatchObject({ code: "CONFIG" });
    expect(statSync(path).size).toBe(8);
  });
});
