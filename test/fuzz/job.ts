/**
 * One fuzzing process, started by `main.ts` with a limited heap: its targets in turn, a slice of time each, until its time
 * is over. Tells the parent what it finds when it finds it, and its figures at the end.
 */

import { openBlackBox } from "./black-box.ts";
import { Campaign, type Figures } from "./campaign.ts";
import { minimise } from "./minimise.ts";
import { judge } from "./oracle.ts";
import { targetsNamed } from "./targets.ts";

export interface JobOptions {
  readonly targets: readonly string[];
  readonly seed: number;
  /** milliseconds, set-up not counted */
  readonly time: number;
  /** runs of each target at most */
  readonly runs: number;
  readonly blackBox: string;
}

export type JobMessage =
  | { readonly kind: "alive"; readonly target: string }
  | {
      readonly kind: "finding";
      readonly target: string;
      readonly failure: string;
      readonly words: string;
      readonly detail: string;
      readonly input: string;
      readonly small: string;
      readonly after: number;
      readonly seconds: number;
    }
  | {
      readonly kind: "done";
      readonly figures: readonly (Omit<Figures, "slowestInput"> & {
        readonly target: string;
        readonly slowestInput: string;
      })[];
      readonly maxRss: number;
      readonly startRss: number;
    };

const slice = 100;
const minimiseFor = 5000;

async function main(options: JobOptions): Promise<void> {
  const note = openBlackBox(options.blackBox);
  const campaigns: Campaign[] = [];
  for (const target of targetsNamed(options.targets)) {
    const campaign = new Campaign(target, options.seed);
    await campaign.prepare();
    campaigns.push(campaign);
    await tell({ kind: "alive", target: target.name });
  }
  const startRss = process.resourceUsage().maxRSS * 1024;
  const begin = performance.now();
  const told = new Map<Campaign, number>();
  const runsLeft = (campaign: Campaign) => campaign.figures.runs < options.runs;
  while (performance.now() - begin < options.time && campaigns.some(runsLeft)) {
    for (const campaign of campaigns.filter(runsLeft)) {
      const end = Math.min(performance.now() + slice, begin + options.time);
      do await campaign.step((input) => note(campaign.target.name, input));
      while (performance.now() < end && runsLeft(campaign));
      await tellFindings(campaign, told, (performance.now() - begin) / 1000, note);
      await tell({ kind: "alive", target: campaign.target.name });
    }
  }
  const figures = campaigns.map(({ target, figures: { slowestInput, ...rest } }) => ({
    ...rest,
    target: target.name,
    slowestInput: base64(slowestInput),
  }));
  await tell({ kind: "done", figures, maxRss: process.resourceUsage().maxRSS * 1024, startRss });
}

async function tellFindings(
  campaign: Campaign,
  told: Map<Campaign, number>,
  seconds: number,
  note: (target: string, input: Uint8Array) => void,
): Promise<void> {
  const from = told.get(campaign) ?? 0;
  told.set(campaign, campaign.findings.length);
  for (const { target, failure, words, detail, input, after } of campaign.findings.slice(from)) {
    await tell({ kind: "alive", target });
    const until = performance.now() + minimiseFor;
    const same = async (smaller: Uint8Array) => {
      if (performance.now() > until) return false;
      note(target, smaller);
      return (await judge(campaign.target, smaller)).words === words;
    };
    const small = failure === "memory" ? input : await minimise(input, same);
    await tell({
      kind: "finding",
      target,
      failure,
      words,
      detail,
      input: base64(input),
      small: base64(small),
      after,
      seconds,
    });
  }
}

/** Resolves when it is on its way: the process may end then. */
function tell(message: JobMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send(message, undefined, undefined, () => resolve());
    else resolve();
  });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

process.once("disconnect", () => process.exit());
process.once("message", (options) => {
  void main(options as JobOptions).then(() => process.disconnect?.());
});
