/** The promises about files: receipts, what stands on sticks, what is left in the spool, and secrets nowhere. */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { bundleFolder } from "../../host/bundle-folder.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { verifyBundle } from "../../manifests/verify/bundle.ts";
import type { Trust } from "../../manifests/verify/trust.ts";
import { memorySource } from "../bundle/memory-source.ts";
import type { Breach } from "./breach.ts";

export type Files = ReadonlyMap<string, Uint8Array>;
export type Receipt = (number: number) => Promise<Files>;

/** CHECKED-OUT: every receipt verifies as anyone would, pinned to genesis, and comes in the same bytes again. */
export async function checkReceipts(
  numbers: readonly number[],
  receipt: Receipt,
  trust: Trust,
): Promise<readonly Breach[]> {
  const breaches: Breach[] = [];
  for (const number of numbers) {
    const files = await receipt(number);
    const { ok, findings } = await verifyBundle(nodeHost, memorySource({ files: new Map(files) }), trust);
    if (!ok) breaches.push(["CHECKED-OUT", `receipt ${number} does not verify: ${findings[0]?.message}`]);
    const other = difference(files, await receipt(number));
    if (other !== undefined)
      breaches.push(["CHECKED-OUT", `receipt ${number} is another when exported again: ${other}`]);
  }
  return breaches;
}

/** What must stand in a stick's outbox: by folder the number of the receipt, or that it was refused, rejected or aborted before a number. */
export type Expected = ReadonlyMap<string, { readonly number: number } | "refusal" | "rejection">;

/** CHECKED-OUT: folders of the outbox are whole receipts or whole refusals, nothing else stands there, and what must be there is. */
export async function checkStick(
  stick: string,
  expected: Expected,
  receipt: Receipt,
  trust: Trust,
): Promise<readonly Breach[]> {
  const breaches: Breach[] = [];
  const outbox = join(stick, "coldseal/outbox");
  const there = existsSync(outbox) ? readdirSync(outbox) : [];
  // A temporary folder that could not be removed is harmless once nothing is in it: the next answer removes it.
  const harmless = (name: string) => /^\.partial-[0-9a-f]{8}$/.test(name) && filesBelow(join(outbox, name)).size === 0;
  for (const name of there.filter((one) => !expected.has(one) && !harmless(one))) {
    breaches.push(["CHECKED-OUT", `${name} stands in the outbox and nothing says why`]);
  }
  for (const [folder, what] of expected) {
    if (!there.includes(folder)) {
      breaches.push(["CHECKED-OUT", `${folder} is not in the outbox`]);
      continue;
    }
    const files = filesBelow(join(outbox, folder));
    if (what === "refusal" || what === "rejection") {
      if (what === "rejection" && !files.has("rejection.p7m")) {
        breaches.push(["CHECKED-OUT", `${folder} does not hold the rejection`]);
      }
      if (![...files.keys()].some((name) => name.startsWith("refusal.")))
        breaches.push(["CHECKED-OUT", `${folder} holds no refusal`]);
      continue;
    }
    const other = difference(files, await receipt(what.number));
    if (other !== undefined) breaches.push(["CHECKED-OUT", `${folder} is not the receipt: ${other}`]);
    const { ok, findings } = await verifyBundle(nodeHost, bundleFolder(join(outbox, folder)), trust);
    if (!ok) breaches.push(["CHECKED-OUT", `${folder} does not verify: ${findings[0]?.message}`]);
  }
  return breaches;
}

/** NOTHING-LOST, and nothing left: the spool holds `waiting` and no more, and nothing half done. */
export function checkSpool(spool: string, waiting: readonly string[]): readonly Breach[] {
  const there = readdirSync(join(spool, "batches"));
  const odd = [...there.filter((name) => !waiting.includes(name)), ...readdirSync(join(spool, "incoming"))];
  const hidden = readdirSync(spool).filter((name) => name.startsWith("."));
  return [
    ...waiting
      .filter((name) => !there.includes(name))
      .map((name): Breach => ["NOTHING-LOST", `the spool has lost ${name}`]),
    ...[...odd, ...hidden].map((name): Breach => ["NOTHING-LOST", `${name} is left in the spool`]),
  ];
}

/** SECRET: none of the secrets stands in a file below these folders. */
export function checkSecrets(folders: readonly string[], secrets: readonly Uint8Array[]): readonly Breach[] {
  return folders.flatMap((folder) =>
    [...filesBelow(folder)].flatMap(([path, bytes]) =>
      secrets.some((secret) => Buffer.from(bytes).includes(secret))
        ? [["SECRET", `${path} holds a secret`] as const]
        : [],
    ),
  );
}

export function filesBelow(folder: string, prefix = ""): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stat = statSync(path);
    if (stat.isDirectory()) for (const [inner, bytes] of filesBelow(path, `${prefix}${name}/`)) found.set(inner, bytes);
    else if (stat.isFile()) found.set(`${prefix}${name}`, readFileSync(path));
  }
  return found;
}

/** The first path that is not the same in both; undefined when all are. */
export function difference(one: Files, other: Files): string | undefined {
  for (const path of new Set([...one.keys(), ...other.keys()])) {
    const [a, b] = [one.get(path), other.get(path)];
    if (!a || !b || !equal(a, b)) return path;
  }
  return undefined;
}
