/** What a verdict says of an emergency, in words: by whom it was declared, why, and whether it is known how it ended. Pure. */

import { rangeText } from "../../manifests/records/number-ranges.ts";
import type { EmergencyShown } from "../../manifests/verify/emergency-files.ts";
import { count } from "./amounts.ts";

type Row = readonly [label: string, text: string];

const causeText: Readonly<Record<EmergencyShown["cause"], string>> = {
  ours: "a failure of our own",
  provider: "a provider's failure",
  unknown: "a failure whose cause was not known",
};

/** Rows of a verdict; none in other modes. HONEST: as loud as the quorum, and what was not presented is said to be missing. */
export function emergencyRows(emergency: EmergencyShown | null): readonly Row[] {
  if (!emergency) return [];
  const { cause, officers, order, reason, since, text } = emergency;
  const by = officers.length === 0 ? "by whom is not shown" : `by ${officers.join(", ")}`;
  return [
    [
      "EMERGENCY",
      `declared ${since} as the box claims, ${by}, for ${causeText[cause]}${reason === null ? "" : `: ${reason}`}`,
    ],
    ["its order", order],
    ["its text", text === null ? "not shown" : `(${text.language}) ${text.text}`],
    ["its closing", closingText(emergency)],
  ];
}

function closingText({ closing }: EmergencyShown): string {
  if (!closing) {
    return "no closing presented: how many seals were made in this emergency, and whether it ended, is not shown";
  }
  const { ended, lists, manifests, missing, numbers, policyShown, seals } = closing;
  const which = numbers ? `, numbers ${rangeText(numbers)}` : "";
  return [
    `ended ${ended} as the box claims: ${count(seals, "seal")} in ${count(manifests, "manifest")}${which}, ${lists ? "this one among them" : "and not this one, which the box does not know since it lost its disk"}`,
    ...(missing.length > 0
      ? [`GAPS: the box lost its disk since, and does not know what numbers ${missing.map(rangeText).join(", ")} were`]
      : []),
    ...(policyShown
      ? []
      : ["signed under a later policy than those that are here, whose audit key its certificate alone vouches for"]),
  ].join("; ");
}
