/** Which log and which witnesses a reader trusts, from the keys that a person gives. */

import type { Host } from "../host.ts";
import { inOneLine, Refusal } from "../refusal.ts";
import { checkLogTrust, type LogTrust } from "./checkpoint.ts";
import { readVerifierKey } from "./verifier-key.ts";

/** As they were typed. */
export interface GivenKeys {
  readonly log?: string | undefined;
  readonly witnesses?: readonly string[] | undefined;
  /** a number; all of the witnesses unless said */
  readonly cosignatures?: string | undefined;
}

/** undefined where nothing was given. Refuses USAGE: witnesses without a log, what is no key, a key twice, more cosignatures than witnesses. */
export async function readLogTrust(host: Host, given: GivenKeys): Promise<LogTrust | undefined> {
  const { cosignatures, log, witnesses = [] } = given;
  if (log === undefined) {
    if (witnesses.length === 0 && cosignatures === undefined) return undefined;
    throw new Refusal("USAGE", "witnesses are given without the log that they witness", {
      expected: "the log's verifier key too",
    });
  }
  const count = cosignatures ?? String(witnesses.length);
  if (!/^\d{1,4}$/.test(count)) {
    throw new Refusal("USAGE", "how many witnesses must have cosigned is no number", { got: count });
  }
  try {
    const keys = await Promise.all(witnesses.map((text) => readVerifierKey(host, text, "cosignature/v1")));
    const trust = { log: await readVerifierKey(host, log, "ed25519"), witnesses: keys, cosignatures: Number(count) };
    checkLogTrust(trust);
    return trust;
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    throw new Refusal("USAGE", "the keys of log and witnesses cannot be used", {
      expected: "verifier keys as they are published: name+id+base64",
      got: inOneLine(fault.toRecord()),
      cause: fault,
    });
  }
}
