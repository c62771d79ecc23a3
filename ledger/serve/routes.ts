/** What the service answers to: the one table that its routes are made from, and its OpenAPI document. */

import type { Right } from "./settings.ts";
import { recordPlaces } from "./unpack-upload.ts";

/** JSON Schema, as OpenAPI 3.1 has it. */
export type Schema = { readonly [name: string]: unknown };

export interface Body {
  readonly type: string;
  readonly schema: Schema;
}

export interface Route {
  readonly id: string;
  readonly method: "GET" | "POST";
  /** as OpenAPI writes it */
  readonly path: string;
  /** for the router, where it is another */
  readonly url?: string;
  readonly summary: string;
  /** who may; "open": whoever reaches the service */
  readonly access: "open" | Right;
  readonly query?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly pathParameters?: Readonly<Record<string, Schema>>;
  readonly takes?: Body;
  /** what comes with 200; and other statuses that are no refusal */
  readonly answers: Readonly<Record<number, Body>>;
  /** statuses of refusals, beside those that any route may have */
  readonly refusals: readonly number[];
}

const count: Schema = { type: "string", pattern: "^(0|[1-9][0-9]{0,15})$", description: "a decimal number" };
const whole: Schema = { type: "integer", minimum: 0 };
const wholeOrNull: Schema = { type: ["integer", "null"], minimum: 0 };
const digest: Schema = { type: "string", pattern: "^[0-9a-f]{64}$" };
const digests: Schema = { type: "array", items: digest };
const time: Schema = { type: "string", pattern: "Z$" };
const timeOrNull: Schema = { type: ["string", "null"], pattern: "Z$" };
const bytes: Schema = { type: "string", format: "binary" };
const note: Schema = { type: "string", description: "a signed note (c2sp.org/tlog-checkpoint), in base64" };

function closed(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, required, additionalProperties: false };
}

export const refusalSchema = closed({
  refusal: closed(
    {
      code: { type: "string" },
      message: { type: "string" },
      expected: { type: "string" },
      got: { type: "string" },
      about: { type: "string" },
      consequence: { type: "string" },
      kind: { type: "string" },
      next: { type: "string", description: "what to do now" },
    },
    ["expected", "got", "about"],
  ),
});

const problem: Schema = {
  oneOf: [{ type: "null" }, closed({ code: { type: "string" }, message: { type: "string" } })],
};
const part = { healthy: { type: "boolean" }, ageSeconds: wholeOrNull, limitSeconds: wholeOrNull, problem } as const;
const healthSchema = closed({
  healthy: { type: "boolean" },
  checked: time,
  entry: closed({
    ...part,
    index: wholeOrNull,
    size: whole,
    since: timeOrNull,
    cosignatures: whole,
    unpublished: closed({ entries: whole, ageSeconds: wholeOrNull, limitSeconds: wholeOrNull }),
  }),
  token: closed({ ...part, stamped: timeOrNull, waitsTooLong: { type: "boolean" } }),
  probe: closed({ ...part, index: wholeOrNull, made: timeOrNull }),
});

const foundSchema = closed({
  digests: { type: "array", items: { type: "string", pattern: "^[0-9a-f]+$" } },
  sealed: { type: "boolean", description: "one of these seals counts" },
  seals: {
    type: "array",
    items: closed({
      appliance: { type: ["string", "null"] },
      genesis: digest,
      line: { type: "object", description: "the line of documents.jsonl" },
      manifest: { type: "object", description: "what `coldseal ledger show --json` says of the manifest" },
      entry: wholeOrNull,
      proven: timeOrNull,
      counts: { type: "boolean" },
      why: { type: "string" },
      marks: {
        type: "array",
        description: "what later records say about it",
        items: closed({
          what: { type: "string" },
          of: { type: ["string", "null"] },
          since: timeOrNull,
          by: { type: "string" },
          takes: { type: "boolean", description: "by it nothing counts that was sealed here" },
          text: { type: "string" },
        }),
      },
      judgedBy: closed({ policy: whole, words: whole, lists: whole }),
    }),
  },
  more: { type: "boolean", description: "there are more seals than are told here" },
  next: {
    type: ["integer", "null"],
    minimum: 2,
    description: "`from` of the seals after these; null where there are none",
  },
});

