/** The key that seals: generated only after the token opened by shares alone. */

import { Refusal } from "../../../manifests/refusal.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Step } from "../../engine/procedure.ts";
import type { TokenKey, TokenProcess } from "../../tokens/token-process.ts";
import { withBoxToken } from "../box-token.ts";
import { witnessOf } from "./begin.ts";
import type { TokenParameters } from "./parameters.ts";
import { genesisPin } from "./shares.ts";
import { keyFacts } from "./token.ts";

export function sealingKeyStep(parameters: TokenParameters): Step {
  const { token, keys } = parameters;
  return {
    id: "sealing-key",
    title: "Generate the sealing key in the token",
    acts: "the administrator",
    checks: "a witness",
    minutes: 2,
    script: [
      "The key pair is generated in the token, as the audit key was, and proves itself by a signature.",
      "A key that an interruption left unrecorded is named, and is not used.",
    ],
    wayBack: "Try again. What stays unused on the token is named at the close.",
    needs: ["relock"],
    perform: async (stage) => {
      const uri = stage.facts("token").uri as string;
      const pin = await genesisPin(stage, parameters);
      const { key, left } = await withBoxToken(token, (process) => generateUnrecorded(process, uri, pin, keys.sealing));
      const facts = left.length === 0 ? {} : { "keys that were not recorded": left.join(", ") };
      return {
        people: [leaderOf(stage.file, stage.present()), witnessOf(stage)],
        facts: { ...keyFacts(key, keys.sealing), ...facts },
      };
    },
  };
}

/** A key under a label that no key has: an earlier try may have made one that was never recorded. */
export async function generateUnrecorded(
  process: TokenProcess,
  uri: string,
  pin: Uint8Array,
  kind: TokenParameters["keys"]["sealing"],
  purpose = "sealing",
): Promise<{ readonly key: TokenKey; readonly left: readonly string[] }> {
  const labels = (await process.keys(uri, pin)).map(({ label }) => label);
  const left = labels.filter((label) => label.replace(/-\d+$/, "") === purpose);
  const label = freeLabel(purpose, labels);
  const [key] = await process.generate(uri, pin, [{ label, kind }]);
  if (!key) throw new Refusal("HSM-KEY", "the token made no key");
  return { key, left };
}

/** The purpose itself, else with the first number that no key has. */
function freeLabel(purpose: string, taken: readonly string[]): string {
  if (!taken.includes(purpose)) return purpose;
  let number = 2;
  while (taken.includes(`${purpose}-${number}`)) number++;
  return `${purpose}-${number}`;
}
