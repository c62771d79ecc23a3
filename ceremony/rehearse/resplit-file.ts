/** The ceremony file of a rehearsed re-splitting. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { utcOf } from "../../manifests/encoding/shape.ts";
import type { Cast } from "./cast.ts";
import type { GenesisWanted } from "./genesis-file.ts";

export const resplitArchive = "R-004";

/** Writes `DIR/resplit.json`; `shares` are the old ones by person, `holders` who gets new ones. Gives its path. */
export async function writeResplitFile(
  dir: string,
  cast: Cast,
  to: GenesisWanted,
  shares: ReadonlyMap<string, string>,
  holders: readonly string[],
): Promise<string> {
  const file = {
    appliance: to.appliance,
    archive: resplitArchive,
    ceremony: "resplit",
    parameters: {
      box: to.box,
      next: { holders: holders.map((person) => ({ person })), threshold: to.threshold },
      stick: to.stick,
      unlock: {
        shares: [...shares].map(([person, path]) => ({ file: path, person })),
        threshold: to.threshold,
      },
      unlockSocket: join(to.run, "unlock.sock"),
    },
    people: cast.people,
    place: "rehearsal room",
    scheduled: utcOf(Date.now()),
    title: `New shares of ${to.appliance} (rehearsal)`,
    type: "ceremony",
    version: 1,
    video: null,
  };
  const path = join(dir, "resplit.json");
  await writeFile(path, `${JSON.stringify(file, null, 2)}\n`);
  return path;
}
