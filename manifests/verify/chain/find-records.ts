/**
 * What of a box's record lies below a folder: the keeper's `audit/NUMBER` and `audit/policy`, bundles, the policies and orders that ceremonies leave
 * (docs/formats.md, "The stick"), in any mix and some folders deep.
 */

import { Refusal } from "../../refusal.ts";
import type { BundleSource } from "../source.ts";

export interface FoundRecords {
  /** folders that hold a manifest.p7m, `""` for the root: those with policies beside it first, so that the others are held against them */
  readonly records: readonly string[];
  /** paths */
  readonly policies: readonly string[];
  readonly orders: readonly string[];
  /** closing records of emergencies */
  readonly closings: readonly string[];
}

const deepest = 8;
const mostFolders = 1_000_000;

/**
 * Looks through all folders but records and what came in (a folder with batch.p7m); what cannot be listed is none. A batch may have any folder name, so
 * that no name is passed over. Links are the source's matter. Refuses MEDIA-LIMIT.
 */
export async function findRecords(source: Pick<BundleSource, "list">): Promise<FoundRecords> {
  const whole: string[] = [];
  const partial: string[] = [];
  const policies: string[] = [];
  const orders: string[] = [];
  const closings: string[] = [];
  const left: { readonly path: string; readonly depth: number }[] = [{ path: "", depth: 0 }];
  for (let seen = 0, next = left.pop(); next !== undefined; next = left.pop()) {
    if (++seen > mostFolders) throw new Refusal("MEDIA-LIMIT", `more than ${mostFolders} folders`, { got: next.path });
    const { path, depth } = next;
    const names = await source.list(path).catch((fault: unknown): readonly string[] => {
      if (fault instanceof Refusal && fault.code === "MEDIA-LIMIT") throw fault;
      return [];
    });
    const below = (name: string) => (path === "" ? name : `${path}/${name}`);
    const numbered = (form: RegExp) =>
      names
        .filter((name) => form.test(name))
        .sort()
        .map(below);
    const folder = path.slice(path.lastIndexOf("/") + 1);
    if (names.includes("manifest.p7m")) (names.includes("policy") ? whole : partial).push(path);
    else if (folder === "policies") policies.push(...numbered(/^policy-\d{4}\.p7m$/));
    else if (folder === "policy" && !path.endsWith("inbox/policy")) policies.push(...numbered(/^\d{4}\.p7m$/));
    else if (folder === "orders") orders.push(...numbered(/^\d{4}\.p7m$/));
    else if (folder === "closings") closings.push(...numbered(/^\d{4}\.p7m$/));
    else if (depth < deepest && !names.includes("batch.p7m")) {
      for (const name of names) left.push({ path: below(name), depth: depth + 1 });
    }
  }
  const records = [...whole.sort(), ...partial.sort()];
  return { records, policies: policies.sort(), orders: orders.sort(), closings: closings.sort() };
}

/** A folder of a source as a source of its own; no documents are presented. */
export function sourceBelow(source: BundleSource, folder: string): BundleSource {
  const below = (path: string) => (folder === "" ? path : path === "" ? folder : `${folder}/${path}`);
  return {
    read: (path, limit) => source.read(below(path), limit),
    stream: (path) => source.stream(below(path)),
    list: (path) => source.list(below(path)),
    documentDigest: async () => undefined,
  };
}
