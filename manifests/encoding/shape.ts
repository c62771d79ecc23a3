/** Readers that turn parsed JSON into typed values. Unknown and missing members are refused; all refuse with SHAPE. */

import { Refusal } from "../refusal.ts";
import { checkHex, fromBase64 } from "./bytes.ts";
import type { Json } from "./canonical-json.ts";

/** Reads a value found at `path` (dotted, for the message) or refuses. */
export type Reader<T> = (value: Json | undefined, path: string) => T;

export type Read<R> = R extends Reader<infer T> ? T : never;

/** UTC with seconds and the letter Z, `2026-11-23T12:04:00Z`; compares as text. */
export type Utc = string;

function refuse(path: string, expected: string, value: unknown): never {
  const got =
    value === undefined ? "nothing" : value === null ? "null" : Array.isArray(value) ? "a list" : typeof value;
  throw new Refusal("SHAPE", `${path}: expected ${expected}`, { expected, got, about: path });
}

export function literal<const T extends string | number | boolean | null>(expected: T): Reader<T> {
  return (value, path) => (value === expected ? expected : refuse(path, JSON.stringify(expected), value));
}

export function oneOf<const T extends readonly string[]>(words: T): Reader<T[number]> {
  return (value, path) =>
    typeof value === "string" && words.includes(value) ? value : refuse(path, words.join(" or "), value);
}

/** A string of `min` to `max` UTF-16 units without control characters, and of `pattern` where given. */
export function text(max: number, options: { min?: number; pattern?: RegExp } = {}): Reader<string> {
  const { min = 1, pattern } = options;
  return (value, path) => {
    if (typeof value !== "string") return refuse(path, "text", value);
    if (value.length < min || value.length > max) return refuse(path, `text of ${min} to ${max} characters`, value);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
    if (/[\u0000-\u001f\u007f-\u009f]/.test(value)) return refuse(path, "text without control characters", value);
    if (pattern && !pattern.test(value)) return refuse(path, `text of the form ${pattern.source}`, value);
    return value;
  };
}

export function integer(min: number, max = Number.MAX_SAFE_INTEGER): Reader<number> {
  return (value, path) =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max
      ? value
      : refuse(path, `a whole number from ${min} to ${max}`, value);
}

export const flag: Reader<boolean> = (value, path) =>
  typeof value === "boolean" ? value : refuse(path, "true or false", value);

/** Lower-case hex of exactly one of the given byte lengths (32 unless said), kept as text. */
export function hexText(...lengths: number[]): Reader<string> {
  const allowed = lengths.length === 0 ? [32] : lengths;
  return (value, path) => {
    if (typeof value !== "string" || !allowed.includes(value.length / 2)) {
      return refuse(path, `lower-case hex of ${allowed.join(" or ")} bytes`, value);
    }
    checkHex(value);
    return value;
  };
}

/** Canonical base64 of at most `max` bytes, as bytes. */
export function base64Bytes(max: number): Reader<Uint8Array> {
  return (value, path) => {
    const expected = `base64 of at most ${max} bytes`;
    if (typeof value !== "string" || value.length > Math.ceil(max / 3) * 4) return refuse(path, expected, value);
    const bytes = fromBase64(value);
    return bytes.length > max ? refuse(path, expected, value) : bytes;
  };
}

/** A real date and time in the form of `Utc`. */
export const utc: Reader<Utc> = (value, path) => {
  if (typeof value !== "string" || !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(value)) {
    return refuse(path, "UTC like 2026-11-23T12:04:00Z", value);
  }
  const time = Date.parse(value);
  if (Number.isNaN(time) || utcOf(time) !== value) return refuse(path, "a real date and time", value);
  return value;
};

/** Milliseconds since 1970 as `Utc`, cut to the second. */
export function utcOf(milliseconds: number): Utc {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/** The same day and time so many years later; of 29 February the 1st of March where there is none, and nothing after the year 9999. */
export function yearsAfter(time: Utc, years: number): Utc {
  const date = new Date(time);
  date.setUTCFullYear(date.getUTCFullYear() + years);
  return date.getUTCFullYear() > 9999 ? "9999-12-31T23:59:59Z" : utcOf(date.getTime());
}

export function nullable<T>(reader: Reader<T>): Reader<T | null> {
  return (value, path) => (value === null ? null : reader(value, path));
}

export function list<T>(item: Reader<T>, min: number, max: number): Reader<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length < min || value.length > max) {
      return refuse(path, `a list of ${min} to ${max}`, value);
    }
    return value.map((entry: Json, index) => item(entry, `${path}[${index}]`));
  };
}

type Shape = { readonly [name: string]: Reader<unknown> };

/** A member that may be left out. */
export function optional<T>(reader: Reader<T>): Reader<T | undefined> {
  const read: Reader<T | undefined> = (value, path) => (value === undefined ? undefined : reader(value, path));
  return Object.assign(read, { optional: true as const });
}

type Optional<S> = { [K in keyof S]: undefined extends Read<S[K]> ? K : never }[keyof S];

export type ReadShape<S> = { readonly [K in Exclude<keyof S, Optional<S>>]: Read<S[K]> } & {
  readonly [K in Optional<S>]?: Exclude<Read<S[K]>, undefined>;
};

/** An object with exactly these members. */
export function object<const S extends Shape>(shape: S): Reader<ReadShape<S>> {
  const members = Object.entries(shape);
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse(path, "an object", value);
    const source = value as { readonly [name: string]: Json };
    for (const name of Object.keys(source)) {
      if (!Object.hasOwn(shape, name)) throw new Refusal("SHAPE", `${path}: unknown member ${JSON.stringify(name)}`);
    }
    const out: Record<string, unknown> = {};
    for (const [name, reader] of members) {
      const member = Object.hasOwn(source, name) ? source[name] : undefined;
      const read = reader(member, `${path}.${name}`);
      if (read !== undefined) out[name] = read;
    }
    return out as ReadShape<S>;
  };
}

/** A small object of free members, for facts that are only reported. Depth and size are bounded by canonical JSON's reader. */
export const anyObject: Reader<{ readonly [name: string]: Json }> = (value, path) =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as { readonly [name: string]: Json })
    : refuse(path, "an object", value);

/** An object of free members, each a text of at most 4096 units: the environment that a PKCS#11 module wants. */
export const texts: Reader<Readonly<Record<string, string>>> = (value, path) => {
  const read = text(4096);
  const members = Object.entries(anyObject(value, path));
  return Object.fromEntries(members.map(([name, member]) => [name, read(member, `${path}.${name}`)]));
};
