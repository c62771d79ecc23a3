/** GAP: the network links of the initial namespace, read through process 1. */

import { readFileSync } from "node:fs";
import { Refusal } from "../manifests/refusal.ts";

/** Gives the text of `/proc/1/net/dev`, or throws. */
export type ReadLinks = () => string;

export const readInitialLinks: ReadLinks = () => readFileSync("/proc/1/net/dev", "utf8");

/** The links other than loopback. Refuses with GAP when they cannot be known. */
export function otherLinks(read: ReadLinks): readonly string[] {
  let text: string;
  try {
    text = read();
  } catch (cause) {
    throw new Refusal("GAP", "the network links of the box cannot be read", { about: "/proc/1/net/dev", cause });
  }
  const [first, second, ...rows] = text.split("\n");
  if (!first?.startsWith("Inter-|") || !second?.includes("|bytes")) {
    throw new Refusal("GAP", "the list of network links has an unknown form", { about: "/proc/1/net/dev" });
  }
  const names = rows.filter((row) => row.trim() !== "").map(linkName);
  if (!names.includes("lo")) throw new Refusal("GAP", "the list of network links lacks loopback");
  return names.filter((name) => name !== "lo");
}

function linkName(row: string): string {
  const name = /^\s*(\S+):/.exec(row)?.[1];
  if (name === undefined) throw new Refusal("GAP", "the list of network links has an unknown form");
  return name;
}
