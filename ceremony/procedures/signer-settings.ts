/** The signer's configuration as ceremonies write it: at genesis, and for a box that is made anew. */

import { join } from "node:path";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { mapKeys, type OfKeys } from "../../manifests/records/key-purpose.ts";
import type { Facts } from "../engine/procedure.ts";
import { utcTyped } from "./genesis/begin.ts";
import type { BoxLayout } from "./layout.ts";

export interface SignerKey {
  /** paths */
  readonly certificates: readonly string[];
  /** base64 */
  readonly spki: string;
  readonly uri: string;
}

export interface SignerSettings {
  readonly appliance: string;
  readonly arc: string;
  readonly genesis: string;
  readonly hsm: string;
  readonly isolation: string;
  readonly media: string;
  readonly keys: OfKeys<SignerKey>;
  readonly layout: BoxLayout;
  /** folder of the sockets */
  readonly run: string;
  readonly token: {
    readonly environment: Readonly<Record<string, string>>;
    readonly module: string;
    readonly uri: string;
  };
  /** how far the reference may be wrong, in seconds */
  readonly errorSeconds: number;
}

/** `clock`: what the step left that held the clock against a reference. */
export function signerSettings(settings: SignerSettings, clock: Facts): { readonly [name: string]: Json } {
  const { appliance, arc, errorSeconds, genesis, hsm, isolation, keys, layout, media, run, token } = settings;
  const { reference = "", "reference time": at = "", "difference in seconds": difference = "0" } = clock;
  const keyJson = ({ certificates, spki, uri }: SignerKey) => ({ certificates: [...certificates], spki, uri });
  return {
    appliance,
    arc,
    clock: {
      errorSeconds: errorSeconds + Math.abs(Number(difference)),
      lastSet: utcTyped(at),
      source: reference,
    },
    genesis,
    hsm,
    isolation,
    keys: mapKeys(keys, keyJson),
    media,
    socket: join(run, "signer.sock"),
    state: layout.state,
    token: { environment: { ...token.environment }, module: token.module, uri: token.uri },
    unlockSocket: join(run, "unlock.sock"),
  };
}
