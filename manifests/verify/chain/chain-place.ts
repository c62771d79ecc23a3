/** A bundle's place in the chain that lies beside it. Pure. */

import type { NumberRange } from "../../records/number-ranges.ts";
import { indicationOf } from "../indication.ts";
import type { BundleVerdict } from "../verdict.ts";
import type { ChainVerdict } from "./chain-verdict.ts";

export interface PlacedVerdict extends BundleVerdict {
  /** null where the bundle's own manifest does not hold */
  readonly place: ChainPlace | null;
  /** its findings apart from those of the bundle */
  readonly chain: ChainVerdict;
}

export interface ChainPlace {
  readonly number: number;
  /** the manifests around it of which each holds the one before */
  readonly linked: NumberRange;
  readonly last: number;
}

/** The bundle's verdict with its place; a chain that does not hold is a finding, and takes TOTAL-PASSED from it. The chain must have been read with the bundle. */
export function placedIn(verdict: BundleVerdict, chain: ChainVerdict): PlacedVerdict {
  const { number } = verdict;
  const linked = chain.linked.find(({ from, to }) => number !== null && from <= number && number <= to);
  const ours = verdict.appliance === chain.appliance && verdict.manifest?.policy.genesis === chain.genesis;
  const place = number !== null && linked && ours ? { number, linked, last: chain.last } : null;
  if (chain.ok && place) return { ...verdict, place, chain };
  const [first] = chain.findings;
  const wrong = first
    ? {
        code: "CHAIN" as const,
        file: "",
        message: `the chain beside it does not hold: ${first.code} ${first.file}: ${first.message}`,
      }
    : { code: "CHAIN" as const, file: "manifest.p7m", message: "the manifest has no place in the chain beside it" };
  const findings = [...verdict.findings, wrong];
  const { revocation, time } = verdict.indication;
  const facts = {
    ok: false,
    counts: verdict.outcome === "sealed",
    revocation,
    times: time === "evidence",
    shown: verdict.documents.checked > 0,
  };
  return { ...verdict, ok: false, findings, indication: indicationOf(findings, facts), place, chain };
}
