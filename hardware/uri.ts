/**
 * PKCS#11 URIs (RFC 7512), the only names that tokens and keys have in configuration. Strict: what is read here says one
 * thing only, and never holds a secret.
 */

import { fromUtf8, utf8 } from "../manifests/encoding/bytes.ts";
import { Refusal } from "../manifests/refusal.ts";

const objectTypes = ["cert", "data", "private", "public", "secret-key"] as const;
export type ObjectType = (typeof objectTypes)[number];

/** What a URI says; an attribute that is not there says nothing. */
export interface Pkcs11Uri {
  readonly token?: string;
  readonly manufacturer?: string;
  readonly model?: string;
  readonly serial?: string;
  /** CKA_LABEL */
  readonly object?: string;
  /** CKA_ID, any bytes */
  readonly id?: Uint8Array;
  readonly type?: ObjectType;
  readonly libraryManufacturer?: string;
  readonly libraryDescription?: string;
  readonly libraryVersion?: string;
  readonly slotManufacturer?: string;
  readonly slotDescription?: string;
  readonly slotId?: string;
  readonly moduleName?: string;
  readonly modulePath?: string;
  /** attributes of the path that the RFC does not name; by its 2.4 they make the URI match nothing here */
  readonly vendor?: Readonly<Record<string, string>>;
}

type TextMember = Exclude<keyof Pkcs11Uri, "id" | "type" | "vendor">;

/** Names of the path's text attributes, in the order in which they are written. */
const pathTexts: Readonly<Record<string, TextMember>> = {
  "library-manufacturer": "libraryManufacturer",
  "library-description": "libraryDescription",
  "library-version": "libraryVersion",
  "slot-manufacturer": "slotManufacturer",
  "slot-description": "slotDescription",
  "slot-id": "slotId",
  manufacturer: "manufacturer",
  model: "model",
  serial: "serial",
  token: "token",
  object: "object",
};

const queryTexts: Readonly<Record<string, TextMember>> = { "module-name": "moduleName", "module-path": "modulePath" };

/** Of the query; a PIN, or where one lies, has no place in a URI (SECRET). */
const secretAttributes = new Set(["pin-value", "pin-source"]);

