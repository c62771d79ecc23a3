/** Mutations of JSON text by its members, with repeated names and numbers as they were written. */

import { parseDer } from "./der-tree.ts";
import { mutateBytes } from "./mutate-bytes.ts";
import { mutateDer } from "./mutate-der.ts";
import type { Random } from "./random.ts";

type Tree =
  | { readonly kind: "object"; members: [string, Tree][] }
  | { readonly kind: "list"; items: Tree[] }
  | { readonly kind: "raw"; text: string };

const names = [
  "__proto__",
  "constructor",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "",
  "length",
  "version",
  "a\u0000",
  "é",
];
const numbers = [
  "0",
  "-0",
  "-1",
  "1",
  "0.1",
  "1e3",
  "1E400",
  "1e-9",
  "9007199254740991",
  "9007199254740992",
  "9007199254740993",
  "123456789012345678901234567890",
  "4294967296",
  "65536",
  "01",
  "+1",
  ".5",
  "NaN",
];
const texts = [
  '""',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u0000"',
  '"\\u0041"',
  '"\\/"',
  '"\u202e"',
  '"\u007f"',
  '"e\u0301"',
  '"CON"',
  '".."',
  '"a/b"',
  '"0000-01-01T00:00:00Z"',
  '"9999-12-31T23:59:59Z"',
  '"2026-02-30T00:00:00Z"',
  '"2026-11-20T24:00:00Z"',
  '"2026-11-20T12:00:60Z"',
  '"test"',
  '"offline"',
  '"sha512"',
  '"sha384"',
  '"rsa-pss-sha256"',
  '"\ud83d\ude00"',
  '"1.3.6.1.4.1.32473.1"',
  '"2.999.99999999999999999999"',
];
const others = [
  "null",
  "true",
  "false",
  "{}",
  "[]",
  "[[]]",
  '{"toString":1,"valueOf":1}',
  '{"length":1}',
  "[null]",
  "undefined",
  "",
];

/** Changes JSON, or lines of JSON; what cannot be parsed is changed as bytes. Half of the results are canonical in form. */
export function mutateJson(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
  const text = Buffer.from(input).toString();
  const lines = text.split("\n");
  const last = lines.at(-1) === "" ? lines.pop() : undefined;
  const trees = lines.map(parse);
  if (trees.length === 0 || trees.some((tree) => tree === undefined)) return mutateBytes(random, input, other);
  const whole: Tree = { kind: "list", items: trees as Tree[] };
  const from = parse(Buffer.from(other).toString().split("\n")[0] ?? "");
  for (let round = random.pick([1, 1, 1, 2, 3]); round > 0; round--) change(random, whole, from);
  const sorted = random.chance(0.7);
  const out = whole.items.map((tree) => write(tree, sorted)).join("\n");
  const bytes = new Uint8Array(Buffer.from(last === undefined ? out : `${out}\n`));
  if (random.chance(0.04)) return spaced(random, bytes);
  return random.chance(0.04) ? mutateBytes(random, bytes, other) : bytes;
}

/** White space, or what some readers take for it, at an end or between two tokens. */
function spaced(random: Random, bytes: Uint8Array): Uint8Array {
  const places = [0, bytes.length, bytes.indexOf(0x2c) + 1, bytes.indexOf(0x3a) + 1];
  const at = random.pick(places);
  const space = Buffer.from(random.pick([" ", "\n", "\t", "\r\n", "\ufeff", "\u00a0", "\u0000"]));
  return new Uint8Array(Buffer.concat([bytes.subarray(0, at), space, bytes.subarray(at)]));
}

/** JSON as a tree; undefined for other text. */
function parse(text: string): Tree | undefined {
  try {
    return treeOf(JSON.parse(text), 0);
  } catch {
    return undefined;
  }
}

function treeOf(value: unknown, depth: number): Tree {
  if (depth > 200) return { kind: "raw", text: "null" };
  if (Array.isArray(value)) return { kind: "list", items: value.map((item) => treeOf(item, depth + 1)) };
  if (typeof value !== "object" || value === null) return { kind: "raw", text: JSON.stringify(value) };
  return { kind: "object", members: Object.entries(value).map(([name, item]) => [name, treeOf(item, depth + 1)]) };
}

function write(tree: Tree, sorted: boolean): string {
  if (tree.kind === "raw") return tree.text;
  if (tree.kind === "list") return `[${tree.items.map((item) => write(item, sorted)).join(",")}]`;
  const members = sorted ? [...tree.members].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)) : tree.members;
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${write(item, sorted)}`).join(",")}}`;
}

