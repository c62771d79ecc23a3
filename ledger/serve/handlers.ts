/** What each route does. Who may, how often and how much was looked at before (gate.ts). */

import type { FastifyReply, FastifyRequest } from "fastify";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { digestIn, findSeals } from "../answers/find.ts";
import { HalfTaken } from "./answer-refusal.ts";
import { healthFigures, ledgerFigures } from "./figures.ts";
import type { Health } from "./health.ts";
import type { Log } from "./log-lines.ts";
import { type Counter, type Family, metricsText, metricsType } from "./metrics.ts";
import type { OpenStore } from "./open-store.ts";
import { openApi } from "./openapi.ts";
import { consistencyAnswer, inclusionAnswer, publishedNote, publishedTile, type ReadPlace } from "./published-log.ts";
import type { RouteId } from "./routes.ts";
import type { ServeSettings } from "./settings.ts";
import type { IngestAnswer, Receive, Uploads } from "./take-upload.ts";
import { placeRecord, type RecordKind, tooLarge, unpackArchive } from "./unpack-upload.ts";

export interface HandlersOf {
  readonly folder: string;
  readonly origin: string;
  readonly version: string;
  readonly places: readonly ReadPlace[];
  readonly store: OpenStore;
  readonly health: Health;
  readonly uploads: Uploads;
  readonly counters: readonly Counter[];
  /** of these, the one of refusals */
  readonly refused: Counter;
  readonly settings: () => ServeSettings;
  readonly log: Log;
}

export type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** Seals that one search is told of: each is looked at with all that may take it back. */
const mostFound = 50;
const forEver = "public, max-age=31536000, immutable";

export function handlers(of: HandlersOf): Readonly<Record<RouteId, Handler>> {
  const { folder, health, origin, places, store, version } = of;
  const document = openApi(origin, version);
  return {
    checkpoint: async (_, reply) => {
      const { note } = await publishedNote(places);
      return reply.type("text/plain; charset=utf-8").header("cache-control", "no-cache").send(Buffer.from(note));
    },
    tile: async (request, reply) => {
      // As it came: what the router decoded could be another path.
      const bytes = await publishedTile(places, (request.raw.url ?? "").slice(1));
      if (bytes === undefined) throw new Refusal("UNPUBLISHED", "no such tile is published");
      return reply.type("application/octet-stream").header("cache-control", forEver).send(Buffer.from(bytes));
    },
    inclusion: async (request) => {
      const { index, size } = request.query as { readonly index: string; readonly size?: string };
      return inclusionAnswer(places, Number(index), numberOf(size));
    },
    consistency: async (request) => {
      const { from, size } = request.query as { readonly from: string; readonly size?: string };
      return consistencyAnswer(places, Number(from), numberOf(size));
    },
    find: async (request) => {
      const digest = digestIn((request.params as { readonly digest: string }).digest) as string;
      const { from = "1" } = request.query as { readonly from?: string };
      const wanted = { from: Number(from), most: mostFound };
      const { next, seals } = await store.reading((sql) => findSeals(sql, [digest], utcOf(Date.now()), wanted));
      return { digests: [digest], sealed: seals.some((one) => one.counts), seals, more: next !== null, next };
    },
    upload: (request, reply) =>
      taking(of, "upload", request, reply, (into, pieces, limits) => unpackArchive(into, pieces, limits)),
    record: (request, reply) => {
      const { kind } = request.params as { readonly kind: RecordKind };
      return taking(of, "record", request, reply, (into, pieces, limits) => placeRecord(into, kind, pieces, limits));
    },
    health: async (_, reply) => {
      const answer = await health.check();
      return reply
        .code(answer.healthy ? 200 : 503)
        .header("cache-control", "no-store")
        .send(answer);
    },
    metrics: async (_, reply) => {
      const families: Family[] = [...healthFigures(await health.check()), ...of.counters.map((one) => one.family())];
      try {
        families.push(...(await store.reading((sql, now) => ledgerFigures(sql, now, folder, origin))));
      } catch (fault) {
        // Health says why; what is counted here is told all the same.
        of.log("figures", { code: asRefusal(fault, "INTERNAL", "a fault of the service").code });
      }
      return reply.type(metricsType).header("cache-control", "no-store").send(metricsText(families));
    },
    openapi: async () => document,
  };
}

type Take = (
  folder: string,
  pieces: AsyncIterable<Uint8Array>,
  limits: { readonly bytes: number; readonly files: number },
) => Promise<void>;

async function taking(
  of: HandlersOf,
  route: RouteId,
  request: FastifyRequest,
  reply: FastifyReply,
  take: Take,
): Promise<unknown> {
  const { uploadBytes: bytes, uploadFiles: files, uploadSeconds } = of.settings().limits;
  if (Number(request.headers["content-length"] ?? 0) > bytes) throw tooLarge(bytes);
  const { raw } = request;
  const receive: Receive = async (folder) => {
    // Whoever asked whether to send it at all hears so now.
    if (raw.headers.expect !== undefined) reply.raw.writeContinue();
    await take(folder, received(raw), { bytes, files });
    // Nothing comes or goes while it is taken in.
    raw.socket.setTimeout(0);
  };
  const answer = await of.uploads.take(receive, uploadSeconds * 1000);
  const { refusal, told } = answer;
  // The store was in the way, of all of it or of the rest: not now, and the same again goes on.
  if (refusal && told === undefined && refusal.kind === "not-now")
    throw new HalfTaken(Refusal.fromRecord(refusal), refusal.consequence);
  if (refusal) of.refused.add({ route, code: refusal.code });
  of.log("taken", { client: clientOf(request), ...answer.counts, code: refusal?.code });
  return reply.code(statusOfIngest(answer)).header("cache-control", "no-store").send(answer);
}

async function* received(raw: FastifyRequest["raw"]): AsyncGenerator<Uint8Array> {
  try {
    // Where reading ends early the connection stays, or the client would not hear why.
    yield* raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw new Refusal("UPLOAD", "the client hung up before all was sent: nothing of it was taken", {
      expected: "all that was to be sent",
      got: (cause as NodeJS.ErrnoException).code ?? "an end",
      cause,
    });
  }
}

function statusOfIngest({ refusal }: IngestAnswer): 200 | 409 | 422 {
  if (refusal === undefined) return 200;
  return refusal.code === "LEDGER-FORK" ? 409 : 422;
}

/** The name by which the gate let a client in. */
export function clientOf(request: FastifyRequest): string | undefined {
  return (request as { readonly client?: string }).client;
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
