/** The ceremony file of a rehearsed hand-over: a token comes from its supplier, a share envelope goes to a safe. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { utcOf } from "../../manifests/encoding/shape.ts";
import type { Cast } from "./cast.ts";
import type { GenesisWanted } from "./genesis-file.ts";

export const custodyArchive = "R-005";

/** One asset as the file has it. */
export interface RehearsedAsset {
  readonly id: string;
  readonly kind: string;
  readonly description: string;
  readonly serial?: string;
  readonly seal?: string;
  readonly nextSeal?: string;
  readonly from: object;
  readonly to: object;
}

/** What changes hands unless something else is said. */
export const rehearsedAssets: readonly RehearsedAsset[] = [
  {
    description: "spare signing token (made up)",
    from: { by: "ada", outside: "Token Supplier Ltd" },
    id: "token-spare",
    kind: "token",
    nextSeal: "B-1002",
    seal: "B-1001",
    serial: "6F2C 0042",
    to: { person: "op1" },
  },
  {
    description: "envelope with the second copy of a share (made up)",
    from: { by: "op1", outside: "genesis R-001" },
    id: "envelope-op1",
    kind: "share-envelope",
    seal: "E-0007",
    to: { by: "op2", place: "safe 2, vault 1" },
  },
];

/** Writes `DIR/custody.json`, or `DIR/ARCHIVE.json` for another archive number; gives its path. */
export async function writeCustodyFile(
  dir: string,
  cast: Pick<Cast, "people">,
  to: Pick<GenesisWanted, "appliance" | "box" | "run" | "stick">,
  options: {
    readonly archive?: string;
    readonly assets?: readonly RehearsedAsset[];
    /** the audit key of a running, unlocked box signs the transcript, too */
    readonly countersigned?: boolean;
  } = {},
): Promise<string> {
  const { archive = custodyArchive, assets = rehearsedAssets, countersigned = false } = options;
  const file = {
    appliance: to.appliance,
    archive,
    ceremony: "custody",
    parameters: {
      assets,
      box: to.box,
      stick: to.stick,
      ...(countersigned ? { unlockSocket: join(to.run, "unlock.sock") } : {}),
    },
    people: cast.people,
    place: "rehearsal room",
    scheduled: utcOf(Date.now()),
    title: `Things of ${to.appliance} change hands (rehearsal)`,
    type: "ceremony",
    version: 1,
    video: null,
  };
  const path = join(dir, archive === custodyArchive ? "custody.json" : `${archive}.json`);
  await writeFile(path, `${JSON.stringify(file, null, 2)}\n`);
  return path;
}
