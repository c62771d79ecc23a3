/** Bundles of one box that follow each other, in memory, and the folders that hold them: valid as they come, wrong where a test or a drill changes something. */

import { sha256 } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import type { Manifest } from "../../manifests/records/manifest.ts";
import { type Bundle, type BundleChanges, buildBundle } from "./build.ts";
import { makeSeal, times } from "./signed.ts";

/** Of what the manifest before was. */
export interface Following {
  readonly number: number;
  /** hex; the genesis policy's for number 1 unless said */
  readonly previous?: string;
  readonly created?: Utc;
}

const roundTime = Date.parse(times.manifest);

/** Number `number` of a box: batch, nonce, time and place of the seals are its own. */
export function bundleAt({ number, previous, created }: Following, changes: BundleChanges = {}): Promise<Bundle> {
  return buildBundle({
    documents: { [`contract ${number}.pdf`]: `%PDF-1.7 ${number}` },
    ...changes,
    head: (head) => (changes.head ?? same)({ ...head, batch: `batch-${number}` }),
    challenge: (challenge) =>
      (changes.challenge ?? same)({ ...challenge, nonce: number.toString(16).padStart(64, "0") }),
    seal: (facts, by, document) => changes.seal?.(facts, by, document) ?? makeSeal({ ...facts, number }, by),
    manifest: (manifest) =>
      (changes.manifest ?? same)({
        ...manifest,
        number,
        previous: previous ?? manifest.previous,
        created: created ?? utcOf(roundTime + number * 60_000),
        journal: { ...manifest.journal, sequence: 10 * number },
      }),
  });
}

/** Numbers `from` to `to`; the first follows `previous`, number 1 the genesis policy. `change` may change each. */
export async function chainOf(
  to: number,
  change: (number: number) => BundleChanges = () => ({}),
  { from = 1, previous }: { readonly from?: number; readonly previous?: string } = {},
): Promise<readonly Bundle[]> {
  const bundles: Bundle[] = [];
  let before = previous;
  for (let number = from; number <= to; number++) {
    const bundle = await bundleAt({ number, ...(before === undefined ? {} : { previous: before }) }, change(number));
    bundles.push(bundle);
    before = digestOf(bundle);
  }
  return bundles;
}

/** SHA-256 of the manifest's content, hex: what the next one names as previous. */
export function digestOf({ files }: Pick<Bundle, "files">): string {
  return hex(sha256(readSignedData(files.get("manifest.p7m") as Uint8Array).content as Uint8Array));
}

/** What the keeper has of a bundle on a stick of before policies, certificates and requests came to it. */
export const keepersFiles = ["manifest.p7m", "authorization.p7m", "documents.jsonl"] as const;

/** Files by path, as on a stick. */
export type Stick = Map<string, Uint8Array>;

export function layBundle(stick: Stick, folder: string, { files }: Pick<Bundle, "files">): void {
  for (const [path, bytes] of files) stick.set(`${folder}/${path}`, bytes);
}

export function layAudit(
  stick: Stick,
  { files, manifest }: Pick<Bundle, "files" | "manifest">,
  root = "coldseal/audit",
): void {
  for (const name of keepersFiles) stick.set(`${root}/${manifest.number}/${name}`, files.get(name) as Uint8Array);
}

/** The stick of these as the box writes it out. */
export function outboxOf(bundles: readonly Pick<Bundle, "files" | "manifest">[]): Stick {
  const stick: Stick = new Map();
  for (const bundle of bundles) layBundle(stick, `coldseal/outbox/batch-${bundle.manifest.number}`, bundle);
  return stick;
}

/** The keeper's stick of these. */
export function auditOf(bundles: readonly Pick<Bundle, "files" | "manifest">[]): Stick {
  const stick: Stick = new Map();
  for (const bundle of bundles) layAudit(stick, bundle);
  return stick;
}

/** The keeper's stick of these as boxes write it now: the requests too, and beside the numbers policies and certificates. */
export function keeperOf(bundles: readonly Pick<Bundle, "files" | "manifest">[]): Stick {
  const stick = auditOf(bundles);
  for (const { files, manifest } of bundles) {
    for (const [path, bytes] of files) {
      if (path === "batch.p7m") stick.set(`coldseal/audit/${manifest.number}/${path}`, bytes);
      if (path.startsWith("policy/")) stick.set(`coldseal/audit/${path}`, bytes);
      if (path.startsWith("certificates/")) stick.set(`coldseal/audit/certificates/${hex(sha256(bytes))}.der`, bytes);
    }
  }
  return stick;
}

export const other = (manifest: Manifest): Manifest => ({ ...manifest, reported: { by: "another" } });

function same<T>(value: T): T {
  return value;
}
