import { canonicalBytes } from "../../../manifests/encoding/canonical-json.ts";
import { challengeBytes, dissentBytes, readChallenge, readDissent } from "../../../manifests/records/decision.ts";
import { buildBundle } from "../../bundle/build.ts";
import { mutateJson } from "../mutate-json.ts";
import type { Target } from "../target.ts";

const { challenge } = await buildBundle();

export const decisionTarget: Target = {
  name: "decision",
  seeds: async () => [
    challengeBytes(challenge),
    dissentBytes(challenge, "abort", "stop"),
    canonicalBytes({ ...challenge, count: 9 }),
  ],
  mutate: mutateJson,
  run: (input) =>
    input.includes(0x72) && Buffer.from(input).includes('"reason"')
      ? readDissent(input, "abort", challenge)
      : readChallenge(input),
};
