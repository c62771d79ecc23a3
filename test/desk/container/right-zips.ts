/** A small container as a ZIP file, byte by byte, in each form that other tools write. */

import { concat, utf8 } from "../../../manifests/encoding/bytes.ts";
import { extraField, numbers, type RawEnd, type RawEntry, rawZip, type Said } from "./raw-zip.ts";

export const mimetype: RawEntry = { name: "mimetype", data: "application/vnd.etsi.asic-s+zip" };
export const document: RawEntry = { name: "contract.pdf", data: "%PDF-1.7 one" };
export const seal: RawEntry = { name: "META-INF/signature.p7s", data: "no seal" };
export const right = [mimetype, document, seal];

/** The right container with another document. */
export const withDocument = (changes: Partial<RawEntry>, end: RawEnd = {}) =>
  rawZip([mimetype, { ...document, ...changes }, seal], end);
/** The right one with one more entry. */
export const withEntry = (name: RawEntry["name"], changes: Partial<RawEntry> = {}) =>
  rawZip([...right, { name, ...changes }]);

export const descriptor = ({ compressed, crc, size }: Said) => numbers([4, crc], [4, compressed], [4, size]);
export const later = { flags: 0x0008 };
export const unknown = { crc: 0, compressed: 0, size: 0 };
export const saturated = { compressed: 0xffffffff, size: 0xffffffff };
export const wideSizes = extraField(1, numbers([8, 12], [8, 12]));

export const accepted: readonly (readonly [string, Uint8Array])[] = [
  ["stored", rawZip(right)],
  [
    "with the comment that the standard has",
    rawZip(right, { comment: utf8("mimetype=application/vnd.etsi.asic-s+zip") }),
  ],
  ["deflated", withDocument({ deflate: true })],
  [
    "with times and owners",
    withDocument({
      both: { extra: concat([extraField(0x5455, new Uint8Array(5)), extraField(0x7875, new Uint8Array(11))]) },
    }),
  ],
  [
    "written as a stream",
    withDocument({
      both: later,
      local: unknown,
      after: (said) => concat([numbers([4, 0x08074b50]), descriptor(said)]),
    }),
  ],
  [
    "written as a stream, without the signature of its descriptor",
    withDocument({ both: later, local: unknown, after: descriptor }),
  ],
  [
    "written as a stream, deflated, with wide sizes",
    withDocument({
      deflate: true,
      both: later,
      local: unknown,
      after: ({ compressed, crc, size }) => numbers([4, 0x08074b50], [4, crc], [8, compressed], [8, size]),
    }),
  ],
  ["with ZIP64 sizes", withDocument({ both: { ...saturated, extra: wideSizes } })],
  ["with a ZIP64 end", rawZip(right, { zip64: {} })],
  [
    "with an offset in ZIP64",
    withDocument({ central: ({ at }) => ({ at: 0xffffffff, extra: extraField(1, numbers([8, at])) }) }),
  ],
];
