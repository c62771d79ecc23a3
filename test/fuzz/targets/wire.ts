import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { serveSocket } from "../../../host/wire.ts";
import { serveDescriptor } from "../../../host/wire-descriptor.ts";
import { canonicalBytes, type Json } from "../../../manifests/encoding/canonical-json.ts";
import { frameHeader } from "../../../manifests/encoding/frame.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { joined } from "../der-tree.ts";
import { mutateFrames } from "../frames.ts";
import { piecesOf } from "../random.ts";
import { Broken, type Target } from "../target.ts";

function call(method: string, body?: Uint8Array): Uint8Array {
  const payload = canonicalBytes({ method, params: { a: 1 }, body: body !== undefined });
  const end = body ? [frameHeader("B", body.length), body, frameHeader("B", 0)] : [];
  return joined([frameHeader("J", payload.length), payload, ...end]);
}

const seeds = async () => [
  joined([call("count", Uint8Array.of(1, 2, 3)), call("echo")]),
  call("nothing"),
  call("echo", new Uint8Array(0)),
];

/** Calls that come to a server's socket: answers and refusals go back, and no fault but a breach of the frames stays. */
export const wireServer: Target = {
  name: "wire-server",
  seeds,
  mutate: mutateFrames,
  run: async (input) => {
    const faults: unknown[] = [];
    const handlers = {
      echo: async (params: Json) => ({ result: params }),
      count: async (_: Json, { body }: { body: AsyncIterable<Uint8Array> }) => {
        let bytes = 0;
        for await (const piece of body) bytes += piece.length;
        return { result: bytes };
      },
    };
    const socket = new Pieces(piecesOf(input)) as unknown as Socket;
    await serveSocket(socket, handlers, { onFault: (_, fault) => faults.push(fault) });
    for (const fault of faults) if (!(fault instanceof Refusal)) throw fault;
    if (faults[0]) throw faults[0];
    return "served";
  },
};

class Pieces extends Duplex {
  readonly #left: Uint8Array[];

  constructor(pieces: readonly Uint8Array[]) {
    super({ allowHalfOpen: false });
    this.#left = [...pieces];
  }

  override _read(): void {
    this.push(this.#left.shift() ?? null);
  }

  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done();
  }
}

const folder = mkdtempSync(join(tmpdir(), "coldseal-fuzz-wire-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Calls that come to intake over its descriptor. A breach of the frames ends it with a refusal. */
export const wireDescriptor: Target = {
  name: "wire-descriptor",
  seeds: async () => [joined([call("echo"), call("echo")]), call("nothing")],
  mutate: mutateFrames,
  run: async (input) => {
    const path = join(folder, "calls");
    writeFileSync(path, input);
    const descriptor = openSync(path, "r+");
    try {
      let calls = 0;
      await serveDescriptor(descriptor, {
        echo: async (params, progress) => {
          progress(params);
          calls++;
          return { result: params, body: Uint8Array.of(1) };
        },
      });
      if (calls > input.length) throw new Broken("more calls than came");
      return "served";
    } finally {
      closeSync(descriptor);
    }
  },
};
