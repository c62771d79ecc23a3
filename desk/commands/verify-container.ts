/** Wires `coldseal verify` for a container, which brings everything with it. */

import { Refusal } from "../../manifests/refusal.ts";
import type { Trust } from "../../manifests/verify/trust.ts";
import { type ContainerVerdict, verifyContainer } from "../container/verify-container.ts";
import { bundleTold, sealTold, type Told } from "../told.ts";
import { unreadWords } from "../verdict-words.ts";

/** What the person said beside the container. */
interface Beside {
  readonly documents?: string;
  readonly evidence?: readonly string[];
}

/** Refuses USAGE what would take the place of what the container has, and as `verifyContainer`. */
export async function wholeContainer(
  path: string,
  document: string | undefined,
  { documents, evidence }: Beside,
  trust: Trust,
): Promise<Told> {
  const beside = document ?? documents ?? evidence?.[0];
  if (beside === undefined) return told(await verifyContainer(path, trust));
  throw new Refusal("USAGE", "a container has its documents and evidence in it", {
    expected: "coldseal verify FILE.asics, or FILE.asice, alone",
    got: beside,
  });
}

function told({ kind, verdict }: ContainerVerdict): Told {
  switch (kind) {
    case "asic-e":
      return bundleTold(verdict);
    case "asic-s":
      return sealTold(verdict);
    case "none":
      return { status: 4, json: verdict, words: unreadWords(verdict) };
  }
}
