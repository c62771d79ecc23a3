/**
 * DER as a tree, read tolerantly: a parser of the tests' own, which shares nothing with the readers that it attacks.
 * What cannot be parsed stays bytes. OCTET STRINGs and BIT STRINGs that hold DER are opened.
 */

export interface DerNode {
  tag: number;
  /** what stands before the children of a BIT STRING */
  prefix: Uint8Array;
  children: DerNode[] | undefined;
  bytes: Uint8Array;
  /** how the length is written, when not as DER has it */
  lie: LengthLie | undefined;
}

export type LengthLie =
  | { readonly kind: "by"; readonly by: number }
  /** in so many octets more than are needed */
  | { readonly kind: "long"; readonly more: number }
  | { readonly kind: "indefinite" }
  | { readonly kind: "raw"; readonly octets: Uint8Array };

const none = new Uint8Array(0);
const deepest = 60;

export function leaf(tag: number, bytes: Uint8Array = none): DerNode {
  return { tag, prefix: none, children: undefined, bytes, lie: undefined };
}

export function branch(tag: number, children: DerNode[]): DerNode {
  return { tag, prefix: none, children, bytes: none, lie: undefined };
}

/** Every element of `bytes`, or undefined where they are not elements to the last byte. */
export function parseDer(bytes: Uint8Array, depth = 0): DerNode[] | undefined {
  const nodes: DerNode[] = [];
  for (let at = 0; at < bytes.length; ) {
    const header = headerAt(bytes, at);
    if (!header || header.end > bytes.length) return undefined;
    nodes.push(nodeOf(bytes[at] as number, bytes.subarray(header.start, header.end), depth));
    at = header.end;
  }
  return nodes;
}

export function writeDer(nodes: readonly DerNode[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = nodes.length - 1; at >= 0; at--) writeBackwards(nodes[at] as DerNode, parts);
  return joined(parts.reverse());
}

/** Last part first, so that a node's length is known when its header is written. */
function writeBackwards(node: DerNode, parts: Uint8Array[]): number {
  let length = node.bytes.length;
  if (node.lie?.kind === "indefinite") parts.push(Uint8Array.of(0, 0));
  if (node.children) {
    length = node.prefix.length;
    for (let at = node.children.length - 1; at >= 0; at--)
      length += writeBackwards(node.children[at] as DerNode, parts);
    parts.push(node.prefix);
  } else parts.push(node.bytes);
  const header = joined([Uint8Array.of(node.tag), lengthOctets(length, node.lie)]);
  parts.push(header);
  return header.length + length + (node.lie?.kind === "indefinite" ? 2 : 0);
}

/** Whether every element has the one header of DER, as deep as elements are constructed: what strict readers must ask for. */
export function headersAreMinimal(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; ) {
    const header = headerAt(bytes, at);
    if (!header || header.end > bytes.length) return false;
    if (Buffer.compare(bytes.subarray(at + 1, header.start), shortest(header.end - header.start)) !== 0) return false;
    const constructed = ((bytes[at] as number) & 0x20) !== 0;
    if (constructed && !headersAreMinimal(bytes.subarray(header.start, header.end))) return false;
    at = header.end;
  }
  return true;
}

/** All nodes of a forest with the list that holds each. */
export function places(nodes: DerNode[]): { readonly list: DerNode[]; readonly at: number }[] {
  const found: { list: DerNode[]; at: number }[] = [];
  const visit = (list: DerNode[]) => {
    list.forEach((node, at) => {
      found.push({ list, at });
      if (node.children) visit(node.children);
    });
  };
  visit(nodes);
  return found;
}

export function copyNode(node: DerNode): DerNode {
  return { ...node, children: node.children?.map(copyNode) };
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function headerAt(bytes: Uint8Array, at: number): { start: number; end: number } | undefined {
  const first = bytes[at + 1];
  if (first === undefined || bytes[at] === 0) return undefined;
  if (first < 0x80) return { start: at + 2, end: at + 2 + first };
  const count = first & 0x7f;
  if (count === 0 || count > 4) return undefined;
  let length = 0;
  for (let index = 0; index < count; index++) length = length * 256 + (bytes[at + 2 + index] ?? 0);
  return { start: at + 2 + count, end: at + 2 + count + length };
}

function nodeOf(tag: number, content: Uint8Array, depth: number): DerNode {
  const node = leaf(tag, content);
  if (depth >= deepest || content.length < 2) {
    if ((tag & 0x20) !== 0 && content.length === 0) node.children = [];
    return node;
  }
  if ((tag & 0x20) !== 0) node.children = parseDer(content, depth + 1);
  else if (tag === 0x04) node.children = parseDer(content, depth + 1);
  else if (tag === 0x03 && content[0] === 0) {
    node.children = parseDer(content.subarray(1), depth + 1);
    if (node.children) node.prefix = content.subarray(0, 1);
  }
  return node;
}

function lengthOctets(length: number, lie: LengthLie | undefined): Uint8Array {
  switch (lie?.kind) {
    case "by":
      return shortest(Math.max(0, length + lie.by));
    case "long": {
      const octets = shortest(length);
      const digits = octets.length === 1 ? octets : octets.subarray(1);
      return joined([Uint8Array.of(0x80 | (lie.more + digits.length)), new Uint8Array(lie.more), digits]);
    }
    case "indefinite":
      return Uint8Array.of(0x80);
    case "raw":
      return lie.octets;
    case undefined:
      return shortest(length);
  }
}

function shortest(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return Uint8Array.of(0x80 | octets.length, ...octets);
}