/** RFC 7512 2.3: pk11-pchar and pk11-qchar without percent-encoding. */
const pathCharacters = /^[A-Za-z0-9\-._~:[\]@!$'()*+,=&]$/;
const queryCharacters = /^[A-Za-z0-9\-._~:[\]@!$'()*+,=/?|]$/;

/**
 * Reads a URI. Unknown attributes of the query are ignored, those of the path kept in `vendor` (RFC 7512 2.4). Refuses
 * with CONFIG any attribute that stands twice and whatever the RFC's grammar does not allow; with SECRET a PIN in it.
 */
export function readPkcs11Uri(text: string): Pkcs11Uri {
  if (!text.startsWith("pkcs11:")) throw malformed("expected pkcs11:");
  const [path = "", ...queries] = splitQuery(text.slice("pkcs11:".length));
  const query = readAttributes(queries[0], "&", queryCharacters);
  for (const name of query.keys()) {
    if (secretAttributes.has(name)) {
      throw new Refusal("SECRET", `a PKCS#11 URI holds ${name}`, { expected: "a URI without any PIN", about: name });
    }
  }
  return { ...readPath(readAttributes(path, ";", pathCharacters)), ...readTexts(query, queryTexts) };
}

/** Writes a URI in one form: attributes in a fixed order, the id wholly percent-encoded. `readPkcs11Uri` gives the same back. */
export function writePkcs11Uri(uri: Pkcs11Uri): string {
  const path = Object.entries(pathTexts).map(([name, member]) => attribute(name, uri[member]));
  if (uri.id !== undefined) path.push(`id=${[...uri.id].map(percent).join("")}`);
  path.push(attribute("type", uri.type));
  for (const [name, value] of Object.entries(uri.vendor ?? {})) path.push(attribute(name, value));
  const query = Object.entries(queryTexts).map(([name, member]) => attribute(name, uri[member]));
  const queryText = query.filter(Boolean).join("&");
  return `pkcs11:${path.filter(Boolean).join(";")}${queryText === "" ? "" : `?${queryText}`}`;
}

function splitQuery(text: string): readonly string[] {
  const cut = text.indexOf("?");
  return cut === -1 ? [text] : [text.slice(0, cut), text.slice(cut + 1)];
}

function readPath(attributes: ReadonlyMap<string, Uint8Array>): Pkcs11Uri {
  const id = attributes.get("id");
  const type = attributes.get("type");
  const known = new Set([...Object.keys(pathTexts), "id", "type"]);
  const vendor = [...attributes].filter(([name]) => !known.has(name));
  const texts = readTexts(attributes, pathTexts);
  checkForm(texts.slotId, /^[0-9]+$/, "slot-id");
  checkForm(texts.libraryVersion, /^[0-9]+(?:\.[0-9]+)?$/, "library-version");
  return {
    ...texts,
    ...(id === undefined ? {} : { id }),
    ...(type === undefined ? {} : { type: readType(decodeText(type, "type")) }),
    ...(vendor.length === 0 ? {} : { vendor: Object.fromEntries(vendor.map(([n, v]) => [n, decodeText(v, n)])) }),
  };
}

function readTexts(
  attributes: ReadonlyMap<string, Uint8Array>,
  names: Readonly<Record<string, TextMember>>,
): { readonly [member in TextMember]?: string } {
  const found = Object.entries(names).flatMap(([name, member]) => {
    const value = attributes.get(name);
    return value === undefined ? [] : [[member, decodeText(value, name)]];
  });
  return Object.fromEntries(found);
}

function readType(text: string): ObjectType {
  const type = objectTypes.find((known) => known === text);
  if (type === undefined) throw malformed("unknown object type", text);
  return type;
}

function checkForm(text: string | undefined, form: RegExp, name: string): void {
  if (text !== undefined && !form.test(text)) throw malformed(`${name} is not a number`, text);
}

/** Names and decoded values of one component; an absent component has none. */
function readAttributes(part: string | undefined, separator: string, allowed: RegExp): Map<string, Uint8Array> {
  const attributes = new Map<string, Uint8Array>();
  if (part === undefined || part === "") return attributes;
  for (const piece of part.split(separator)) {
    const cut = piece.indexOf("=");
    const name = piece.slice(0, Math.max(cut, 0));
    if (!/^[A-Za-z0-9_-]+$/.test(name)) throw malformed("an attribute without name or value");
    if (attributes.has(name)) throw malformed("an attribute stands twice", name);
    attributes.set(name, decode(piece.slice(cut + 1), allowed, name));
  }
  return attributes;
}

function decode(text: string, allowed: RegExp, name: string): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === "%") {
      const digits = text.slice(at + 1, at + 3);
      if (!/^[0-9A-Fa-f]{2}$/.test(digits)) throw malformed("a percent sign without two hex digits", name);
      bytes.push(Number.parseInt(digits, 16));
      at += 2;
    } else if (allowed.test(character)) bytes.push(character.charCodeAt(0));
    else throw malformed("a character that must be percent-encoded", name);
  }
  return Uint8Array.from(bytes);
}

function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw malformed("a value is not UTF-8", name, cause);
  }
}

function attribute(name: string, value: string | undefined): string {
  if (value === undefined) return "";
  return `${name}=${[...utf8(value)].map((byte) => (isUnreserved(byte) ? String.fromCharCode(byte) : percent(byte))).join("")}`;
}

function isUnreserved(byte: number): boolean {
  return /^[A-Za-z0-9\-._~]$/.test(String.fromCharCode(byte));
}

function percent(byte: number): string {
  return `%${byte.toString(16).padStart(2, "0").toUpperCase()}`;
}

function malformed(what: string, got?: string, cause?: unknown): Refusal {
  return new Refusal("CONFIG", `not a PKCS#11 URI: ${what}`, { ...(got === undefined ? {} : { got }), cause });
}