/** Every place that holds a value, as a way to read and to set it. */
function places(tree: Tree): { get(): Tree; set(value: Tree): void; readonly holder: Tree; readonly at: number }[] {
  const found: ReturnType<typeof places> = [];
  const visit = (holder: Tree) => {
    if (holder.kind === "list") {
      holder.items.forEach((item, at) => {
        found.push({
          get: () => holder.items[at] as Tree,
          set: (value) => holder.items.splice(at, 1, value),
          holder,
          at,
        });
        visit(item);
      });
    } else if (holder.kind === "object") {
      holder.members.forEach((member, at) => {
        found.push({
          get: () => member[1],
          set: (value) => {
            member[1] = value;
          },
          holder,
          at,
        });
        visit(member[1]);
      });
    }
  };
  visit(tree);
  return found;
}

function change(random: Random, whole: Tree, other: Tree | undefined): void {
  const all = places(whole);
  if (all.length === 0) return;
  const place = random.pick(all);
  const { holder, at } = place;
  switch (random.below(14)) {
    case 0:
      if (holder.kind === "list") holder.items.splice(at, 1);
      if (holder.kind === "object") holder.members.splice(at, 1);
      return;
    case 1: {
      const copy = structuredClone(place.get());
      if (holder.kind === "list") holder.items.splice(random.below(holder.items.length + 1), 0, copy);
      else if (holder.kind === "object") {
        const name = random.chance(0.5) ? (holder.members[at]?.[0] ?? "") : random.pick(names);
        holder.members.splice(random.below(holder.members.length + 1), 0, [name, copy]);
      }
      return;
    }
    case 2:
      if (holder.kind === "object") (holder.members[at] as [string, Tree])[0] = random.pick(names);
      place.set(raw(random.pick(others)));
      return;
    case 3: {
      const second = random.pick(all);
      const held = place.get();
      const copy = structuredClone(second.get());
      second.set(structuredClone(held));
      place.set(copy);
      return;
    }
    case 4:
      place.set(raw(random.pick(numbers)));
      return;
    case 5:
      place.set(raw(random.pick(texts)));
      return;
    case 6:
      place.set(raw(random.pick(others)));
      return;
    case 7:
      place.set(nested(random, place.get()));
      return;
    case 8:
      place.set(
        raw(
          JSON.stringify(
            random
              .pick(["a", "é", "\u{1f600}", "/", "-"])
              .repeat(random.pick([32, 33, 64, 65, 255, 256, 501, 2001, 5000, 30_000])),
          ),
        ),
      );
      return;
    case 9: {
      if (other === undefined) return;
      const theirs = places({ kind: "list", items: [other] });
      place.set(structuredClone(random.pick(theirs).get()));
      return;
    }
    case 10:
      flood(random, place.get());
      return;
    case 11:
    case 12:
      place.set(insideText(random, place.get()));
      return;
    default: {
      if (holder.kind !== "object") return;
      holder.members.push([random.pick(names), raw(random.pick(others))]);
    }
  }
}

function raw(text: string): Tree {
  return { kind: "raw", text };
}

function nested(random: Random, inner: Tree): Tree {
  const depth = random.pick([1, 5, 31, 32, 33, 100, 5000, 20_000]);
  if (depth > 100)
    return raw(
      random.chance(0.5)
        ? `${"[".repeat(depth)}${"]".repeat(depth)}`
        : `${'{"a":'.repeat(depth / 2)}1${"}".repeat(depth / 2)}`,
    );
  let tree = inner;
  for (let level = 0; level < depth; level++) tree = { kind: "list", items: [tree] };
  return tree;
}

function flood(random: Random, tree: Tree): void {
  const count = random.pick([2, 65, 300, 1001, 3000]);
  if (tree.kind === "list" && tree.items.length > 0) {
    const one = random.pick(tree.items);
    const size = write(one, false).length + 1;
    for (let n = Math.min(count, Math.floor(50_000 / size)); n > 0; n--) tree.items.push(structuredClone(one));
  } else if (tree.kind === "object") {
    for (let n = Math.min(count, 3000); n > 0; n--) tree.members.push([`x${n}`, raw(String(n))]);
  }
}

/** A text changed as what it holds: base64 of DER, hex, a time, or plain characters. */
function insideText(random: Random, tree: Tree): Tree {
  if (tree.kind !== "raw" || !tree.text.startsWith('"')) return tree;
  const text = JSON.parse(tree.text) as string;
  if (text.length > 60 && /^[A-Za-z0-9+/]+=*$/.test(text) && random.chance(0.8)) {
    const bytes = new Uint8Array(Buffer.from(text, "base64"));
    const changed = parseDer(bytes) ? mutateDer(random, bytes, bytes) : mutateBytes(random, bytes, bytes);
    return raw(JSON.stringify(Buffer.from(changed).toString("base64")));
  }
  const at = random.below(text.length + 1);
  const put = random.pick(["0", "f", "A", " ", "9", "-", "\u00e9", "\u0000", "\ud800", "=", ".", "/", ""]);
  return raw(JSON.stringify(text.slice(0, at) + put + text.slice(at + random.below(3))));
}
