/** `serve.json` in a ledger's folder, which people edit: where the service listens, its certificate, who may search and bring records, and its limits. */

import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { faultWords } from "../../host/fault-words.ts";
import { readPlainJson } from "../../manifests/encoding/plain-json.ts";
import {
  flag,
  hexText,
  integer,
  list,
  literal,
  nullable,
  object,
  oneOf,
  optional,
  type Read,
  text,
} from "../../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";

/** What a client may do that not everybody may. */
const rights = ["metrics", "search", "upload"] as const;
export type Right = (typeof rights)[number];

const seconds = integer(1, 366 * 86_400);

const readShape = object({
  clients: list(object({ name: text(256, { min: 1 }), rights: list(oneOf(rights), 1, rights.length) }), 0, 10_000),
  health: optional(
    object({
      /** how old a proof may be before it is made anew for whoever asks */
      checkSeconds: optional(seconds),
      /** limits; null: none */
      entrySeconds: optional(nullable(seconds)),
      tokenSeconds: optional(nullable(seconds)),
      unpublishedSeconds: optional(nullable(seconds)),
      probeEverySeconds: optional(seconds),
      probeSeconds: optional(seconds),
    }),
  ),
  limits: optional(
    object({
      readsPerMinute: optional(integer(1, 1_000_000)),
      searchesPerMinute: optional(integer(1, 1_000_000)),
      uploadsPerMinute: optional(integer(1, 1_000_000)),
      uploadBytes: optional(integer(1024)),
      uploadFiles: optional(integer(1, 1_000_000)),
      /** for what is sent to come in, and then for it to be taken */
      uploadSeconds: optional(seconds),
    }),
  ),
  listen: object({ host: text(64), port: integer(0, 65_535) }),
  /** true: whoever reaches the service may read its metrics */
  openMetrics: optional(flag),
  /** SHA-256, hex, of certificates that count no more */
  revoked: optional(list(hexText(), 0, 10_000)),
  tls: nullable(
    object({
      /** files, relative to the ledger's folder; PEM, the server's first */
      certificate: text(4096),
      /** one root a file, PEM or DER */
      clientRoots: list(text(4096), 0, 16),
      key: text(4096),
    }),
  ),
  type: literal("ledger-serve"),
  version: literal(1),
});
type Given = Read<typeof readShape>;

export interface ServeSettings {
  /** by the common name of a certificate */
  readonly clients: ReadonlyMap<string, ReadonlySet<Right>>;
  readonly health: Required<NonNullable<Given["health"]>>;
  readonly limits: Required<NonNullable<Given["limits"]>>;
  readonly listen: Given["listen"];
  readonly openMetrics: boolean;
  readonly revoked: ReadonlySet<string>;
  /** null: plain, on loopback alone */
  readonly tls: Given["tls"];
}

export const usualHealth: ServeSettings["health"] = {
  checkSeconds: 10,
  entrySeconds: null,
  tokenSeconds: null,
  unpublishedSeconds: 86_400,
  probeEverySeconds: 900,
  probeSeconds: 2700,
};

const usualLimits: ServeSettings["limits"] = {
  readsPerMinute: 6000,
  searchesPerMinute: 600,
  uploadsPerMinute: 30,
  uploadBytes: 2 * 1024 ** 3,
  uploadFiles: 500_000,
  uploadSeconds: 900,
};

const settingsFile = "serve.json";

/** Reads it. `plain`: it was asked for without TLS, which is for loopback alone. Refuses CONFIG. */
export function readServeSettings(ledger: string, plain: boolean): ServeSettings {
  const path = join(ledger, settingsFile);
  let given: Given;
  try {
    given = readShape(readPlainJson(readFileSync(path, "utf8")), settingsFile);
  } catch (fault) {
    const { message } = asRefusal(fault, "CONFIG", faultWords(fault));
    throw new Refusal("CONFIG", `${settingsFile} cannot be used: ${message}`, {
      expected: 'settings as docs/ledger.md has them, "The service"',
      about: path,
      cause: fault,
    });
  }
  checkListening(given, plain, path);
  const names = given.clients.map(({ name }) => name);
  if (new Set(names).size < names.length) {
    throw new Refusal("CONFIG", "a client stands twice in the service's settings", { about: path });
  }
  return {
    clients: new Map(given.clients.map(({ name, rights: may }) => [name, new Set(may)])),
    health: { ...usualHealth, ...given.health },
    limits: { ...usualLimits, ...given.limits },
    listen: given.listen,
    openMetrics: given.openMetrics ?? false,
    revoked: new Set(given.revoked),
    tls: given.tls,
  };
}

function checkListening({ listen: { host }, tls }: Given, plain: boolean, about: string): void {
  if (isIP(host) === 0) throw new Refusal("CONFIG", "the service listens at an IP address", { got: host, about });
  if (tls !== null && plain) {
    throw new Refusal("CONFIG", "the settings name a certificate, and --plain asks for none to be used", {
      expected: "`tls`: null in the settings, or no --plain",
      got: "both",
      about,
    });
  }
  if (tls === null && !plain) {
    throw new Refusal("CONFIG", "without a certificate the service is started by --plain only", {
      expected: "`tls` in the settings, or --plain",
      got: "neither",
      about,
    });
  }
  if (plain && host !== "::1" && !/^127\./.test(host)) {
    throw new Refusal("CONFIG", "without TLS the service listens on loopback alone", {
      expected: "127.0.0.1 or ::1",
      got: host,
      about,
    });
  }
}
