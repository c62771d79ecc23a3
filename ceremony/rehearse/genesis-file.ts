/** The ceremony file of a rehearsed genesis. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { documentationArc } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { makeSoftTokenPlace } from "../tokens/token-process.ts";
import type { Cast } from "./cast.ts";

export interface RehearsedBox {
  readonly appliance: string;
  /** folder that becomes the box's */
  readonly box: string;
  readonly run: string;
  readonly stick: string;
}

/** Writes `DIR/genesis.json` and an empty SoftHSM for the box; gives the file's path. */
export async function writeGenesisFile(dir: string, cast: Cast, to: RehearsedBox): Promise<string> {
  const hsm = join(dir, "hsm");
  await mkdir(dir, { recursive: true });
  const { module, environment } = await makeSoftTokenPlace(hsm);
  const threshold = 2;
  const holders = cast.people.filter(({ signs }) => signs).map(({ id }) => ({ person: id }));
  const file = {
    appliance: to.appliance,
    archive: "R-001",
    ceremony: "genesis",
    parameters: {
      arc: documentationArc,
      box: to.box,
      clock: { errorSeconds: 2, source: "a radio clock (made up)" },
      hsm: "software-token",
      isolation: "none",
      keys: { audit: "p256", sealing: "rsa-3072" },
      media: "folder",
      organization: "Coldseal TEST",
      policy: {
        clock: { driftPpm: 50, maximumErrorSeconds: 3600 },
        limits: {
          approvalSeconds: 604_800,
          batchBytes: 2 ** 36,
          documentBytes: 2 ** 33,
          documents: 100_000,
          minimumRsaBits: 3072,
        },
        modes: ["test"],
        network: "recorded",
        people: [
          { certificates: [], id: "keeper", name: "Keeper (rehearsal)", roles: ["keeper"] },
          { certificates: [cast.submitterPath], id: "desk", name: "Contracts desk", roles: ["submitter"] },
        ],
        revoked: [],
        submitters: { plainEnvelopes: false, roots: [cast.rootPath] },
        texts: { approval: "I checked who sent this batch, its list and its digest against the submitter's slip." },
        thresholds: { policy: threshold, seal: threshold },
      },
      run: to.run,
      stick: to.stick,
      suite: "rsa-pkcs1-sha256",
      token: { environment, label: `coldseal-${to.appliance}`, module },
      unlock: { holders, threshold },
    },
    people: cast.people,
    place: "rehearsal room",
    scheduled: utcOf(Date.now()),
    title: `Genesis of ${to.appliance} (rehearsal)`,
    type: "ceremony",
    version: 1,
    video: null,
  };
  const path = join(dir, "genesis.json");
  await writeFile(path, `${JSON.stringify(file, null, 2)}\n`);
  return path;
}
