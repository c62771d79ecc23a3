/** What the verification of a chain of manifests says, for people and for scripts. */

import type { Utc } from "../../encoding/shape.ts";
import type { NumberRange } from "../../records/number-ranges.ts";
import type { Mode } from "../../records/request.ts";
import type { RefusalCode } from "../../refusal.ts";
import type { Finding } from "../findings.ts";
import { type Indication, indicationOf, type RevocationWord } from "../indication.ts";
import type { QuorumWord } from "../verdict.ts";
import type { ChainEmergency } from "./chain-emergencies.ts";
import type { ClockSetBack, ContinuityBreak, Gap, Links } from "./chain-links.ts";

export interface ChainVerdict {
  /** nothing was found wrong with what is here; whether something is missing, `gaps` says */
  readonly ok: boolean;
  /** a manifest is here, and nothing that anything here speaks of is missing, from number 1 to the last */
  readonly whole: boolean;
  /** TOTAL-PASSED only where nothing is missing from number 1 to the last that is known */
  readonly indication: Indication;
  /** at most a thousand of them, each code at least once */
  readonly findings: readonly Finding[];
  readonly findingsCount: number;
  /** of the chain that was judged; null where no manifest holds */
  readonly appliance: string | null;
  /** SHA-256 of the genesis policy, hex, as the manifests say it */
  readonly genesis: string | null;
  /** it is the digest that the verifier was given */
  readonly pinned: boolean;
  /** numbers, 0 where no manifest holds; what came after the last, nothing here can say */
  readonly first: number;
  readonly last: number;
  readonly seen: readonly NumberRange[];
  readonly gaps: readonly Gap[];
  /** ranges within which each manifest holds the one before; one that begins with 1 goes back to the genesis policy */
  readonly linked: readonly NumberRange[];
  readonly breaks: readonly ContinuityBreak[];
  readonly clockSetBack: readonly ClockSetBack[];
  readonly modes: readonly { readonly mode: Mode; readonly numbers: readonly NumberRange[] }[];
  /** in the order in which they were declared */
  readonly emergencies: readonly ChainEmergency[];
  /** as the box claims */
  readonly claimedTimes: { readonly first: Utc; readonly last: Utc } | null;
  /** existed then at the latest: by the highest number that evidence of time which counts is over, and the links before it; null without any */
  readonly proven: (NumberRange & { readonly time: Utc }) | null;
  /** distinct manifests of the chain, and how often one of them was here again */
  readonly manifests: number;
  readonly copies: number;
  /** of all records, copies too */
  readonly records: RecordCounts;
  /** name of the log whose key was given; null without one */
  readonly log: string | null;
  /** of every manifest's approvals: as long as one was not counted, not shown */
  readonly quorum: QuorumWord;
}

export interface RecordCounts {
  readonly read: number;
  /** manifests that are no part of the chain, by the code of what was first found wrong with them: nothing of theirs was held against them */
  readonly notHeld: readonly { readonly code: RefusalCode; readonly count: number }[];
  /** manifests whose policy was at hand, and that fit it */
  readonly underPolicy: number;
  readonly approvalsCounted: number;
  readonly approvalsNotPresented: number;
  readonly lists: number;
  /** shown to be in the log whose key was given */
  readonly logged: number;
}

export interface ChainFacts {
  readonly findings: readonly Finding[];
  readonly findingsCount: number;
  readonly appliance: string | null;
  readonly genesis: string | null;
  readonly pinned: boolean;
  readonly links: Links | undefined;
  readonly modes: ChainVerdict["modes"];
  readonly emergencies: ChainVerdict["emergencies"];
  readonly claimedTimes: ChainVerdict["claimedTimes"];
  readonly proven: ChainVerdict["proven"];
  readonly records: RecordCounts;
  readonly log: string | null;
  readonly revocation: RevocationWord;
}

const noLinks = {
  first: 0,
  last: 0,
  manifests: 0,
  copies: 0,
  seen: [],
  gaps: [],
  linked: [],
  breaks: [],
  clockSetBack: [],
};

function isWhole({ emergencies, gaps }: Pick<ChainVerdict, "emergencies" | "gaps">): boolean {
  return gaps.length === 0 && emergencies.every(({ closing }) => (closing?.notPresented.length ?? 0) === 0);
}

export function chainVerdictOf({ links = noLinks, revocation, ...facts }: ChainFacts): ChainVerdict {
  const ok = facts.findingsCount === 0 && links.manifests > 0;
  const whole = links.manifests > 0 && isWhole({ ...facts, ...links });
  const { approvalsCounted, read } = facts.records;
  const counted = read > 0 && approvalsCounted === read;
  return {
    ok,
    whole,
    indication: indicationOf(facts.findings, {
      ok,
      counts: true,
      revocation,
      times: facts.proven !== null,
      shown: whole,
    }),
    ...facts,
    ...links,
    quorum: !counted ? "not shown" : facts.pinned ? "pinned to genesis" : "only as the box claims",
  };
}
