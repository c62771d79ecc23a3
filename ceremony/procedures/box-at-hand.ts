/** A box that was made, as later ceremonies find it: by the signer's configuration and the wrapped PIN beside its store. */

import { existsSync, readFileSync } from "node:fs";
import { having } from "../../appliance/client/answers.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import {
  base64Bytes,
  hexText,
  integer,
  list,
  object,
  optional,
  type Read,
  text,
  texts,
} from "../../manifests/encoding/shape.ts";
import type { OfKeys } from "../../manifests/records/key-purpose.ts";
import { readWrapped } from "../../manifests/records/share.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { type CeremonyFile, pathIn } from "../engine/ceremony-file.ts";
import type { TokenKey } from "../tokens/token-process.ts";
import { type BoxLayout, boxLayout, wrappedPath } from "./layout.ts";
import type { BoxShares } from "./shares-of.ts";

const readKey = having({ certificates: list(text(4096), 0, 8), spki: base64Bytes(1024), uri: text(1024) });

const readSignerJson = having({
  appliance: text(64),
  arc: text(64),
  genesis: hexText(),
  hsm: text(32),
  keys: having({ audit: readKey, emergency: optional(readKey), sealing: readKey, time: optional(readKey) }),
  token: having({ environment: texts, module: text(4096), uri: text(1024) }),
});

/** Where holders' shares are, and how many it takes. */
export const readHeldShares = object({
  shares: list(object({ file: text(4096), person: text(32) }), 2, 64),
  threshold: integer(2, 64),
});

export type HeldShares = Read<typeof readHeldShares>;

export interface BoxAtHand {
  readonly layout: BoxLayout;
  readonly appliance: string;
  readonly arc: string;
  readonly genesis: string;
  readonly simulated: boolean;
  readonly token: {
    readonly environment: Readonly<Record<string, string>>;
    readonly module: string;
    readonly uri: string;
  };
  readonly keys: OfKeys<TokenKey & { readonly certificates: readonly string[] }>;
  /** signer.json as it stands, to be written again with changes */
  readonly settings: { readonly [name: string]: Json };
}

/** Reads the box below a folder. Refuses CONFIG; CEREMONY-FILE when it is another appliance's. */
export function boxAtHand(file: CeremonyFile, folder: string): BoxAtHand {
  const layout = boxLayout(pathIn(file, folder));
  const settings = readJson(layout.signerJson);
  const { appliance, arc, genesis, hsm, keys, token } = settingsOf(settings, layout.signerJson);
  if (appliance !== file.appliance) {
    throw new Refusal("CEREMONY-FILE", "the file is another box's", { expected: appliance, got: file.appliance });
  }
  return { layout, appliance, arc, genesis, simulated: hsm === "software-token", keys, token, settings };
}

/** What opens its token: the split that the first share at hand belongs to, the holders' or the recovery holders'. Refuses STORE when no PIN was split. */
export function sharesOf(
  file: CeremonyFile,
  box: Pick<BoxAtHand, "keys" | "layout" | "token">,
  held: HeldShares,
): BoxShares {
  const paths = new Map(held.shares.map((one) => [one.person, pathIn(file, one.file)]));
  return {
    wrapped: wrappedFor([...paths.values()], box.layout),
    auditKeys: [box.keys.audit.spki],
    path: (holder) => paths.get(holder) ?? "",
    token: box.token,
    threshold: held.threshold,
    holders: held.shares.map(({ person }) => person),
  };
}

function wrappedFor(shares: readonly string[], layout: BoxLayout): Uint8Array {
  const unlock = readWrappedFile(wrappedPath(layout, "unlock"));
  const path = wrappedPath(layout, "recovery");
  const first = shares.find((one) => existsSync(one));
  if (first === undefined || !existsSync(path)) return unlock;
  const recovery = readWrappedFile(path);
  return claimedSplit(readFileSync(first)) === readWrapped(recovery).split ? recovery : unlock;
}

/** By the share's own word: whether it belongs there is found out when it is opened. */
function claimedSplit(share: Uint8Array): Json | undefined {
  try {
    return (JSON.parse(new TextDecoder().decode(share)) as { readonly record?: { readonly split?: Json } }).record
      ?.split;
  } catch {
    return undefined;
  }
}

/** What later ceremonies need of a signer's configuration. Refuses CONFIG. */
export function settingsOf(settings: Json, path: string): Read<typeof readSignerJson> {
  try {
    return readSignerJson(settings, "signer.json");
  } catch (fault) {
    const { message } = asRefusal(fault, "CONFIG", "the configuration cannot be read");
    throw new Refusal("CONFIG", message, { about: path, cause: fault });
  }
}

function readJson(path: string): { readonly [name: string]: Json } {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as { readonly [name: string]: Json };
  } catch (cause) {
    throw new Refusal("CONFIG", "the signer's configuration cannot be read", { about: path, cause });
  }
}

function readWrappedFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Refusal("STORE", "the wrapped PIN cannot be read", { about: path, cause });
  }
}
