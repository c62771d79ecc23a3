/** Digests as words, for reading aloud and comparing on paper: the PGP word list, two words a group (docs/formats.md, "Words"). */

import { Refusal } from "../refusal.ts";
import { evenWords, oddWords } from "./word-list.ts";

const digestBytes = 32;
/** Groups of a digest, numbered from 1. */
export const groupCount = digestBytes / 2;

/** The 32 words of a SHA-256 digest: byte 0 (even) first, even and odd lists in turn. Refuses other lengths with SHAPE. */
export function words(digest: Uint8Array): readonly string[] {
  if (digest.length !== digestBytes) {
    throw new Refusal("SHAPE", "words stand for 32 bytes", { got: `${digest.length} bytes` });
  }
  return Array.from(digest, (byte, at) => (at % 2 === 0 ? evenWords : oddWords)[byte] as string);
}

/** The 16 groups of a digest, `"adrift alkali"`; group n (from 1) is element n-1 and stands for bytes 2n-1 and 2n, counted from 1. */
export function wordGroups(digest: Uint8Array): readonly string[] {
  const all = words(digest);
  return Array.from({ length: groupCount }, (_, group) => `${all[2 * group]} ${all[2 * group + 1]}`);
}

/** Whether what a person typed is group n (1 to 16) of the digest. Case and white space do not matter. */
export function matchesGroup(digest: Uint8Array, n: number, typed: string): boolean {
  const group = wordGroups(digest)[n - 1];
  if (group === undefined) throw new Refusal("SHAPE", `no group ${n}: groups are numbered 1 to ${groupCount}`);
  return plain(typed) === plain(group);
}

function plain(text: string): string {
  return text.toLowerCase().replace(/\s+/g, "");
}
