/** Containers that are hostile as a whole: bombs, overlaps, bytes that nothing covers, ends that contradict, no mimetype. */

import { crc32, deflateRawSync } from "node:zlib";
import { concat, utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Hostile } from "./hostile-entries.ts";
import { extraField, rawZip } from "./raw-zip.ts";
import { document, mimetype, right, seal, withDocument } from "./right-zips.ts";

const deflated = deflateRawSync(Buffer.alloc(3 << 20));

export const hostileLayouts: readonly Hostile[] = [
  [
    "BUNDLE-FORM",
    "bytes after the end of what is deflated",
    "not what the container's directory says",
    rawZip([
      mimetype,
      {
        ...document,
        data: concat([deflateRawSync(utf8("%PDF-1.7 one")), utf8("hidden")]),
        both: { method: 8, size: 12, crc: crc32("%PDF-1.7 one") },
      },
      seal,
    ]),
  ],
  ["MEDIA-LIMIT", "a bomb", "unpacks to far more", withDocument({ data: new Uint8Array(3 << 20), deflate: true })],
  [
    "BUNDLE-FORM",
    "a bomb that says it is small",
    "not what the container's directory says",
    rawZip([mimetype, { ...document, data: deflated, both: { method: 8, size: 100_000 } }, seal]),
  ],
  ["MEDIA-LIMIT", "more entries than are taken", "too many entries", rawZip(right, { zip64: { entries: 500_001 } })],

  [
    "BUNDLE-FORM",
    "an entry over another",
    "belong to no entry",
    rawZip([mimetype, document, { ...seal, central: ({ at }) => ({ at: at - 10 }) }]),
  ],
  [
    "BUNDLE-FORM",
    "one file as two entries",
    "belong to no entry",
    rawZip([mimetype, document, { ...document, name: "x", central: { at: 69 } }]),
  ],
  [
    "BUNDLE-FORM",
    "entries in another order than the directory",
    "belong to no entry",
    rawZip([mimetype, { ...document, central: { at: 69 + 42 + 12 } }, { ...document, central: { at: 69 } }]),
  ],
  ["BUNDLE-FORM", "bytes between entries", "belong to no entry", withDocument({ before: utf8("x") })],
  ["BUNDLE-FORM", "bytes before the directory", "belong to no entry", rawZip(right, { before: utf8("x") })],
  [
    "BUNDLE-FORM",
    "bytes before everything",
    "belong to no entry",
    rawZip([{ ...mimetype, before: utf8("#!/bin/sh\n") }, document, seal]),
  ],
  [
    "BUNDLE-FORM",
    "bytes before everything, offsets as if they were not there",
    "does not end where its end records begin",
    concat([utf8("#!/bin/sh\n"), rawZip(right)]),
  ],
  ["BUNDLE-FORM", "bytes after everything", "does not end as a ZIP file", rawZip(right, { after: utf8("x") })],
  [
    "BUNDLE-FORM",
    "an entry that the directory leaves out",
    "belong to no entry",
    rawZip([mimetype, document, { ...seal, after: () => rawZip([{ name: "x" }]).subarray(0, 31) }]),
  ],
  ["BUNDLE-FORM", "fewer entries than the directory has", "belong to no entry", rawZip(right, { entries: 2 })],
  ["BUNDLE-FORM", "more entries than the directory has", "it cannot be read", rawZip(right, { entries: 4 })],
  ["BUNDLE-FORM", "no entries", "does not begin with the file mimetype", rawZip([])],
  ["BUNDLE-FORM", "a directory elsewhere", "does not end where its end records begin", rawZip(right, { at: 0 })],
  [
    "BUNDLE-FORM",
    "a second end in the comment",
    "does not end where its end records begin",
    rawZip(right, { comment: rawZip([]) }),
  ],
  [
    "BUNDLE-FORM",
    "ZIP64 records that contradict the end",
    "end records contradict each other",
    rawZip(right, { zip64: {}, entries: 2 }),
  ],
  ["BUNDLE-FORM", "ZIP64 records elsewhere", "ZIP64 end records contradict", rawZip(right, { zip64: { locator: 0 } })],
  [
    "BUNDLE-FORM",
    "ZIP64 records of another size",
    "ZIP64 end records contradict",
    rawZip(right, { zip64: { size: 100 } }),
  ],
  [
    "BUNDLE-FORM",
    "ZIP64 records with two counts",
    "ZIP64 end records contradict",
    rawZip(right, { zip64: { here: 2 } }),
  ],
  ["BUNDLE-FORM", "a ZIP64 directory at 8 EiB", "beyond any file", rawZip(right, { zip64: { at: 2 ** 63 } })],
  ["BUNDLE-FORM", "a container that is cut off", "does not end as a ZIP file", rawZip(right).subarray(0, -1)],
  ["BUNDLE-FORM", "no ZIP file", "does not end as a ZIP file", utf8("%PDF-1.7 ".repeat(100))],
  ["BUNDLE-FORM", "nothing", "does not end as a ZIP file", new Uint8Array(0)],

  ["BUNDLE-FORM", "no mimetype", "does not begin with the file mimetype", rawZip([document, seal])],
  [
    "BUNDLE-FORM",
    "mimetype in the second place",
    "does not begin with the file mimetype",
    rawZip([document, mimetype, seal]),
  ],
  [
    "BUNDLE-FORM",
    "mimetype deflated",
    "does not begin with the file mimetype",
    rawZip([{ ...mimetype, deflate: true }, document, seal]),
  ],
  [
    "BUNDLE-FORM",
    "mimetype with an extra field",
    "does not begin with the file mimetype",
    rawZip([{ ...mimetype, both: { extra: extraField(0x5455, new Uint8Array(5)) } }, document, seal]),
  ],
  [
    "BUNDLE-FORM",
    "another mimetype",
    "media type is another",
    rawZip([{ ...mimetype, data: "application/zip" }, document, seal]),
  ],
  [
    "BUNDLE-FORM",
    "mimetype with a line's end",
    "media type is another",
    rawZip([{ ...mimetype, data: `${mimetype.data}\n` }, document, seal]),
  ],
  [
    "BUNDLE-FORM",
    "a mimetype of a megabyte",
    "longer than 100 bytes",
    rawZip([{ ...mimetype, data: new Uint8Array(1 << 20) }, document, seal]),
  ],
];
