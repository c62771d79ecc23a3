/** Distinguished names: checked by shape, shown as text (RFC 5280 4.1.2.4, RFC 4514). */

import { content, DerReader, type Element, tag, whole } from "../encoding/der-read.ts";
import { Refusal } from "../refusal.ts";

export interface NameAttribute {
  readonly oid: string;
  /** the value's element, whatever string type it is */
  readonly value: Uint8Array;
}

/** The relative names of a DER Name, outermost first, each a list of attributes. Refuses PATH-FORM, also an empty name. */
export function readName(name: Uint8Array): readonly (readonly NameAttribute[])[] {
  const rdns = DerReader.open(name, tag.sequence, "PATH-FORM").rest(32);
  if (rdns.length === 0) throw new Refusal("PATH-FORM", "an empty name");
  return rdns.map((rdn) => readRdn(name, rdn));
}

/** The encodings of a name's relative names, outermost first; none for an empty name. Refuses PATH-FORM. */
export function rdnEncodings(name: Uint8Array): readonly Uint8Array[] {
  return DerReader.open(name, tag.sequence, "PATH-FORM")
    .rest(32)
    .map((rdn) => {
      readRdn(name, rdn);
      return whole(name, rdn);
    });
}

/** RFC 4514 text, most specific first. Control, bidirectional and other invisible characters are escaped as hex pairs. */
export function nameText(name: Uint8Array): string {
  return [...readName(name)]
    .reverse()
    .map((rdn) => rdn.map(attributeText).join("+"))
    .join(",");
}

/** Text of a directory string, undefined for the string types that are not read (they are shown as hex). */
export function stringText(value: Uint8Array): string | undefined {
  const reader = new DerReader(value, { start: 0, end: value.length }, "PATH-FORM");
  const element = reader.any();
  const octets = content(value, element);
  switch (element.tag) {
    case tag.utf8String:
      return utf8Text(octets);
    case printableString:
    case ia5String:
      return octets.some((octet) => octet >= 0x80) ? undefined : String.fromCharCode(...octets);
    default:
      return undefined;
  }
}

export const emailAddress = "1.2.840.113549.1.9.1";

const printableString = 0x13;
const ia5String = 0x16;

const shortNames: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.5": "serialNumber",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "0.9.2342.19200300.100.1.1": "UID",
  "0.9.2342.19200300.100.1.25": "DC",
  [emailAddress]: "emailAddress",
};

function readRdn(name: Uint8Array, rdn: Element): readonly NameAttribute[] {
  if (rdn.tag !== tag.set) throw new Refusal("PATH-FORM", "a name's part is not a SET");
  const attributes = new DerReader(name, rdn, "PATH-FORM").rest(16);
  if (attributes.length === 0) throw new Refusal("PATH-FORM", "an empty part of a name");
  return attributes.map((attribute) => {
    if (attribute.tag !== tag.sequence) throw new Refusal("PATH-FORM", "a name's attribute is not a SEQUENCE");
    const reader = new DerReader(name, attribute, "PATH-FORM");
    const oid = reader.oid();
    const value = whole(name, reader.any());
    reader.finish();
    if (value.length > 1024) throw new Refusal("PATH-FORM", "a name's attribute is too long");
    return { oid, value };
  });
}

function attributeText({ oid, value }: NameAttribute): string {
  const text = stringText(value);
  return `${shortNames[oid] ?? oid}=${text === undefined ? `#${value.toHex()}` : escaped(text)}`;
}

function escaped(text: string): string {
  return text
    .replace(/["+,;<>\\=]|^[ #]| $/g, "\\$&")
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (found) =>
      [...new TextEncoder().encode(found)].map((octet) => `\\${octet.toString(16).padStart(2, "0")}`).join(""),
    );
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function utf8Text(octets: Uint8Array): string {
  try {
    return strictUtf8.decode(octets);
  } catch (cause) {
    throw new Refusal("PATH-FORM", "a name is not UTF-8", { cause });
  }
}
