/**
 * A dry run: the reviewed ceremony file itself, with throw-away tokens, a throw-away box and a throw-away stick in place of the real
 * ones. What cannot succeed in its order fails here. SIMULATED tokens: the transcript says `dry`.
 */

import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type CeremonyFile, readCeremonyFile } from "../engine/ceremony-file.ts";
import { makeRoot } from "../provision/test-pki.ts";
import { makeSoftTokenPlace } from "../tokens/token-process.ts";
import { type Cast, makeCast } from "./cast.ts";

export interface DryRun {
  /** path of the changed file, which the dry run is held from */
  readonly path: string;
  readonly file: CeremonyFile;
  /** the people's throw-away secrets */
  readonly secret: Cast["secret"];
}

type Members = { readonly [name: string]: Json };

/**
 * Puts throw-away things below `dir`, an empty folder, in place of the file's; everything else stays as it was reviewed. Refuses
 * CEREMONY-FILE, also for a ceremony that needs a box that is there: that can only be rehearsed.
 */
export async function prepareDryRun(path: string, dir: string): Promise<DryRun> {
  const reviewed = readCeremonyFile(path);
  if (reviewed.ceremony !== "genesis") {
    throw new Refusal("CEREMONY-FILE", "only a genesis begins from nothing: other ceremonies need the box itself", {
      expected: "genesis, or `ceremony rehearse`",
      got: reviewed.ceremony,
    });
  }
  const json = JSON.parse(readFileSync(path, "utf8")) as Members & {
    readonly people: readonly Members[];
    readonly parameters: Members;
  };
  const signers = reviewed.people.filter(({ signs }) => signs).map(({ id }) => ({ id, folder: join(dir, id) }));
  for (const { folder } of signers) await mkdir(folder, { mode: 0o700 });
  const cast = await makeCast(makeRoot(), signers);
  const people = json.people.map((one) => ({
    ...one,
    ...(cast.people.find(({ id }) => id === one.id)?.signs ? { signs: signsOf(cast, one) } : {}),
  }));
  const changed = { ...json, parameters: await parametersOf(json.parameters, dir), people };
  const at = join(dir, "dry-run.json");
  await writeFile(at, JSON.stringify(changed));
  return { path: at, file: readCeremonyFile(at, dirname(resolve(path))), secret: cast.secret };
}

function signsOf(cast: Cast, { id }: Members): Json {
  return cast.people.find((one) => one.id === id)?.signs as unknown as Json;
}

async function parametersOf(parameters: Members, dir: string): Promise<Members> {
  const { token, unlock, soPin } = parameters as { readonly [name: string]: Members };
  const { module, environment } = await makeSoftTokenPlace(join(dir, "hsm"));
  return {
    ...parameters,
    box: join(dir, "box"),
    hsm: "software-token",
    run: join(dir, "run"),
    stick: join(dir, "stick"),
    token: { ...token, environment, module },
    unlock: byPassphrase(unlock),
    ...(soPin === undefined ? {} : { soPin: byPassphrase(soPin) }),
  };
}

/** Private keys for shares stay in their safes: in a dry run every holder types a passphrase. */
function byPassphrase(split: Members | undefined): Json {
  const holders = (split?.holders ?? []) as readonly Members[];
  return { ...split, holders: holders.map(({ person }) => ({ person: person ?? null })) };
}
