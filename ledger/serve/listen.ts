/** The server below the routes: TLS or plain, with limits that a slow or a talkative client meets before anything of the ledger's. */

import { createServer as createPlain, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTls, type Server as TlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { Refusal } from "../../manifests/refusal.ts";
import type { ServeSettings } from "./settings.ts";
import type { TlsFiles } from "./tls-files.ts";

const mostConnections = 512;
/** milliseconds: for a handshake, for headers, between two requests, and for a connection on which nothing moves */
const handshakePatience = 10_000;
const headersPatience = 10_000;
const keepAlive = 5_000;
const idle = 60_000;
const mostRequestsAConnection = 10_000;

export interface Heard {
  /** a handshake that failed; `code` is OpenSSL's or the system's */
  tls(code: string, socket: Socket): void;
  /** bytes that are no request, or one that is too long or too slow */
  garbage(code: string, socket: Socket): void;
}

/** Not listening yet. */
export function makeServer(
  listener: RequestListener,
  tls: TlsFiles | undefined,
  { uploadSeconds }: ServeSettings["limits"],
  heard: Heard,
): Server {
  const options: ServerOptions = {
    connectionsCheckingInterval: 1000,
    headersTimeout: headersPatience,
    keepAliveTimeout: keepAlive,
    maxHeaderSize: 8192,
    // Of all of it; one that stops in between is over after `idle`.
    requestTimeout: Math.max(uploadSeconds * 1000, headersPatience),
    insecureHTTPParser: false,
  };
  const server: Server | TlsServer = tls
    ? createTls(
        {
          ...options,
          ...tls.context,
          handshakeTimeout: handshakePatience,
          // Roots may come while it runs: whether one is asked for cannot be changed then.
          requestCert: true,
          // Readers need none; who shows one is looked at by clients.ts, where a refusal has words.
          rejectUnauthorized: false,
        },
        listener,
      )
    : createPlain(options, listener);
  server.maxConnections = mostConnections;
  server.maxRequestsPerSocket = mostRequestsAConnection;
  server.timeout = idle;
  // Whoever asks whether to send a body hears so when it is wanted (handlers.ts), and never where it is refused.
  server.on("checkContinue", listener);
  const shaken = new WeakSet<object>();
  server.on("secureConnection", (socket: Socket) => shaken.add(socket));
  server.on("clientError", (fault: NodeJS.ErrnoException, socket: Socket) => {
    const code = fault.code ?? "unknown";
    if (tls && !shaken.has(socket)) {
      heard.tls(code, socket);
      socket.destroy();
      return;
    }
    heard.garbage(code, socket);
    if (socket.writable) socket.end(`HTTP/1.1 ${statusLine(code)}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    else socket.destroy();
  });
  return server;
}

/** The address that it listens at. Refuses BUSY where the port is taken, CONFIG where it cannot be listened at. */
export async function listening(server: Server, { host, port }: ServeSettings["listen"]): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const code = cause.code === "EADDRINUSE" ? "BUSY" : "CONFIG";
      reject(new Refusal(code, `the service cannot listen at ${host} port ${port}`, { got: cause.code ?? "", cause }));
    });
    server.listen(port, host, resolve);
  });
  return server.address() as AddressInfo;
}

function statusLine(code: string): string {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return "431 Request Header Fields Too Large";
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return "408 Request Timeout";
    default:
      return "400 Bad Request";
  }
}
