/** The box's token comes to be, and the key that signs the box's record: the first two things that only this ceremony makes. */

import { base64, fromBase64 } from "../../../manifests/encoding/bytes.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Facts, Stage, Step } from "../../engine/procedure.ts";
import type { TokenKey } from "../../tokens/token-process.ts";
import { randomPin, withBoxToken } from "../box-token.ts";
import { pinSecret } from "../shares-of.ts";
import { witnessOf } from "./begin.ts";
import type { TokenParameters } from "./parameters.ts";

export const soPinSecret = "SO PIN of the box's token";

/** `before` may refuse, before anything is made. */
export function tokenStep(
  { token }: TokenParameters,
  before: (stage: Stage) => Promise<void> = async () => undefined,
): Step {
  return {
    id: "token",
    title: "Initialise the box's token with a random PIN that nobody sees",
    acts: "the administrator",
    checks: "a witness",
    minutes: 2,
    script: [
      "An empty token is initialised with a random PIN and a random SO PIN, as long as it allows.",
      "Neither is shown, printed or stored: until the split they are in this program's memory only.",
      ...(token.makersSoPin
        ? [
            "The SO PIN that the maker set is typed by the administrator, from the token's manual; the random one takes its place.",
          ]
        : []),
    ],
    wayBack: "Reset the token as its maker says, and try again. After a pause the step begins anew, on an empty token.",
    needs: ["people"],
    perform: async (stage) => {
      await before(stage);
      return withBoxToken(token, async (process) => {
        const { longest } = await process.pinLimits();
        const [pin, soPin] = [randomPin(longest), randomPin(longest)];
        stage.secrets.keep(pinSecret, pin);
        stage.secrets.keep(soPinSecret, soPin);
        const factory = token.makersSoPin ? await makersSoPin(stage) : undefined;
        const { serial, uri } = await process
          .initialize(token.label, soPin, pin, factory)
          .finally(() => factory?.fill(0));
        return {
          people: [leaderOf(stage.file, stage.present()), witnessOf(stage)],
          facts: { label: token.label, module: token.module, "PIN characters": `${pin.length}`, serial, uri },
        };
      });
    },
  };
}

/** It is the same for all tokens of a kind, and no secret of the box: but no file says it. */
function makersSoPin(stage: Stage): Promise<Uint8Array> {
  const leader = leaderOf(stage.file, stage.present());
  return stage.scene.secret(leader, "pin", "The SO PIN that the token's maker set, from its manual: ");
}

export function auditKeyStep({ token, keys }: TokenParameters): Step {
  return {
    id: "audit-key",
    title: "Generate the audit key in the token",
    acts: "the administrator",
    checks: "a witness",
    minutes: 2,
    script: [
      "The key pair is generated in the token: for signatures alone, sensitive, never extractable.",
      "Its attributes are read back, and it signs a proof.",
    ],
    wayBack: "Try again; if the token fails, reset it and begin at the token.",
    needs: ["token"],
    restartAt: "token",
    perform: async (stage) => {
      const uri = stage.facts("token").uri as string;
      const pin = stage.secrets.use(pinSecret);
      const [key] = await withBoxToken(token, (process) =>
        process.generate(uri, pin, [{ label: "audit", kind: keys.audit }]),
      );
      return {
        people: [leaderOf(stage.file, stage.present()), witnessOf(stage)],
        facts: keyFacts(key as TokenKey, keys.audit),
      };
    },
  };
}

/** A key as facts of a step. */
export function keyFacts({ uri, spki }: TokenKey, kind: string): Facts {
  return { kind, spki: base64(spki), uri, "CKA_SENSITIVE, never CKA_EXTRACTABLE, CKA_LOCAL": "read back" };
}

/** The key that a step left. Refuses CEREMONY-STATE. */
export function keyOf(stage: Pick<Stage, "facts">, step: string): TokenKey {
  const { uri = "", spki = "" } = stage.facts(step);
  return { uri, spki: fromBase64(spki) };
}
