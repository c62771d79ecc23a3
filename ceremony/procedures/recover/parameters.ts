/** What the file of a recovery says: where the exports are, where the new box shall stand, and what people know beside them. */

import { join } from "node:path";
import {
  hexText,
  integer,
  list,
  object,
  oneOf,
  optional,
  type Read,
  text,
  texts,
} from "../../../manifests/encoding/shape.ts";
import { type CeremonyFile, pathIn, readParameters, tokenIn } from "../../engine/ceremony-file.ts";
import { readHeldShares } from "../box-at-hand.ts";
import { type BoxLayout, boxLayout } from "../layout.ts";
import { keyDigest } from "../orders/box-key.ts";

/** Where a token is reached: by this file alone, never by what lies on a medium. */
const readPlace = object({ environment: texts, module: text(4096) });

const readValue = object({
  /** keys of the second token that come into force, where the first one is lost too */
  activate: optional(object({ audit: keyDigest, sealing: keyDigest })),
  arc: text(64, { pattern: /^[0-2](?:\.(?:0|[1-9][0-9]{0,9}))+$/ }),
  /** beyond which number no manifest was made, by prints or copies elsewhere; 0: nobody knows of any */
  beyond: integer(0, 10_000_000),
  /** folder of the new box: new or empty, or as an interruption left it */
  box: text(4096),
  /** by what the clock of this machine is held to be right */
  clock: object({ errorSeconds: integer(0, 3600), source: text(100) }),
  /** media with exports: folders that hold `coldseal/` */
  from: list(text(4096), 1, 64),
  /** the genesis digest, from paper */
  genesis: hexText(),
  hsm: oneOf(["software-token", "hardware", "unknown"]),
  isolation: oneOf(["none", "users", "units"]),
  media: oneOf(["folder", "mount"]),
  reason: text(500),
  /** paths of the roots that certificates of the box come from */
  roots: list(text(4096), 1, 8),
  /** folder of the new box's sockets */
  run: text(4096),
  /** where another token than the genesis's is reached, if one was in force or comes into force */
  secondToken: optional(readPlace),
  stick: text(4096),
  /** where the token of the genesis is reached on this machine; its URI is known */
  token: readPlace,
  unlock: readHeldShares,
});

export interface RecoverParameters extends Read<typeof readValue> {
  readonly layout: BoxLayout;
  /** where everything at hand of the lost box is gathered */
  readonly evidence: string;
  /** the signer's unlock socket */
  readonly socket: string;
}

/** Refuses CEREMONY-FILE. Paths are taken from the file's folder. */
export function recoverParameters(file: CeremonyFile): RecoverParameters {
  const read = readParameters(file, readValue);
  const path = (one: string) => pathIn(file, one);
  const box = path(read.box);
  return {
    ...read,
    box,
    evidence: join(box, "recovery"),
    from: read.from.map(path),
    layout: boxLayout(box),
    roots: read.roots.map(path),
    run: path(read.run),
    socket: join(path(read.run), "unlock.sock"),
    stick: path(read.stick),
    token: tokenIn(read.token, file.folder),
    ...(read.secondToken ? { secondToken: tokenIn(read.secondToken, file.folder) } : {}),
  };
}