/** As `coldseal ledger ingest --json`; `refusal` where not all was taken. */
const ingestSchema: Schema = {
  type: "object",
  properties: {
    counts: { type: "object", additionalProperties: whole },
    told: {
      type: "array",
      items: {
        type: "object",
        properties: {
          stick: { type: "string" },
          place: { type: "string" },
          what: { type: "string" },
          box: { type: ["string", "null"] },
          result: { type: "object", properties: { kind: { type: "string" } }, required: ["kind"] },
        },
        required: ["stick", "place", "what", "box", "result"],
        additionalProperties: false,
      },
    },
    refusal: (refusalSchema.properties as { readonly refusal: Schema }).refusal,
  },
  additionalProperties: false,
};

const json = (schema: Schema): Body => ({ type: "application/json", schema });
const text = (type: string): Body => ({ type, schema: { type: "string" } });
const ingested = { 200: json(ingestSchema), 409: json(ingestSchema), 422: json(ingestSchema) };

export const routes = [
  {
    id: "checkpoint",
    method: "GET",
    path: "/checkpoint",
    summary: "The newest published checkpoint (c2sp.org/tlog-tiles).",
    access: "open",
    answers: { 200: text("text/plain; charset=utf-8") },
    refusals: [404],
  },
  {
    id: "tile",
    method: "GET",
    path: "/tile/{path}",
    url: "/tile/*",
    summary: "A tile, or an entry bundle: `0/x001/067`, `entries/000.p/3` (c2sp.org/tlog-tiles). The path has slashes.",
    access: "open",
    pathParameters: { path: { type: "string" } },
    answers: { 200: { type: "application/octet-stream", schema: bytes } },
    refusals: [400, 404],
  },
  {
    id: "inclusion",
    method: "GET",
    path: "/v1/inclusion",
    summary: "That the entry of an index is in the log (RFC 9162 2.1.3), out of the published tiles.",
    access: "open",
    query: { index: count, size: count },
    required: ["index"],
    answers: {
      200: json(closed({ checkpoint: note, index: whole, leafHash: digest, path: digests, root: digest, size: whole })),
    },
    refusals: [400, 404],
  },
  {
    id: "consistency",
    method: "GET",
    path: "/v1/consistency",
    summary: "That the log of a size grew out of that of another (RFC 9162 2.1.4), out of the published tiles.",
    access: "open",
    query: { from: count, size: count },
    required: ["from"],
    answers: { 200: json(closed({ checkpoint: note, from: whole, path: digests, root: digest, size: whole })) },
    refusals: [400, 404],
  },
  {
    id: "find",
    method: "GET",
    path: "/v1/documents/{digest}",
    url: "/v1/documents/:digest",
    summary:
      "Was a document with this digest sealed? As `coldseal ledger find --json`, of 50 seals at a time: those in the chain and sealed before others.",
    access: "search",
    query: {
      from: { type: "string", pattern: "^[1-9][0-9]{0,14}$", description: "the first that is told; 1 unless said" },
    },
    pathParameters: {
      digest: { type: "string", pattern: "^([0-9a-fA-F]{64}|[0-9a-fA-F]{96}|[0-9a-fA-F]{128})$" },
    },
    answers: { 200: json(foundSchema) },
    refusals: [400],
  },
  {
    id: "upload",
    method: "POST",
    path: "/v1/uploads",
    summary: "What lies on a stick, as a tar archive (ustar); taken in as `coldseal ledger ingest` does.",
    access: "upload",
    takes: { type: "application/x-tar", schema: bytes },
    answers: ingested,
    refusals: [400, 413, 415],
  },
  {
    id: "record",
    method: "POST",
    path: "/v1/records/{kind}",
    url: "/v1/records/:kind",
    summary: "One record that is one file: CMS in DER, or custody.jsonl.",
    access: "upload",
    pathParameters: { kind: { type: "string", enum: Object.keys(recordPlaces).sort() } },
    takes: { type: "application/octet-stream", schema: bytes },
    answers: ingested,
    refusals: [400, 413, 415],
  },
  {
    id: "health",
    method: "GET",
    path: "/health",
    summary: "What is proven, and how old that is. 503 where something is not proven, or older than its limit.",
    access: "open",
    answers: { 200: json(healthSchema), 503: json(healthSchema) },
    refusals: [],
  },
  {
    id: "metrics",
    method: "GET",
    path: "/metrics",
    summary: "Figures for Prometheus. Open to everybody where the settings say so (`openMetrics`).",
    access: "metrics",
    answers: { 200: text("text/plain; version=0.0.4; charset=utf-8") },
    refusals: [],
  },
  {
    id: "openapi",
    method: "GET",
    path: "/openapi.json",
    summary: "This document.",
    access: "open",
    answers: { 200: json({ type: "object", required: ["openapi", "info", "paths"] }) },
    refusals: [],
  },
] as const satisfies readonly Route[];

export type RouteId = (typeof routes)[number]["id"];
