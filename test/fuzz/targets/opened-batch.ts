import { checkOpened } from "../../../ceremony/opened-batch.ts";
import { challengeBytes } from "../../../manifests/records/decision.ts";
import { buildBundle } from "../../bundle/build.ts";
import { policyBytes, times } from "../../bundle/signed.ts";
import { mutateFiles, packFiles, unpackFiles } from "../files.ts";
import type { Target } from "../target.ts";

const bundle = await buildBundle();

/** What the daemon shows an operator: challenge, policy and request, checked before a PIN is asked for. */
export const openedBatch: Target = {
  name: "opened-batch",
  seeds: async () => [
    packFiles(
      new Map([
        ["challenge", challengeBytes(bundle.challenge)],
        ["policy", policyBytes(bundle.policy)],
        ["envelope", bundle.files.get("batch.p7m") as Uint8Array],
      ]),
    ),
  ],
  mutate: (random, input, other) => packFiles(mutateFiles(random, input, other)),
  run: async (input) => {
    const files = unpackFiles(input);
    const text = (name: string) => Buffer.from(files.get(name) ?? new Uint8Array(0)).toString();
    const envelope = files.get("envelope") ?? new Uint8Array(0);
    return (await checkOpened({ challenge: text("challenge"), policy: text("policy"), envelope }, times.approval, 10))
      .count;
  },
};
