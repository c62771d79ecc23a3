/** Mutations of DER by its elements. Outer lengths are written anew, so that what is deep inside is reached. */

import {
  branch,
  copyNode,
  type DerNode,
  joined,
  type LengthLie,
  leaf,
  parseDer,
  places,
  writeDer,
} from "./der-tree.ts";
import { mutateBytes, repeated } from "./mutate-bytes.ts";
import { mutateJson } from "./mutate-json.ts";
import type { Random } from "./random.ts";

const most = 60_000;

const tags = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x1e, 0x24, 0x30, 0x31, 0x80, 0x81, 0x82,
  0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0x1f, 0x3f, 0x00,
];

const hexOf = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
const oids = [
  "2a864886f70d010701", // data
  "2a864886f70d010702", // signedData
  "2a864886f70d010903", // contentType
  "2a864886f70d010904", // messageDigest
  "2a864886f70d010905", // signingTime
  "2a864886f70d010910022f", // signingCertificateV2
  "2a864886f70d010934", // algorithmProtection
  "608648016503040201", // sha256
  "608648016503040203", // sha512
  "2b0e03021a", // sha1
  "2a864886f70d0205", // md5
  "2a864886f70d010101", // rsaEncryption
  "2a864886f70d01010a", // RSASSA-PSS
  "2a8648ce3d040302", // ecdsa-with-SHA256
  "2a8648ce3d0201", // ecPublicKey
  "2b81040022", // P-384
  "551d0f",
  "551d11",
  "551d13",
  "551d1e",
  "551d23",
  "551d25",
  "551d20",
  "2b0601040181fd590116", // ARC.22
  "80",
  "ff",
  "00",
  "2a80808001",
  `2a${"ff".repeat(62)}7f`,
  `2a${"ff".repeat(63)}7f`,
].map(hexOf);
const integers = [
  "00",
  "01",
  "02",
  "03",
  "7f",
  "80",
  "ff",
  "0080",
  "00ff",
  "0000",
  "ffff",
  "7fffffff",
  "00ffffffff",
  "1fffffffffffff",
  "20000000000000",
  `00${"ff".repeat(32)}`,
  "ff".repeat(20),
  "7f".repeat(21),
  "",
].map(hexOf);
const times = [
  "261120120000Z",
  "491231235959Z",
  "500101000000Z",
  "20500101000000Z",
  "20490101000000Z",
  "99991231235959Z",
  "00000101000000Z",
  "260230000000Z",
  "2611201200Z",
  "261120120000+0000",
  "20261120120000.5Z",
  "261120240000Z",
  "261120126000Z",
  "261120120060Z",
  "",
].map((text) => new Uint8Array(Buffer.from(text)));

/** One to three changes of elements. What is no DER is changed as bytes. */
export function mutateDer(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
  if (random.chance(0.08)) return mutateBytes(random, input, other);
  const nodes = parseDer(input);
  if (!nodes || nodes.length === 0) return mutateBytes(random, input, other);
  for (let round = random.pick([1, 1, 1, 2, 3]); round > 0; round--) {
    if (!random.chance(0.25) || !changeJsonInside(random, nodes)) change(random, nodes, other);
  }
  if (random.chance(0.6)) sortSets(nodes);
  const out = writeDer(nodes);
  return random.chance(0.04) ? mutateBytes(random, out, other) : out;
}

/** Changes a record that stands in an element, as JSON; false where there is none. */
function changeJsonInside(random: Random, nodes: DerNode[]): boolean {
  const found = places(nodes).find(({ list, at }) => !list[at]?.children && list[at]?.bytes[0] === 0x7b);
  const node = found?.list[found.at];
  if (!node) return false;
  node.bytes = mutateJson(random, node.bytes, node.bytes);
  return true;
}

function change(random: Random, nodes: DerNode[], other: Uint8Array): void {
  const all = places(nodes);
  if (all.length === 0) return;
  const { list, at } = random.pick(all);
  const node = list[at] as DerNode;
  switch (random.below(15)) {
    case 0:
      list.splice(at, 1);
      return;
    case 1:
      list.splice(random.below(list.length + 1), 0, copyNode(node));
      return;
    case 2: {
      const to = random.below(list.length);
      list[at] = list[to] as DerNode;
      list[to] = node;
      return;
    }
    case 3: {
      const target = random.pick(all);
      target.list.splice(target.at, random.below(2), copyNode(node));
      return;
    }
    case 4:
      node.tag = random.chance(0.3) ? random.below(256) : random.chance(0.3) ? node.tag ^ 0x20 : random.pick(tags);
      return;
    case 5:
      node.lie = lengthLie(random);
      return;
    case 6:
      list[at] = nested(random, node);
      return;
    case 7: {
      const theirs = places([...(parseDer(other) ?? []), leaf(0x05)]);
      const taken = random.pick(theirs);
      list[at] = copyNode(taken.list[taken.at] as DerNode);
      return;
    }
    case 8:
      flood(random, node);
      return;
    case 9:
      list.splice(at, 0, leaf(random.pick(tags), random.bytes(random.below(5))));
      return;
    default:
      changeValue(random, node);
      return;
  }
}

