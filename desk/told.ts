/** What a verification ends in: an exit status, the verdict for scripts, and its words. Pure. */

import type { SealVerdict } from "../manifests/verify/seal.ts";
import type { BundleVerdict } from "../manifests/verify/verdict.ts";
import { bundleWords, sealWords, type VerdictWords } from "./verdict-words.ts";

export interface Told {
  /** 0 it holds; 1 it holds, and says that nothing was sealed, no document was presented, or numbers of the chain are missing; 4 it does not hold */
  readonly status: 0 | 1 | 4;
  readonly json: unknown;
  readonly words: VerdictWords;
}

export function bundleTold(verdict: BundleVerdict): Told {
  const holds = verdict.ok && verdict.outcome === "sealed";
  const status = holds ? (verdict.documents.checked > 0 ? 0 : 1) : 4;
  return { status, json: { ...verdict, manifest: undefined }, words: bundleWords(verdict) };
}

export function sealTold(verdict: SealVerdict): Told {
  return { status: verdict.ok ? 0 : 4, json: verdict, words: sealWords(verdict) };
}
