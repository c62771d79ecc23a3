/** The service: what it consists of, how a request goes through it, how it reads its settings anew, and how it ends. */

import type { Server } from "node:http";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { packageVersion } from "../../host/version.ts";
import { shown } from "../../manifests/records/names.ts";
import { asRefusal, inOneLine } from "../../manifests/refusal.ts";
import { openLedger } from "../ledger-folder.ts";
import { placesOf } from "../publish/places.ts";
import { refusalBody, retryAfter, type Thrown, thrownAt } from "./answer-refusal.ts";
import { Gate } from "./gate.ts";
import { clientOf, handlers } from "./handlers.ts";
import { Health } from "./health.ts";
import { listening, makeServer } from "./listen.ts";
import type { Log } from "./log-lines.ts";
import { Counter } from "./metrics.ts";
import { OpenStore } from "./open-store.ts";
import { type Route, routes } from "./routes.ts";
import { readServeSettings } from "./settings.ts";
import { Uploads } from "./take-upload.ts";
import { readTlsFiles } from "./tls-files.ts";

export interface ServiceOrder {
  /** of the ledger */
  readonly folder: string;
  /** without TLS, on loopback alone */
  readonly plain: boolean;
  readonly log: Log;
  /** whether the probe's log is made and probed; it is unless said */
  readonly probes?: boolean;
}

export interface Service {
  readonly url: string;
  readonly app: FastifyInstance;
  /** Reads settings and certificate files again; where they cannot be used, those of before stay, and the log says so. */
  reload(): void;
  /** Takes nothing new, lets what is under way end for `patience` ms, then ends it. What was taken in stays. */
  stop(patience: number): Promise<void>;
}

/** A rest of a body that is read and thrown away so that a client hears why it was refused; of a larger one the connection ends. */
const mostThrownAway = 1 << 20;

/** Serves on return. Refuses STORE, CONFIG, BUSY. */
export async function startService({ folder, log, plain, probes = true }: ServiceOrder): Promise<Service> {
  let settings = readServeSettings(folder, plain);
  let tls = settings.tls === null ? undefined : readTlsFiles(folder, settings.tls);
  const { origin } = await openedOnce(folder);
  const places = placesOf({ folder, origin });
  const store = new OpenStore(folder);
  const uploads = new Uploads(folder);
  const told = (what: string, { code, message }: { readonly code: string; readonly message: string }) =>
    log(what, { code, message });
  const health = new Health({ folder, origin, store, settings: () => settings.health, told });
  const counts = {
    requests: new Counter("coldseal_ledger_requests_total", "Answers, by route and status."),
    refusals: new Counter("coldseal_ledger_refusals_total", "Refusals, by route and code."),
    connections: new Counter(
      "coldseal_ledger_broken_connections_total",
      "Handshakes and requests that failed, by why.",
    ),
  };
  const broken =
    (what: "tls" | "garbage") => (code: string, socket: { readonly remoteAddress?: string | undefined }) => {
      counts.connections.add({ what, code: known(code) });
      log("broken", { what, code, from: socket.remoteAddress ?? null });
    };
  const gate = new Gate(
    () => settings,
    () => tls?.clientRoots ?? [],
  );
  let server: Server | undefined;
  const refuse = refusing(log, counts.refusals);
  const app = Fastify({
    serverFactory: (listener) => {
      server = makeServer(listener, tls, settings.limits, { tls: broken("tls"), garbage: broken("garbage") });
      return server;
    },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    forceCloseConnections: "idle",
    return503OnClosing: false,
    // A path that cannot be decoded reaches no route, nor what stands before them.
    frameworkErrors: (fault, request, reply) => {
      refuse(request as unknown as FastifyRequest, reply as unknown as FastifyReply, thrownAt(fault));
    },
    routerOptions: { maxParamLength: 256 },
  });
  wire(app, {
    gate,
    refuse,
    requests: counts.requests,
    handlers: handlers({
      ...{ folder, health, log, origin, places, store, uploads },
      version: packageVersion(),
      counters: Object.values(counts),
      refused: counts.refusals,
      settings: () => settings,
    }),
  });
  await app.ready();
  const { address, port } = await listening(server as unknown as Server, settings.listen);
  if (probes) health.start();
  return {
    url: `${tls ? "https" : "http"}://${address.includes(":") ? `[${address}]` : address}:${port}`,
    app,
    reload() {
      try {
        const fresh = readServeSettings(folder, plain);
        const files = fresh.tls === null ? undefined : readTlsFiles(folder, fresh.tls);
        if (files && server && "setSecureContext" in server) (server as TlsServer).setSecureContext(files.context);
        [settings, tls] = [fresh, files];
        log("reloaded", { clients: settings.clients.size });
      } catch (fault) {
        const refusal = asRefusal(fault, "INTERNAL", "a fault of the service");
        log("not reloaded", { code: refusal.code, message: inOneLine(refusal.toRecord()) });
      }
    },
    async stop(patience) {
      gate.close();
      const last = setTimeout(() => server?.closeAllConnections(), patience + 5_000);
      // The server is ours, and so it is not fastify that closes it; connections on which nothing goes on close with it.
      const closed = new Promise<void>((resolve) => server?.close(() => resolve()));
      await Promise.all([uploads.stop(patience), closed]);
      await app.close();
      clearTimeout(last);
      await health.stop();
      await store.close();
    },
  };
}

