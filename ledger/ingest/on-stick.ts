/**
 * What lies on a stick, or in a folder that one was copied to, for the ledger (docs/formats.md, "The stick"): records of manifests, signed refusals, closing
 * records, transcripts, custody logs, policies and orders, in any mix and some folders deep. Names alone are looked at; what is in a file, its check says.
 */

import { Refusal } from "../../manifests/refusal.ts";
import type { BundleSource } from "../../manifests/verify/source.ts";

export interface OnStick {
  /** folders with a manifest.p7m */
  readonly manifests: readonly string[];
  /** paths of files, each kind by name */
  readonly refusals: readonly string[];
  readonly policies: readonly string[];
  readonly orders: readonly string[];
  readonly closings: readonly string[];
  readonly transcripts: readonly string[];
  readonly custody: readonly string[];
  /** refusal.json: signed by nobody, so no evidence */
  readonly unsigned: readonly string[];
}

type Kind = keyof OnStick;

const deepest = 8;
const mostFolders = 1_000_000;

/** By the folder that files of a kind lie in. */
const byFolder: Readonly<Record<string, readonly [Kind, RegExp]>> = {
  policies: ["policies", /^policy-\d{4}\.p7m$/],
  policy: ["policies", /^\d{4}\.p7m$/],
  orders: ["orders", /^\d{4}\.p7m$/],
  closings: ["closings", /^\d{4}\.p7m$/],
  transcripts: ["transcripts", /\.p7m$/],
  custody: ["custody", /^custody\.jsonl$/],
};

/**
 * Looks through all folders but records and what is for the box (`inbox`, `control`); what cannot be listed is none. Policies and closings within a record are
 * that record's. Links are the source's matter. Refuses MEDIA-LIMIT.
 */
export async function findOnStick(source: Pick<BundleSource, "list">): Promise<OnStick> {
  const found: Record<Kind, string[]> = {
    manifests: [],
    refusals: [],
    policies: [],
    orders: [],
    closings: [],
    transcripts: [],
    custody: [],
    unsigned: [],
  };
  const left: { readonly path: string; readonly depth: number }[] = [{ path: "", depth: 0 }];
  for (let seen = 0, next = left.pop(); next !== undefined; next = left.pop()) {
    if (++seen > mostFolders)
      throw new Refusal("MEDIA-LIMIT", `more than ${mostFolders} files and folders`, { got: next.path });
    const { depth, path } = next;
    const below = (name: string) => (path === "" ? name : `${path}/${name}`);
    const names = await namesIn(source, path);
    const kind = byFolder[path.slice(path.lastIndexOf("/") + 1)];
    const answer = names.includes("manifest.p7m")
      ? (["manifests", path] as const)
      : names.includes("refusal.p7m")
        ? (["refusals", below("refusal.p7m")] as const)
        : names.includes("refusal.json")
          ? (["unsigned", below("refusal.json")] as const)
          : undefined;
    if (answer) found[answer[0]].push(answer[1]);
    else if (kind) found[kind[0]].push(...names.filter((name) => kind[1].test(name)).map(below));
    else if (depth < deepest) {
      const skipped = isTop(path, names) ? notForLedger : [];
      for (const name of names) if (!skipped.includes(name)) left.push({ path: below(name), depth: depth + 1 });
    }
  }
  for (const all of Object.values(found)) all.sort();
  return found;
}

/** The folder `coldseal` of a stick, also where it was copied alone. Only there these names say what a folder is for: a batch may have any of them. */
function isTop(path: string, names: readonly string[]): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return name === "coldseal" || (path === "" && (names.includes("outbox") || names.includes("audit")));
}

const notForLedger: readonly string[] = ["inbox", "control", "shares", "notices", "statements"];

async function namesIn(source: Pick<BundleSource, "list">, path: string): Promise<readonly string[]> {
  try {
    return await source.list(path);
  } catch (fault) {
    if (fault instanceof Refusal && fault.code === "MEDIA-LIMIT") throw fault;
    return [];
  }
}
