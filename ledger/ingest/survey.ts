/** What the sticks hold that is for the ledger, looked at and not yet verified: enough to take it in the right order. */

import { closeSync } from "node:fs";
import { type BundleFolder, bundleFolder } from "../../host/bundle-folder.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { openRoot } from "../../host/no-follow.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import { closingPath, shown } from "../../manifests/records/names.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { readSmall } from "../../manifests/verify/source.ts";
import type { KnownBox } from "../boxes/known-box.ts";
import { findOnStick, type OnStick } from "./on-stick.ts";

export interface OpenStick {
  /** as it was named */
  readonly stick: string;
  readonly source: BundleFolder;
  readonly found: OnStick;
}

/** Most names of one folder: `audit` has one for each manifest. */
const mostNames = 1_000_000;

/** Opens the sticks; whoever asked closes their sources. Refuses USAGE a folder with nothing for the ledger, MEDIA-*. */
export async function openSticks(sticks: readonly string[]): Promise<readonly OpenStick[]> {
  const open: OpenStick[] = [];
  try {
    for (const stick of sticks) {
      closeSync(openRoot(stick));
      const source = bundleFolder(stick, { mostNames });
      open.push({ stick, source, found: await findOnStick(source) });
      if (Object.values(open.at(-1)?.found ?? {}).some((paths) => paths.length > 0)) continue;
      throw new Refusal("USAGE", `nothing for a ledger is in ${shown(stick)}`, {
        expected: "a stick of a box, or a folder that one was copied to",
        got: "neither records nor answers of a box",
      });
    }
    return open;
  } catch (fault) {
    for (const { source } of open) source.close();
    throw fault;
  }
}

/** A manifest as it stands on a stick. */
export interface SeenManifest {
  readonly stick: OpenStick;
  readonly place: string;
  readonly known: KnownBox;
  readonly number: number;
  readonly digest: string;
  /** with its policies: a whole bundle, as an outbox has it */
  readonly whole: boolean;
}

/** A record that cannot be taken, and why. */
export interface Unplaced {
  readonly stick: OpenStick;
  readonly place: string;
  readonly refusal: Refusal;
}

/** Whose manifests they are, by their own word; in the order in which their boxes made them, whole bundles before the keeper's. */
export async function seenManifests(
  sticks: readonly OpenStick[],
  boxes: readonly KnownBox[],
): Promise<{ readonly seen: readonly SeenManifest[]; readonly unplaced: readonly Unplaced[] }> {
  const seen: SeenManifest[] = [];
  const unplaced: Unplaced[] = [];
  for (const stick of sticks) {
    for (const place of stick.found.manifests) {
      try {
        seen.push({ stick, place, ...(await looked(stick, place, boxes)) });
      } catch (fault) {
        unplaced.push({ stick, place, refusal: asRefusal(fault, "INTERNAL", "a manifest could not be looked at") });
      }
    }
  }
  const order = (a: SeenManifest, b: SeenManifest) =>
    a.known.enrolled.box - b.known.enrolled.box || a.number - b.number || Number(b.whole) - Number(a.whole);
  return { seen: seen.sort(order), unplaced };
}

async function looked({ source }: OpenStick, place: string, boxes: readonly KnownBox[]) {
  const below = (name: string) => (place === "" ? name : `${place}/${name}`);
  const content = readSignedData(await readSmall(source, below("manifest.p7m"))).content ?? new Uint8Array(0);
  const { appliance, number, policy } = readManifest(content);
  const known = boxes.find(({ enrolled }) => enrolled.genesis === policy.genesis);
  if (!known) {
    throw new Refusal("LEDGER-BOX", "the manifest is of a box that is not enrolled here", {
      expected: boxes.map(({ enrolled }) => enrolled.genesis).join(", ") || "a box that `coldseal ledger enrol` pinned",
      got: `${appliance}, genesis ${policy.genesis}`,
    });
  }
  const whole = (await source.list(place)).includes("policy");
  return { known, number, digest: hex(await nodeHost.digest("sha256", content)), whole };
}

/** Closing records that bundles hold themselves. */
export async function closingsBeside({ found, source }: OpenStick): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const place of found.manifests) {
    const path = place === "" ? closingPath : `${place}/${closingPath}`;
    const [folder, name] = [path.slice(0, path.lastIndexOf("/")), path.slice(path.lastIndexOf("/") + 1)];
    const names = await source.list(folder).catch((): readonly string[] => []);
    if (names.includes(name)) paths.push(path);
  }
  return paths;
}
