/**
 * What lies on a stick, or in a folder that one was copied to, for the ledger (docs/formats.md, "The stick"): records of manifests, signed refusals, closing
 * records, transcripts, custody logs, policies and orders, in any mix and some folders deep. Names alone are looked at; what is in a file, its check says.
 */

import type { BundleFolder } from "../../host/bundle-folder.ts";
import { wrongKind } from "../../host/no-follow.ts";
import { shown } from "../../manifests/records/names.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";

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
  readonly left: readonly LeftOut[];
}

/** What was not looked into, or holds no record where one belongs, and why. */
export interface LeftOut {
  readonly path: string;
  readonly refusal: Refusal;
}

type Kind = Exclude<keyof OnStick, "left">;
type StickSource = Pick<BundleFolder, "kind" | "list">;

interface Place {
  readonly path: string;
  readonly depth: number;
}

const deepest = 8;
const mostFolders = 1_000_000;

/** What a folder is by a file in it; the first counts. */
const answers: readonly (readonly [Kind, string])[] = [
  ["manifests", "manifest.p7m"],
  ["refusals", "refusal.p7m"],
  ["unsigned", "refusal.json"],
];

/** By the folder that files of a kind lie in. */
const byFolder: Readonly<Record<string, readonly [Kind, RegExp]>> = {
  policies: ["policies", /^policy-\d{4}\.p7m$/],
  policy: ["policies", /^\d{4}\.p7m$/],
  orders: ["orders", /^\d{4}\.p7m$/],
  closings: ["closings", /^\d{4}\.p7m$/],
  transcripts: ["transcripts", /\.p7m$/],
  custody: ["custody", /^custody\.jsonl$/],
};

/** Folders of the box's that hold a record or an answer, whatever else is missing. */
const recordFolder = /(?:^|\/)(?:audit\/[1-9]\d*|outbox\/[^/]+)$/;

/**
 * Looks through all folders but records and what is for the box (`inbox`, `control`). Policies and closings within a record are that record's. What is no plain file or folder, or
 * cannot be listed, or lies too deep, and a record's folder that has files but no record, is `left`: nothing is passed over in silence. Refuses MEDIA-LIMIT.
 */
export async function findOnStick(source: StickSource): Promise<OnStick> {
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
  const leftOut: LeftOut[] = [];
  const next: Place[] = [{ path: "", depth: 0 }];
  for (let seen = 0, place = next.pop(); place !== undefined; place = next.pop()) {
    const { depth, path } = place;
    if (++seen > mostFolders)
      throw new Refusal("MEDIA-LIMIT", `more than ${mostFolders} files and folders`, { got: path });
    const below = (name: string) => (path === "" ? name : `${path}/${name}`);
    let names: readonly string[] | undefined;
    try {
      names = await namesIn(source, place);
    } catch (fault) {
      const refusal = asRefusal(fault, "MEDIA-READ", `${shown(path)} cannot be looked at`);
      if (path === "") throw refusal;
      leftOut.push({ path, refusal });
    }
    if (!names) continue;
    const folder = path.slice(path.lastIndexOf("/") + 1);
    const kind = Object.hasOwn(byFolder, folder) ? byFolder[folder] : undefined;
    const answer = answerIn(names);
    if (answer) {
      found[answer[0]].push(answer[0] === "manifests" ? path : below(answer[1]));
      continue;
    }
    const skipped = isTop(path, names) ? notForLedger : [];
    let taken = 0;
    for (const name of names) {
      if (kind?.[1].test(name)) taken = found[kind[0]].push(below(name));
      else if (!skipped.includes(name)) next.push({ path: below(name), depth: depth + 1 });
    }
    if (recordFolder.test(path) && taken === 0 && holdsFile(source, names.map(below)))
      leftOut.push({ path, refusal: noRecord(path) });
  }
  for (const all of Object.values(found)) all.sort();
  return { ...found, left: leftOut.sort((a, b) => (a.path < b.path ? -1 : 1)) };
}

/** The folder `coldseal` of a stick, also where it was copied alone. Only there these names say what a folder is for: a batch may have any of them. */
function isTop(path: string, names: readonly string[]): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return name === "coldseal" || (path === "" && (names.includes("outbox") || names.includes("audit")));
}

const notForLedger: readonly string[] = ["inbox", "control", "shares", "notices", "statements"];

/** What a folder is, where one of these names is in it. */
function answerIn(names: readonly string[]): readonly [Kind, string] | undefined {
  return answers.find(([, name]) => names.includes(name));
}

/** The names in a folder; undefined of a file. Refuses MEDIA-KIND, MEDIA-CHANGED, MEDIA-LIMIT, and as the source does. */
async function namesIn(source: StickSource, { depth, path }: Place): Promise<readonly string[] | undefined> {
  if (path === "") return source.list(path);
  const kind = source.kind(path);
  if (kind === "file") return undefined;
  if (kind === undefined) {
    throw new Refusal("MEDIA-CHANGED", `${shown(path)} vanished, or its name cannot be read`, { about: path });
  }
  if (kind !== "folder") throw wrongKind(path, "a file or folder of its own", `a ${kind}`);
  if (depth > deepest) {
    throw new Refusal("MEDIA-LIMIT", `${shown(path)} is too deep to be looked into`, {
      expected: `at most ${deepest} folders down`,
      about: path,
    });
  }
  return source.list(path);
}

function holdsFile(source: StickSource, paths: readonly string[]): boolean {
  try {
    return paths.some((path) => source.kind(path) === "file");
  } catch {
    // Its own turn says what is wrong with it.
    return false;
  }
}

function noRecord(path: string): Refusal {
  return new Refusal("LEDGER-GAP", "a record's folder has files, and no record", {
    expected: "manifest.p7m, or in an outbox refusal.p7m or refusal.json",
    got: "other files alone",
    about: path,
  });
}
