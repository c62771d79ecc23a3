/** Comparing the request's list with what stands on the stick, before gigabytes are copied. */

import { shown } from "../../manifests/records/names.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import type { ListedDocument } from "../../manifests/records/request.ts";
import { checkListedDocument } from "../../manifests/records/request-envelope.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { BatchListing } from "./batch-listing.ts";
import { limits } from "./limits.ts";

/** What is not there yet, or not in full; the first names only. */
export interface Absent {
  readonly missing: readonly string[];
  readonly missingCount: number;
  /** the first one is there, but shorter than listed */
  readonly short: { readonly name: string; readonly expected: number; readonly got: number } | undefined;
}

export class Presence {
  readonly #listing: BatchListing;
  readonly #policy: Policy;
  readonly #missing: string[] = [];
  #missingCount = 0;
  #short: Absent["short"];
  #long: Refusal | undefined;
  #count = 0;

  constructor(listing: BatchListing, policy: Policy) {
    this.#listing = listing;
    this.#policy = policy;
  }

  /** Notes one listed document. Refuses with MEDIA-LIMIT one too many or too large for the policy. */
  note(document: ListedDocument): void {
    const most = this.#policy.limits.documents;
    if (++this.#count > most) throw new Refusal("MEDIA-LIMIT", "too many documents", { expected: `at most ${most}` });
    checkListedDocument(document, this.#policy);
    const seen = this.#listing.documents.get(document.name);
    if (seen) seen.listed = true;
    const got = seen?.size ?? -1;
    if (got > document.size) this.#long ??= wrongSize(document.name, document.size, got);
    if (got >= document.size) return;
    if (seen && this.#missingCount === 0) this.#short = { name: document.name, expected: document.size, got };
    this.#missingCount++;
    if (this.#missing.length < limits.namesReported) this.#missing.push(document.name);
  }

  /** What is not there yet. Refuses with DOCUMENT-SIZE when a document is longer than listed. */
  absent(): Absent {
    if (this.#long) throw this.#long;
    return { missing: this.#missing, missingCount: this.#missingCount, short: this.#short };
  }

  /** Refuses with DOCUMENT-EXTRA what the request does not list; answers what desktops left, which counts for nothing. */
  checkNothingExtra(): readonly string[] {
    const ignored = [...this.#listing.ignored];
    const [beside] = this.#listing.extra;
    if (beside !== undefined) throw extra(beside);
    for (const [name, seen] of this.#listing.documents) {
      if (seen.listed) continue;
      if (!seen.leftByDesktop) throw extra(`documents/${name}`);
      ignored.push(`documents/${name}`);
    }
    return ignored;
  }
}

/** The refusal for a batch that is still not there in full when waiting is over. */
export function neverCame({ missing, missingCount, short }: Absent): Refusal {
  if (short) return wrongSize(short.name, short.expected, short.got);
  const [first = ""] = missing;
  return new Refusal("DOCUMENT-MISSING", `${missingCount} documents are missing, first ${shown(first)}`, {
    about: first,
  });
}

function wrongSize(name: string, expected: number, got: number): Refusal {
  return new Refusal("DOCUMENT-SIZE", `${shown(name)} is not of the size that is listed`, {
    expected: `${expected} bytes`,
    got: `${got} bytes`,
    about: name,
  });
}

function extra(name: string): Refusal {
  return new Refusal("DOCUMENT-EXTRA", `${shown(name)} is not listed`, { about: name });
}
