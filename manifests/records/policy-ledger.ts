/** What a policy says of the ledger whose acknowledgements count: its log, its keys, its witnesses, and how much may wait for them (docs/formats.md, "policy.p7m"). */

import { base64Bytes, integer, list, object, optional, type Read, text } from "../encoding/shape.ts";

const verifierKey = text(512);

export const readLedgerRules = object({
  /** the exact certificate, DER, of the key that signs acknowledgements: only this byte for byte counts */
  acknowledgement: base64Bytes(8192),
  /** verifier key of the log (c2sp.org/signed-note); its name is the origin */
  checkpointKey: verifierKey,
  /** how many of the witnesses must have cosigned a checkpoint; 0: none */
  cosignatures: integer(0, 16),
  origin: text(255),
  /** how many manifests may wait for an acknowledgement, and for how long the first of them; no limit where it is left out */
  outstanding: optional(object({ hours: integer(1, 87_840), manifests: integer(1) })),
  witnesses: list(verifierKey, 0, 16),
});

export type LedgerRules = Read<typeof readLedgerRules>;
