/** The ceremony file: the one reviewed input of a ceremony (docs/formats.md, "ceremony.json"). It holds no secret. */

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { sha256 } from "../../host/crypto-host.ts";
import { fromUtf8, hex } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { readPlainJson } from "../../manifests/encoding/plain-json.ts";
import {
  anyObject,
  integer,
  list,
  literal,
  nullable,
  object,
  oneOf,
  optional,
  type Read,
  text,
  texts,
  utc,
} from "../../manifests/encoding/shape.ts";
import { ceremonyRoles } from "../../manifests/records/transcript.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";

const largestFile = 1 << 20;

export const readTokenPlace = object({
  environment: texts,
  module: text(4096),
  /** names token and serial */
  uri: text(1024, { pattern: /^pkcs11:(.*;)?serial=[^;]/ }),
});

const readPerson = object({
  /** what the person signs with: a path of a DER or PEM file, and where the key is; left out for those who sign in ink */
  signs: optional(object({ certificate: text(4096), key: text(1024, { pattern: /^pkcs11:/ }), token: readTokenPlace })),
  id: text(32, { pattern: /^[a-z][a-z0-9-]*$/ }),
  name: text(100),
  roles: list(oneOf(ceremonyRoles), 1, ceremonyRoles.length),
});

const readFileValue = object({
  appliance: text(64, { pattern: /^[a-z0-9][a-z0-9-]*$/ }),
  archive: text(64, { pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/ }),
  ceremony: text(32, { pattern: /^[a-z][a-z-]*$/ }),
  /** a ceremony's own members; its procedure reads them */
  parameters: anyObject,
  people: list(readPerson, 1, 64),
  place: text(200),
  scheduled: utc,
  title: text(200),
  type: literal("ceremony"),
  version: literal(1),
  video: nullable(text(200)),
});

export type CeremonyFile = Read<typeof readFileValue> & {
  /** absolute path of the folder that its paths are relative to */
  readonly folder: string;
  /** SHA-256 of the file's bytes, hex */
  readonly digest: string;
};
export type CeremonyPerson = CeremonyFile["people"][number];
export type Signs = NonNullable<CeremonyPerson["signs"]>;

/** Reads a ceremony file; its paths are taken from its own folder, unless another is named. Refuses CEREMONY-FILE: not there, too large, not JSON, an unknown or missing member, a person twice. */
export function readCeremonyFile(path: string, folder = dirname(resolve(path))): CeremonyFile {
  const bytes = readBytes(path);
  try {
    const value = readFileValue(readPlainJson(fromUtf8(bytes)), "ceremony");
    checkPeople(value.people);
    return { ...value, people: value.people.map((one) => withPaths(one, folder)), folder, digest: hex(sha256(bytes)) };
  } catch (fault) {
    throw fileRefusal(fault, path);
  }
}

/** Reads the parameters by the procedure's reader. Refuses CEREMONY-FILE. */
export function readParameters<T>(file: CeremonyFile, reader: (value: Json, path: string) => T): T {
  try {
    return reader(file.parameters, "ceremony.parameters");
  } catch (fault) {
    throw fileRefusal(fault, "the ceremony file");
  }
}

/** A path of the file, absolute. */
export function pathIn(file: Pick<CeremonyFile, "folder">, path: string): string {
  return resolve(file.folder, path);
}

export const readCount = integer(1, 64);

function readBytes(path: string): Uint8Array {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > largestFile) {
      throw new Refusal("CEREMONY-FILE", "the ceremony file is too large", {
        expected: `at most ${largestFile} bytes`,
        got: `${bytes.length}`,
      });
    }
    return bytes;
  } catch (fault) {
    throw fileRefusal(fault, path);
  }
}

function fileRefusal(fault: unknown, about: string): Refusal {
  if (fault instanceof Refusal && fault.code === "CEREMONY-FILE") return fault;
  const { message, expected, got } = asRefusal(
    fault,
    "CEREMONY-FILE",
    `it cannot be read: ${(fault as Error).message}`,
  );
  return new Refusal("CEREMONY-FILE", message, {
    about,
    cause: fault,
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
  });
}

function checkPeople(people: readonly CeremonyPerson[]): void {
  for (const [at, { id }] of people.entries()) {
    if (people.findIndex((other) => other.id === id) === at) continue;
    throw new Refusal("CEREMONY-FILE", "a person stands twice", { about: id });
  }
  const withRole = (role: CeremonyPerson["roles"][number]) => people.filter(({ roles }) => roles.includes(role));
  const leaders = withRole("administrator");
  if (leaders.length === 0) {
    throw new Refusal("CEREMONY-FILE", "nobody leads the ceremony", {
      expected: "a person with the role administrator",
    });
  }
  if (!withRole("witness").some(({ id }) => leaders.some((leader) => leader.id !== id))) {
    throw new Refusal("CEREMONY-FILE", "nobody witnesses the ceremony", {
      expected: "a person with the role witness, other than the administrator who leads",
    });
  }
}

/** SoftHSM's configuration is a path too; relative ones are taken from the file's folder, as all paths. */
function withPaths(person: CeremonyPerson, folder: string): CeremonyPerson {
  if (!person.signs) return person;
  const { certificate, token, key } = person.signs;
  return { ...person, signs: { certificate: resolve(folder, certificate), key, token: tokenIn(token, folder) } };
}

/** A token's place with the path in SOFTHSM2_CONF made absolute. */
export function tokenIn<T extends { readonly environment: Readonly<Record<string, string>> }>(
  token: T,
  folder: string,
): T {
  const { SOFTHSM2_CONF: configuration } = token.environment;
  if (configuration === undefined) return token;
  return { ...token, environment: { ...token.environment, SOFTHSM2_CONF: resolve(folder, configuration) } };
}