type TlsServer = Pick<import("node:https").Server, "setSecureContext">;

/** `again`: seconds. */
type Refuse = (
  request: FastifyRequest,
  reply: FastifyReply,
  thrown: Thrown & { readonly again?: number },
) => FastifyReply;

/** Answers with a refusal, which is logged and counted. */
function refusing(log: Log, refusals: Counter): Refuse {
  return (request, reply, thrown) => {
    const asked = routeOf(request);
    const route = asked?.id ?? "none";
    const { again, refusal, status } = thrown;
    const { code, message } = refusal;
    refusals.add({ route, code });
    const why = status >= 500 ? inOneLine(refusal.toRecord()) : message;
    log("refused", {
      route,
      status,
      code,
      message: why,
      client: clientOf(request),
      from: request.socket.remoteAddress,
    });
    const wait = again ?? retryAfter[code];
    if (wait !== undefined && (status === 429 || status === 503)) reply.header("retry-after", `${wait}`);
    if (bodyIsLarge(request)) reply.header("connection", "close");
    return reply
      .code(status)
      .type("application/json; charset=utf-8")
      .send(refusalBody(thrown, asked?.takes !== undefined));
  };
}

interface Wired {
  readonly gate: Gate;
  readonly refuse: Refuse;
  readonly requests: Counter;
  readonly handlers: ReturnType<typeof handlers>;
}

function wire(app: FastifyInstance, { gate, handlers: byId, refuse, requests }: Wired): void {
  // Bodies are streams, whatever they are said to be; the routes that take one say of which type.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
  app.decorateRequest("client", undefined);
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(safe);
    const passed = await gate.pass(request.socket, routeOf(request)?.access ?? "open");
    if ("refusal" in passed) return refuse(request, reply, passed);
    (request as { client?: string | undefined }).client = passed.client;
    const takes = routeOf(request)?.takes;
    if (takes && request.headers["content-type"]?.split(";")[0] !== takes.type) {
      return refuse(request, reply, thrownAt({ statusCode: 415, message: `a body of type ${takes.type} is taken` }));
    }
  });
  app.addHook("onResponse", async (request, reply) => {
    requests.add({ route: routeOf(request)?.id ?? "none", status: `${reply.statusCode}` });
  });
  app.setErrorHandler((fault, request, reply) => refuse(request, reply, thrownAt(fault)));
  app.setNotFoundHandler((request, reply) => {
    return refuse(request, reply, thrownAt({ statusCode: 404, message: `${shown(request.method)} of another path` }));
  });
  for (const route of routes as readonly (Route & { readonly id: keyof typeof byId })[]) {
    app.route({
      method: route.method,
      url: route.url ?? route.path,
      config: { route },
      schema: schemaOf(route),
      handler: byId[route.id],
    });
  }
}

/** On every answer: nothing of it is a page, or part of one. */
const safe = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

function schemaOf({ pathParameters, query, required, url }: Route) {
  const parameters = url?.endsWith("*") ? undefined : pathParameters;
  return {
    querystring: { type: "object", properties: query ?? {}, required: required ?? [], additionalProperties: false },
    ...(parameters ? { params: { type: "object", properties: parameters } } : {}),
  };
}

function routeOf(request: FastifyRequest): Route | undefined {
  return (request.routeOptions?.config as { readonly route?: Route } | undefined)?.route;
}

function bodyIsLarge({ headers, raw }: FastifyRequest): boolean {
  if (headers.expect !== undefined) return true;
  const length = headers["content-length"];
  return (
    !raw.complete &&
    (length === undefined ? headers["transfer-encoding"] !== undefined : Number(length) > mostThrownAway)
  );
}

/** Labels are few words, whatever a client makes the engine say. */
function known(code: string): string {
  return /^[A-Z][A-Z0-9_]{2,60}$/.test(code) ? code : "OTHER";
}

async function openedOnce(folder: string): Promise<{ readonly origin: string }> {
  const { close, origin } = await openLedger(folder);
  close();
  return { origin };
}
