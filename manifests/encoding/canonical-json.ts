/** RFC 8785 (JSON Canonicalization Scheme), narrowed: numbers are safe integers, depth is bounded. */

import { Refusal } from "../refusal.ts";
import { fromUtf8, utf8 } from "./bytes.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const maximumDepth = 32;

/** Canonical text of a value. Refuses with JSON: fractions, unsafe integers, lone surrogates, `__proto__`, depth over 32. */
export function canonical(value: Json): string {
  return isOrdered(value, 0) ? JSON.stringify(value) : write(value, 0);
}

/** Canonical UTF-8 bytes of a value. */
export function canonicalBytes(value: Json): Uint8Array {
  return utf8(canonical(value));
}

/** Reads bytes that must be canonical already: what is read must encode to the same bytes. Refuses with JSON. */
export function readCanonical(bytes: Uint8Array): Json {
  const text = fromUtf8(bytes);
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (cause) {
    throw new Refusal("JSON", "not JSON", { cause });
  }
  if (canonical(value) !== text) throw new Refusal("JSON", "not canonical JSON (RFC 8785)");
  return value;
}

/** Whether JSON.stringify, which is much faster, writes of a value what `write` does: names in order, strings and numbers that it takes. */
function isOrdered(value: Json, depth: number): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return Number.isSafeInteger(value) && !Object.is(value, -0);
  if (value === null || typeof value === "boolean") return true;
  if (depth === maximumDepth) return false; // however deep it is, `canonical` says whether that is too deep
  if (Array.isArray(value)) return value.every((item) => isOrdered(item as Json, depth + 1));
  let last: string | undefined;
  for (const name of Object.keys(value)) {
    if (name === "__proto__" || (last !== undefined && !(last < name))) return false;
    last = name;
    if (!name.isWellFormed() || !isOrdered((value as { readonly [name: string]: Json })[name] as Json, depth + 1))
      return false;
  }
  return true;
}

function write(value: Json, depth: number): string {
  if (depth > maximumDepth) throw new Refusal("JSON", `nested deeper than ${maximumDepth}`);
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return writeString(value);
  if (typeof value === "number") return writeInteger(value);
  if (Array.isArray(value)) return `[${value.map((item) => write(item as Json, depth + 1)).join(",")}]`;
  return writeObject(value as { readonly [name: string]: Json }, depth);
}

function writeObject(value: { readonly [name: string]: Json }, depth: number): string {
  let members = "";
  for (const name of sortedNames(value)) {
    if (name === "__proto__") throw new Refusal("JSON", "a member may not be named __proto__");
    members += `${members === "" ? "" : ","}${writeString(name)}:${write(value[name] as Json, depth + 1)}`;
  }
  return `{${members}}`;
}

/** `<` and Array.prototype.sort compare UTF-16 code units, which is the order of RFC 8785 3.2.3. What was canonical already is not sorted. */
function sortedNames(value: object): readonly string[] {
  const names = Object.keys(value);
  return names.every((name, at) => at === 0 || (names[at - 1] as string) < name) ? names : names.sort();
}

/** What stands in JSON as it is. */
const plain = /^[ !#-[\]-~]*$/;

function writeString(value: string): string {
  if (plain.test(value)) return `"${value}"`;
  if (!value.isWellFormed()) throw new Refusal("JSON", "a string holds a lone surrogate");
  return JSON.stringify(value);
}

function writeInteger(value: number): string {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    throw new Refusal("JSON", "numbers must be whole and below 2^53");
  }
  return String(value);
}
