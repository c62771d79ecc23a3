/** What one CRL or OCSP response says of one certificate, once it is known whose word it is. */

import type { Utc } from "../encoding/shape.ts";

export interface Answer {
  /** since when, where it is revoked */
  readonly revoked: Utc | undefined;
  readonly thisUpdate: Utc;
  readonly nextUpdate: Utc | undefined;
  /** the latest time at which it claims that something was done */
  readonly madeAt: Utc;
  /** it knows of certificates that ended at this time or later; undefined: of none that had ended */
  readonly endedSince: Utc | undefined;
}

/** A list or response that is about a certificate: its answer, or why it gives none. */
export type Heard = Answer | { readonly not: string };

/** It tells of all that was revoked before it was made, and until the next one that was to be. */
export function answersUntil({ nextUpdate, thisUpdate }: Answer): Utc {
  return nextUpdate ?? thisUpdate;
}

/** Whether it knows of a certificate that ended then: whoever is asked after that may have forgotten it (RFC 5280 3.3, RFC 6960 4.4.4). */
export function knowsOf({ endedSince, thisUpdate }: Answer, notAfter: Utc): boolean {
  return thisUpdate <= notAfter || (endedSince !== undefined && endedSince <= notAfter);
}
