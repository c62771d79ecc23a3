/** The ceremony file of a rehearsal: what all of them have in common. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import type { CastPerson } from "./cast.ts";

export interface RehearsedFile {
  readonly appliance: string;
  readonly archive: string;
  readonly ceremony: string;
  readonly title: string;
  readonly parameters: { readonly [name: string]: Json };
  readonly people: readonly CastPerson[];
}

/** Writes `DIR/ARCHIVE-CEREMONY.json`; gives its path. */
export async function writeRehearsedFile(dir: string, file: RehearsedFile): Promise<string> {
  const path = join(dir, `${file.archive}-${file.ceremony}.json`);
  const whole = {
    ...file,
    place: "rehearsal room",
    scheduled: utcOf(Date.now()),
    title: `${file.title} (rehearsal)`,
    type: "ceremony",
    version: 1,
    video: null,
  };
  await writeFile(path, `${JSON.stringify(whole, null, 2)}\n`);
  return path;
}
