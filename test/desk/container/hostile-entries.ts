/** Containers with an entry that is hostile by itself: code, what it is, what the message says, bytes. */

import { concat, utf8 } from "../../../manifests/encoding/bytes.ts";
import { extraField, numbers, type RawEntry, rawZip } from "./raw-zip.ts";
import { descriptor, later, right, saturated, unknown, wideSizes, withDocument, withEntry } from "./right-zips.ts";

export type Hostile = readonly [code: string, what: string, said: string, bytes: Uint8Array];

const names: readonly [string, RawEntry["name"], Partial<RawEntry>?][] = [
  ["climbs", "../x"],
  ["climbs on the way", "a/../../x"],
  ["stands where it is", "./x"],
  ["is absolute", "/x"],
  ["is absolute on Windows", "C:/x"],
  ["has backslashes", "a\\x"],
  ["has an empty step", "a//x"],
  ["is empty", ""],
  ["holds NUL", "a\0x"],
  ["holds a line's end", "a\nx"],
  ["holds a bidirectional mark", "a\u202ex"],
  ["is none on Windows", "aux.pdf"],
  ["ends with a dot", "a."],
  ["is not in NFC", "U\u0308bersicht.pdf"],
  ["is no UTF-8", Uint8Array.of(0x61, 0xff)],
  ["is overlong UTF-8", Uint8Array.of(0x2e, 0xc0, 0xaf, 0x78)],
  ["says no encoding", utf8("Übersicht.pdf"), { both: { flags: 0 } }],
  ["is longer than paths are", `${"a".repeat(250)}/${"b".repeat(50)}`],
  ["has more names than paths have", "a/b/c/d/e"],
  ["is there twice", "contract.pdf"],
  ["is there in other case", "Contract.PDF"],
  ["is that of a folder", "META-INF"],
  ["is that of a folder in other case", "meta-inf/x"],
  ["is below a file", "contract.pdf/x"],
];
export const hostileEntries: readonly Hostile[] = [
  ...names.map(
    ([what, name, changes]) => ["MEDIA-NAME", `a path that ${what}`, "the path ", withEntry(name, changes)] as const,
  ),

  ["MEDIA-KIND", "a folder", "is a folder", withEntry("folder/")],
  [
    "MEDIA-KIND",
    "a link",
    "no plain file",
    withEntry("x", { data: "/etc/passwd", both: { attributes: 0o120777 * 0x10000 } }),
  ],
  ["MEDIA-KIND", "a device", "no plain file", withEntry("x", { both: { attributes: 0o020666 * 0x10000 } })],
  ["MEDIA-KIND", "a folder by its attributes", "no plain file", withEntry("x", { both: { attributes: 0x10 } })],

  ["BUNDLE-FORM", "a size that is a lie", "belong to no entry", withDocument({ both: { compressed: 5, size: 5 } })],
  ["BUNDLE-FORM", "two sizes of a stored file", "stored with two sizes", withDocument({ both: { size: 5 } })],
  [
    "BUNDLE-FORM",
    "a size that is a lie, deflated: more",
    "not what the container's directory says",
    withDocument({ deflate: true, both: { size: 5 } }),
  ],
  [
    "BUNDLE-FORM",
    "a size that is a lie, deflated: less",
    "not what the container's directory says",
    withDocument({ deflate: true, both: { size: 50 } }),
  ],
  [
    "BUNDLE-FORM",
    "a size of 8 EiB",
    "it cannot be read",
    withDocument({ both: { ...saturated, extra: extraField(1, numbers([8, 2 ** 63], [8, 2 ** 63])) } }),
  ],
  ["BUNDLE-FORM", "ZIP64 sizes that are not there", "it cannot be read", withDocument({ both: saturated })],
  ["BUNDLE-FORM", "another size in the local header", "two headers contradict", withDocument({ local: { size: 5 } })],
  [
    "BUNDLE-FORM",
    "another name in the local header",
    "two headers contradict",
    withDocument({ local: { name: utf8("contract.exe") } }),
  ],
  [
    "BUNDLE-FORM",
    "another compression in the local header",
    "two headers contradict",
    withDocument({ local: { method: 8 } }),
  ],
  [
    "BUNDLE-FORM",
    "other flags in the local header",
    "two headers contradict",
    withDocument({ local: { flags: 0x0800 } }),
  ],
  ["BUNDLE-FORM", "another CRC in the local header", "two headers contradict", withDocument({ local: { crc: 1 } })],
  ["BUNDLE-FORM", "a CRC that is a lie", "not what the container's directory says", withDocument({ both: { crc: 1 } })],
  [
    "BUNDLE-FORM",
    "a CRC that is a lie, deflated",
    "not what the container's directory says",
    withDocument({ deflate: true, both: { crc: 1 } }),
  ],
  ["BUNDLE-FORM", "bytes that are not deflated", "does not unpack", withDocument({ both: { method: 8 } })],
  [
    "BUNDLE-FORM",
    "a descriptor that contradicts",
    "belong to no entry",
    withDocument({ both: later, local: unknown, after: () => numbers([4, 1], [4, 12], [4, 12]) }),
  ],
  [
    "BUNDLE-FORM",
    "a descriptor that is not there",
    "belong to no entry",
    withDocument({ both: later, local: unknown }),
  ],
  ["BUNDLE-FORM", "a descriptor that nothing announces", "belong to no entry", withDocument({ after: descriptor })],

  ["BUNDLE-FORM", "encryption", "it is encrypted", withDocument({ both: { flags: 0x0001 } })],
  ["BUNDLE-FORM", "strong encryption", "it cannot be read", withDocument({ both: { flags: 0x0041 } })],
  ["BUNDLE-FORM", "an encrypted directory", "it is encrypted", withDocument({ both: { flags: 0x2000 } })],
  ["BUNDLE-FORM", "an unknown compression", "compressed in another way", withDocument({ both: { method: 12 } })],
  [
    "BUNDLE-FORM",
    "a second name beside it",
    "extra field that nothing covers",
    withDocument({ both: { extra: extraField(0x7075, concat([numbers([1, 1], [4, 0]), utf8("x.pdf")])) } }),
  ],
  [
    "BUNDLE-FORM",
    "an extra field of its own",
    "extra field that nothing covers",
    withDocument({ both: { extra: extraField(0xcafe, new Uint8Array(9)) } }),
  ],
  [
    "BUNDLE-FORM",
    "an extra field of the local header alone",
    "extra field that nothing covers",
    withDocument({ local: { extra: extraField(0xcafe, new Uint8Array(9)) } }),
  ],
  [
    "BUNDLE-FORM",
    "an extra field that is cut off",
    "it cannot be read",
    withDocument({ both: { extra: numbers([2, 1], [2, 99]) } }),
  ],
  [
    "BUNDLE-FORM",
    "ZIP64 sizes twice",
    "extra field that nothing covers",
    withDocument({ both: { ...saturated, extra: concat([wideSizes, wideSizes]) } }),
  ],
  ["BUNDLE-FORM", "a comment of an entry", "it has a comment", withDocument({ both: { comment: utf8("approved") } })],
  ["BUNDLE-FORM", "a comment of its own", "comment says something else", rawZip(right, { comment: utf8("approved") })],
  ["BUNDLE-FORM", "a longer comment", "does not end as a ZIP file", rawZip(right, { comment: new Uint8Array(5000) })],
];
