/** A witness's HTTP interface (c2sp.org/tlog-witness, "HTTP Interface"): add-checkpoint, and the checkpoints that it cosigned. Requests are bounded in size, time and number. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { concat } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { mostBodyBytes } from "./add-checkpoint.ts";
import { addCheckpoint, cosignedCheckpoint, type Witness } from "./cosign.ts";

export interface ListenAt {
  readonly host: string;
  /** 0 for any that is free */
  readonly port: number;
}

const mostConnections = 64;
/** milliseconds for a request to have come in whole */
const patience = 10_000;

/** Serves; the port it listens at stands in `server.address()`. Refuses BUSY where the port is taken, CONFIG where it cannot be listened at. */
export async function serveWitness(witness: Witness, { host, port }: ListenAt): Promise<Server> {
  const server = createServer(
    { requestTimeout: patience, headersTimeout: patience, maxHeaderSize: 8192, connectionsCheckingInterval: 1000 },
    (request, response) => {
      const { socket } = request; // a request that was broken off has none any more
      answer(witness, request, response).catch(() => socket.destroy());
    },
  );
  server.maxConnections = mostConnections;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const code = cause.code === "EADDRINUSE" ? "BUSY" : "CONFIG";
      reject(new Refusal(code, `the witness cannot listen at ${host} port ${port}`, { got: cause.code ?? "", cause }));
    });
    server.listen(port, host, resolve);
  });
  return server;
}

async function answer(witness: Witness, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? "";
  const [, hash] = /^\/([0-9a-f]{64})\/checkpoint$/.exec(path) ?? [];
  if (path === "/add-checkpoint") {
    if (request.method !== "POST") return end(response, 405, "POST is what this takes\n");
    const body = await readBody(request);
    if (body === undefined) return end(response, 413, `at most ${mostBodyBytes} bytes are taken\n`);
    const { body: text, size, status } = await addCheckpoint(witness, body);
    return end(response, status, text, size ? "text/x.tlog.size" : undefined);
  }
  if (hash !== undefined && request.method === "GET") {
    const checkpoint = await cosignedCheckpoint(witness, hash);
    return checkpoint ? end(response, 200, checkpoint) : end(response, 404, "no checkpoint was cosigned\n");
  }
  return end(response, 404, "there is nothing here\n");
}

function end(
  response: ServerResponse,
  status: number,
  body: string | Uint8Array,
  type = "text/plain; charset=utf-8",
): void {
  if (status === 413) response.setHeader("connection", "close");
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
}

/** Undefined where the request says that it is longer than any; one that does not say so and is, is hung up on. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > mostBodyBytes) return undefined;
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of request as AsyncIterable<Uint8Array>) {
    length += piece.length;
    if (length > mostBodyBytes) throw new Refusal("LOG-FORM", "a request without end");
    pieces.push(piece);
  }
  return concat(pieces);
}
