/** GAP: the box has no network. The initial network namespace is read through process 1. */

import { readFileSync } from "node:fs";
import type { Policy } from "../../manifests/records/policy.ts";
import { Refusal } from "../../manifests/refusal.ts";

export type NetworkLabel = "absent" | "present-recorded";

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

/** What the manifest says of the network. Refuses with GAP when a link is there and the policy calls that fatal. */
export function checkNetwork(policy: Policy["network"], read: ReadLinks): NetworkLabel {
  const links = otherLinks(read);
  if (links.length === 0) return "absent";
  if (policy === "fatal") {
    throw new Refusal("GAP", "the box has network links", { expected: "loopback only", got: links.join(", ") });
  }
  return "present-recorded";
}
