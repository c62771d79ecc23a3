/**
 * What lies on media of a box that was lost: the copies that its ceremonies left, and the bundles that it gave out. Media may be hostile: nothing
 * is followed, only regular files are read, and of bounded size; names that the box does not write are not looked at.
 */

import { join } from "node:path";
import { bundleFolder } from "../../../host/bundle-folder.ts";
import { sha256 } from "../../../host/crypto-host.ts";
import { equal } from "../../../manifests/encoding/bytes.ts";
import { acknowledgementLimit } from "../../../manifests/log/acknowledgement.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import type { BundleSource } from "../../../manifests/verify/source.ts";

/** The largest file of a copy is a transcript, or the custody log. */
const largest = 32 << 20;
/** of one medium: the last by their names */
const mostAcknowledgements = 100;

/** Of a file's own digest: whichever medium it comes from, it is the same. */
const acknowledgementName = /^[0-9a-f]{16}\.p7m$/;

/** What a copy consists of: folder, and how its files are named. */
const parts: readonly (readonly [folder: string, name: RegExp])[] = [
  ["", /^(?:signer|wrapped-(?:unlock|recovery))\.json$/],
  ["certificates", /^[a-z0-9][a-z0-9.-]{0,63}\.der$/],
  ["policies", /^policy-\d{4}\.p7m$/],
  ["orders", /^\d{4}\.p7m$/],
  ["statements", /^\d{4}\.p7m$/],
  ["closings", /^\d{4}\.p7m$/],
  ["acknowledgements", acknowledgementName],
  ["successor", /^wrapped-(?:unlock|recovery)\.json$/],
];

/** A path in a copy whose bytes must be the same on every medium. */
const signed = /^(?:policies|orders|statements|closings)\//;

/**
 * Files of the copies, by their path in one; where copies differ, that which knows most orders and policies counts. Refuses with CONFIG where no medium holds one,
 * CHAIN where a policy, an order or a statement is another on two media, MEDIA-* what cannot be read.
 */
export async function copiesOn(media: readonly string[], appliance: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const copies: Map<string, Uint8Array>[] = [];
  for (const one of media) {
    const copy = await reading(one, (source) => copyIn(source, `coldseal/box/${appliance}`));
    if (copy.has("signer.json")) copies.push(copy);
  }
  if (copies.length === 0) {
    throw new Refusal("CONFIG", "no medium holds a copy of this box", {
      expected: `coldseal/box/${appliance}/signer.json`,
      got: media.join(", "),
    });
  }
  copies.sort((a, b) => records(a) - records(b));
  const files = new Map<string, Uint8Array>();
  for (const copy of copies) for (const [path, bytes] of copy) put(files, path, bytes);
  return files;
}

/** Folders of bundles and of the keeper's audit files, in no order that counts. */
export async function bundlesOn(media: readonly string[]): Promise<readonly string[]> {
  const all: string[] = [];
  for (const one of media) {
    await reading(one, async (source) => {
      for (const where of ["coldseal/outbox", "coldseal/audit"]) {
        for (const name of await source.list(where)) {
          if (!/^[a-z0-9._-]{1,64}$/.test(name) || name.startsWith(".")) continue;
          if ((await listed(source, `${where}/${name}`)).includes("manifest.p7m")) all.push(join(one, where, name));
        }
      }
    });
  }
  return all;
}

/** Acknowledgements that came or were to come to the box (`control/in`), as `acknowledgements/` of a copy names them. Which of them hold, the signer's program finds. */
export async function acknowledgementsOn(media: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const one of media) {
    await reading(one, async (source) => {
      const names = (await source.list("coldseal/control/in")).filter((name) =>
        /^ack[a-z0-9._-]{0,60}\.p7m$/.test(name),
      );
      for (const name of names.sort().slice(-mostAcknowledgements)) {
        const bytes = await source.read(`coldseal/control/in/${name}`, acknowledgementLimit).catch(() => undefined);
        if (bytes) files.set(`${sha256(bytes).toHex().slice(0, 16)}.p7m`, bytes);
      }
    });
  }
  return files;
}

/** Signed transcripts, by the name of their ceremony. */
export async function transcriptsOn(media: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const one of media) {
    await reading(one, async (source) => {
      for (const name of await source.list("coldseal/transcripts")) {
        const record = /^([A-Za-z0-9][A-Za-z0-9._-]{0,99})\.p7m$/.exec(name)?.[1];
        if (record) files.set(record, await source.read(`coldseal/transcripts/${name}`, largest));
      }
    });
  }
  return files;
}

/** The longest custody log on the media; whether it is whole, the next custody ceremony holds against transcripts. */
export async function custodyLogOn(media: readonly string[]): Promise<Uint8Array | undefined> {
  const logs: Uint8Array[] = [];
  for (const one of media) {
    await reading(one, async (source) => {
      const there = (await source.list("coldseal/custody")).includes("custody.jsonl");
      if (there) logs.push(await source.read("coldseal/custody/custody.jsonl", largest));
    });
  }
  return logs.sort((a, b) => b.length - a.length)[0];
}

async function reading<T>(medium: string, read: (source: BundleSource) => Promise<T>): Promise<T> {
  const source = bundleFolder(medium);
  try {
    return await read(source);
  } finally {
    source.close();
  }
}

async function copyIn(source: BundleSource, folder: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const [below, name] of parts) {
    const where = below === "" ? folder : `${folder}/${below}`;
    for (const one of await source.list(where)) {
      if (name.test(one))
        files.set(below === "" ? one : `${below}/${one}`, await source.read(`${where}/${one}`, largest));
    }
  }
  return files;
}

function put(files: Map<string, Uint8Array>, path: string, bytes: Uint8Array): void {
  const other = files.get(path);
  if (other && signed.test(path) && !equal(other, bytes)) {
    throw new Refusal("CHAIN", "two media hold different records of one number", {
      expected: "the same file on every medium",
      about: path,
    });
  }
  files.set(path, bytes);
}

function records(copy: ReadonlyMap<string, Uint8Array>): number {
  return [...copy.keys()].filter((path) => signed.test(path)).length;
}

/** None in what is no folder. */
async function listed(source: BundleSource, folder: string): Promise<readonly string[]> {
  try {
    return await source.list(folder);
  } catch {
    return [];
  }
}
