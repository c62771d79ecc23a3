/** The parameters of a genesis (docs/formats.md, "ceremony.json, genesis"): where the box comes to be, its keys, its people's rights. */

import { suiteNames } from "../../../manifests/cms/suite.ts";
import {
  anyObject,
  flag,
  integer,
  object,
  oneOf,
  optional,
  type Read,
  text,
  texts,
} from "../../../manifests/encoding/shape.ts";
import { type CeremonyFile, pathIn, readParameters, tokenIn } from "../../engine/ceremony-file.ts";
import { readSplit, splitIn } from "../split-parameters.ts";

export const keyKinds = ["rsa-2048", "rsa-3072", "p256", "p384"] as const;

/** A token that is made: where it is reached, and whether its maker set a SO PIN, which is asked for and never in a file. */
export const readNewToken = object({
  environment: texts,
  label: text(32),
  makersSoPin: optional(flag),
  module: text(4096),
});

const readValue = object({
  arc: text(64, { pattern: /^[0-2](?:\.(?:0|[1-9][0-9]{0,9}))+$/ }),
  /** folder that becomes the box's own: the signer's configuration and state, certificates, records */
  box: text(4096),
  /** what holds the box's clock to be right: named, and how far it may be wrong by itself, in seconds */
  clock: object({ errorSeconds: integer(0, 3600), source: text(100) }),
  hsm: oneOf(["software-token", "hardware", "unknown"]),
  isolation: oneOf(["none", "users", "units"]),
  keys: object({ audit: oneOf(keyKinds), sealing: oneOf(keyKinds) }),
  media: oneOf(["folder", "mount"]),
  /** organisation in the names of the box's certificates */
  organization: text(64),
  /** policy number 1 but for appliance, arc, keys, number, previous and those who sign here; certificates are paths */
  policy: anyObject,
  /** how documents are sealed */
  suite: oneOf(suiteNames),
  /** recovery holders' own split of the PIN, for break glass; none where it is left out */
  recovery: optional(readSplit),
  /** SO PIN: split apart, or nobody ever knows it */
  soPin: optional(readSplit),
  /** folder of the sockets */
  run: text(4096),
  /** root of the medium for shares, requests and the transcript */
  stick: text(4096),
  token: readNewToken,
  unlock: readSplit,
});

export type GenesisParameters = Read<typeof readValue>;

/** What the steps need that make a token, its keys and its shares: also those of a second one. */
export type TokenParameters = Pick<
  GenesisParameters,
  "arc" | "box" | "keys" | "organization" | "recovery" | "soPin" | "stick" | "token" | "unlock"
>;

/** Reads them; all paths are absolute. Refuses CEREMONY-FILE, also when a holder is nobody of the file. */
export function genesisParameters(file: CeremonyFile): GenesisParameters {
  const read = readParameters(file, readValue);
  const at = (path: string) => pathIn(file, path);
  return {
    ...read,
    box: at(read.box),
    run: at(read.run),
    stick: at(read.stick),
    token: tokenIn(read.token, file.folder),
    unlock: splitIn(file, read.unlock),
    ...(read.recovery ? { recovery: splitIn(file, read.recovery) } : {}),
    ...(read.soPin ? { soPin: splitIn(file, read.soPin) } : {}),
  };
}
