/** `postgres.json` in a ledger's folder: the servers that hold its store, and how they are reached. No secret is in it; people may edit it. */

import { closeSync, readFileSync } from "node:fs";
import { basename, dirname, isAbsolute, resolve } from "node:path";
import { writeDurable } from "../../host/durable.ts";
import { faultWords } from "../../host/fault-words.ts";
import { openFileIn, openRoot } from "../../host/no-follow.ts";
import { readWhole } from "../../host/read-file.ts";
import { fromUtf8, utf8 } from "../../manifests/encoding/bytes.ts";
import { readPlainJson } from "../../manifests/encoding/plain-json.ts";
import { flag, integer, list, literal, object, optional, type Read, text } from "../../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";

const name = text(63, { min: 1, pattern: /^[a-z_][a-z0-9_]*$/ });

const readMembers = object({
  database: name,
  /** a file of 0600 with the password in its first line; without it there is none: the server knows who asks by a certificate or by the user of a Unix socket */
  passwordFile: optional(text(4096, { min: 1 })),
  /** the leader's commits wait for a standby; false: one server, and what takes its disk takes the record */
  replicated: flag,
  /** the ledger's own within the database: made by `init`, one ledger each */
  schema: name,
  servers: list(
    object({
      /** a host's name or address, or the folder of a Unix socket */
      host: text(1024, { min: 1, pattern: /^[^\s]+$/ }),
      port: integer(1, 65535),
    }),
    1,
    16,
  ),
  /** files in PEM: the root of the servers' certificates, and what this side shows of itself */
  tls: optional(
    object({
      ca: text(4096, { min: 1 }),
      certificate: optional(text(4096, { min: 1 })),
      key: optional(text(4096, { min: 1 })),
    }),
  ),
  type: literal("ledger-postgres"),
  user: text(63, { min: 1, pattern: /^[^\s]+$/ }),
  version: literal(1),
});

/** Every path is absolute. Which of `servers` takes writes now is found out when one connects. */
export type PostgresSettings = Read<typeof readMembers>;
export type PostgresServer = PostgresSettings["servers"][number];

/** Reads such a file; relative paths count from its folder. Refuses CONFIG. */
export function readPostgresSettings(file: string): PostgresSettings {
  try {
    const read = readMembers(readPlainJson(readFileSync(file, "utf8")), basename(file));
    const from = (path: string) => resolve(dirname(file), path);
    const { passwordFile, tls } = read;
    const settings = {
      ...read,
      ...(passwordFile === undefined ? {} : { passwordFile: from(passwordFile) }),
      ...(tls === undefined ? {} : { tls: absolute(tls, from) }),
    };
    checkWays(settings);
    return settings;
  } catch (fault) {
    const { code: _, message, ...detail } = asRefusal(fault, "CONFIG", faultWords(fault)).toRecord();
    const words = `the settings of the ledger's PostgreSQL cannot be used: ${message}`;
    throw new Refusal("CONFIG", words, { ...detail, about: file, cause: fault });
  }
}

/** For a ledger's folder. Refuses STORE. */
export async function writePostgresSettings(file: string, settings: PostgresSettings): Promise<void> {
  await writeDurable(file, utf8(`${JSON.stringify(settings, null, 2)}\n`));
}

/** Whether the way to this server stays on the machine, as a Unix socket in that folder. */
export function isSocketFolder({ host }: Pick<PostgresServer, "host">): boolean {
  return isAbsolute(host);
}

/** For people. */
export function nameOf(server: PostgresServer): string {
  return isSocketFolder(server) ? `${server.host}/.s.PGSQL.${server.port}` : `${server.host}:${server.port}`;
}

/** The password, without its line's end. Refuses CONFIG a file that is a link, that others may read, or that has none. */
export function readPasswordFile(path: string): string {
  try {
    const { mode, text: all } = readSmall(path);
    const [password = ""] = all.split(/\r?\n/, 1);
    if ((mode & 0o077) === 0 && password !== "") return password;
    throw new Refusal("CONFIG", mode & 0o077 ? "others may read it" : "it is empty", { got: octal(mode) });
  } catch (fault) {
    const { got, message } = asRefusal(fault, "CONFIG", faultWords(fault)).toRecord();
    throw new Refusal("CONFIG", `the file with the database's password cannot be used: ${message}`, {
      expected: "a plain file of mode 0600 with the password in its first line",
      ...(got === undefined ? {} : { got }),
      about: path,
      cause: fault,
    });
  }
}

function readSmall(path: string): { readonly mode: number; readonly text: string } {
  const folder = openRoot(dirname(path));
  try {
    const file = openFileIn(folder, basename(path));
    if (file === undefined) throw new Refusal("CONFIG", "nothing there");
    const bytes = readWhole(file, 1024);
    if (bytes === undefined) throw new Refusal("CONFIG", "more than 1024 bytes");
    return { mode: Number(file.stat.mode), text: fromUtf8(bytes) };
  } finally {
    closeSync(folder);
  }
}

const octal = (mode: number) => (mode & 0o777).toString(8).padStart(4, "0");

function absolute(tls: NonNullable<PostgresSettings["tls"]>, from: (path: string) => string) {
  const { ca, certificate, key } = tls;
  return {
    ca: from(ca),
    ...(certificate === undefined ? {} : { certificate: from(certificate) }),
    ...(key === undefined ? {} : { key: from(key) }),
  };
}

/** Addresses of loopback whole: a name may begin as one does. */
const ownMachine = /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** What a network could read or change on the way is no way to a record. */
function checkWays({ servers, tls }: PostgresSettings): void {
  if ((tls?.certificate === undefined) !== (tls?.key === undefined)) {
    throw new Refusal("CONFIG", "a certificate for the servers goes with its key, and a key with its certificate");
  }
  const open = servers.find((server) => !isSocketFolder(server) && !ownMachine.test(server.host));
  if (tls === undefined && open !== undefined) {
    throw new Refusal("CONFIG", "over a network the store is reached by TLS only", {
      expected: "`tls` with the root of the servers' certificates",
      got: open.host,
    });
  }
}
