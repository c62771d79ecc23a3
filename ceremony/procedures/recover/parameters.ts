/** What the file of a recovery says: where the exports are, where the new box shall stand, and what people know beside them. */

import { join } from "node:path";
import { integer, list, object, optional, text, texts } from "../../../manifests/encoding/shape.ts";
import { type CeremonyFile, pathIn, readParameters, tokenIn } from "../../engine/ceremony-file.ts";
import { type HeldShares, readHeldShares } from "../box-at-hand.ts";
import { type BoxLayout, boxLayout } from "../layout.ts";
import { keyDigest } from "../orders/box-key.ts";

const readValue = object({
  /** keys of the second token that come into force, where the first one is lost too */
  activate: optional(object({ audit: keyDigest, sealing: keyDigest })),
  /** beyond which number no manifest was made, by prints or copies elsewhere; 0: nobody knows of any */
  beyond: integer(0),
  /** folder of the new box: new or empty, or as an interruption left it */
  box: text(4096),
  /** media with exports: folders that hold `coldseal/` */
  from: list(text(4096), 1, 64),
  reason: text(500),
  /** paths of the roots that certificates of the box come from */
  roots: list(text(4096), 1, 8),
  /** folder of the new box's sockets */
  run: text(4096),
  stick: text(4096),
  /** where the token of the genesis is reached on this machine; its URI is known */
  token: object({ environment: texts, module: text(4096) }),
  unlock: readHeldShares,
});

export interface RecoverParameters {
  readonly activate: { readonly audit: string; readonly sealing: string } | undefined;
  readonly beyond: number;
  readonly box: string;
  readonly layout: BoxLayout;
  /** where everything at hand of the lost box is gathered */
  readonly evidence: string;
  readonly from: readonly string[];
  readonly reason: string;
  readonly roots: readonly string[];
  readonly run: string;
  readonly stick: string;
  readonly token: { readonly environment: Readonly<Record<string, string>>; readonly module: string };
  readonly unlock: HeldShares;
  /** the signer's unlock socket */
  readonly socket: string;
}

/** Refuses CEREMONY-FILE. Paths are taken from the file's folder. */
export function recoverParameters(file: CeremonyFile): RecoverParameters {
  const { activate, box, from, roots, run, stick, token, ...others } = readParameters(file, readValue);
  const path = (one: string) => pathIn(file, one);
  return {
    ...others,
    activate,
    box: path(box),
    layout: boxLayout(path(box)),
    evidence: join(path(box), "recovery"),
    from: from.map(path),
    roots: roots.map(path),
    run: path(run),
    stick: path(stick),
    token: tokenIn(token, file.folder),
    socket: join(path(run), "unlock.sock"),
  };
}