function changeValue(random: Random, node: DerNode): void {
  if (node.children && node.tag !== 0x04 && node.tag !== 0x03) {
    if (random.chance(0.2)) node.children = [];
    else node.children.push(leaf(random.pick(tags), random.bytes(random.below(4))));
    return;
  }
  const bytes = node.children ? joined([node.prefix, writeDer(node.children)]) : node.bytes;
  node.children = undefined;
  node.bytes = changedValue(random, node.tag, bytes);
}

function changedValue(random: Random, tag: number, bytes: Uint8Array): Uint8Array {
  if (bytes[0] === 0x7b && random.chance(0.9)) return mutateJson(random, bytes, bytes);
  if (random.chance(0.2)) return mutateBytes(random, bytes, bytes);
  switch (tag) {
    case 0x06:
      return random.pick(oids);
    case 0x02:
    case 0x0a:
      return random.pick(integers);
    case 0x17:
    case 0x18:
      return random.pick(times);
    case 0x01:
      return Uint8Array.of(random.pick([0, 1, 0xff]));
    default:
      return random.pick([
        new Uint8Array(0),
        bytes.subarray(0, Math.max(0, bytes.length - 1)),
        joined([bytes, Uint8Array.of(0)]),
        joined([Uint8Array.of(0), bytes]),
        repeated(
          random.pick([0, 0x41, 0x80, 0xff]),
          random.pick([1, 32, 33, 64, 127, 128, 255, 256, 1024, 1025, 16_385, 40_000]),
        ),
        random.bytes(bytes.length),
      ]);
  }
}

function lengthLie(random: Random): LengthLie {
  switch (random.below(6)) {
    case 0:
      return { kind: "by", by: random.pick([1, -1, 2, -2, 127, 128, -128, 65_536, 2 ** 31]) };
    case 1:
      return { kind: "long", more: random.pick([0, 1, 1, 2, 3, 8, 120]) };
    case 2:
      return { kind: "indefinite" };
    case 3:
      return { kind: "raw", octets: Uint8Array.of(0x84, 0xff, 0xff, 0xff, 0xff) };
    case 4:
      return { kind: "raw", octets: Uint8Array.of(0x88, 0x7f, ...repeated(0xff, 7)) };
    default:
      return { kind: "raw", octets: random.bytes(1 + random.below(5)) };
  }
}

function nested(random: Random, inner: DerNode): DerNode {
  const tag = random.pick([0x30, 0x31, 0xa0, 0x24, inner.tag]);
  let node = inner;
  for (let depth = random.pick([1, 1, 2, 5, 23, 24, 25, 60, random.chance(0.2) ? 2000 : 1]); depth > 0; depth--)
    node = branch(tag, [node]);
  return node;
}

/** Many copies of a child, each a little different when they must be, so that orders of sets can hold. */
function flood(random: Random, node: DerNode): void {
  if (!node.children) {
    node.bytes = repeated(node.bytes[0] ?? 0x41, random.pick([100, 1000, 10_000, 40_000]));
    return;
  }
  const one = node.children.length > 0 ? random.pick(node.children) : leaf(0x02, Uint8Array.of(1));
  const size = writeDer([one]).length;
  const count = Math.min(random.pick([3, 17, 33, 65, 129, 20_000]), Math.floor(most / size));
  const differ = random.chance(0.6);
  for (let n = 0; n < count; n++) {
    const copy = copyNode(one);
    if (differ) stamp(copy, n);
    node.children.push(copy);
  }
}

/** Puts a number into the first leaf of a node. */
function stamp(node: DerNode, n: number): void {
  const first = node.children?.[0];
  if (first && node.children) {
    stamp(first, n);
    return;
  }
  node.children = undefined;
  const bytes = node.bytes.length < 4 ? new Uint8Array(4) : new Uint8Array(node.bytes);
  bytes.set([1 + (n >> 14), (n >> 7) & 0x7f, n & 0x7f], Math.max(0, bytes.length - 3));
  node.bytes = bytes;
}

/** Brings SETs, and the context-specific sets of CMS, into the order that DER asks for. */
export function sortSets(nodes: readonly DerNode[]): void {
  for (const node of nodes) {
    if (!node.children) continue;
    sortSets(node.children);
    if (node.tag === 0x31 || (node.tag === 0xa0 && node.children.length > 1)) sortNodes(node.children);
  }
}

export function sortNodes(nodes: DerNode[]): void {
  if (nodes.length < 2) return;
  const written = new Map(nodes.map((node) => [node, Buffer.from(writeDer([node]))]));
  nodes.sort((a, b) => Buffer.compare(written.get(a) as Buffer, written.get(b) as Buffer));
}
