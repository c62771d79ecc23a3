/** The ceremony file of a rehearsed policy change: somebody gets another token, for one that was lost. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { utcOf } from "../../manifests/encoding/shape.ts";
import type { Cast } from "./cast.ts";
import { type GenesisWanted, policyPart } from "./genesis-file.ts";

/** Writes `DIR/policy.json`, which names everybody with the certificates of today; gives its path. */
export async function writePolicyFile(dir: string, cast: Cast, to: GenesisWanted): Promise<string> {
  const part = policyPart(to);
  const signers = cast.officers.map(({ id, certificate }) => {
    const { name = id, roles = [] } = cast.people.find((one) => one.id === id) ?? {};
    return { certificates: [certificate], id, name, roles };
  });
  const file = {
    appliance: to.appliance,
    archive: "R-003",
    ceremony: "policy",
    parameters: {
      box: to.box,
      policy: { ...part, people: [...signers, ...part.people] },
      unlockSocket: join(to.run, "unlock.sock"),
      stick: to.stick,
    },
    people: cast.people,
    place: "rehearsal room",
    scheduled: utcOf(Date.now()),
    title: `Policy of ${to.appliance}: another token (rehearsal)`,
    type: "ceremony",
    version: 1,
    video: null,
  };
  const path = join(dir, "policy.json");
  await writeFile(path, `${JSON.stringify(file, null, 2)}\n`);
  return path;
}
