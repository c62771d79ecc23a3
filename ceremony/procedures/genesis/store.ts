/** The box comes to be: its configuration, the signer's store, the genesis digest and first head in the token. */

import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Stage, Step } from "../../engine/procedure.ts";
import { recordName } from "../../engine/records-folder.ts";
import { createSignerStore } from "../../provision/create-store.ts";
import { boxLayout } from "../layout.ts";
import { signerSettings } from "../signer-settings.ts";
import { witnessOf } from "./begin.ts";
import type { GenesisParameters } from "./parameters.ts";
import { checkPlace } from "./place.ts";
import { genesisPin } from "./shares.ts";

export function storeStep(parameters: GenesisParameters): Step {
  return {
    id: "store",
    title: "Make the box: its store, and the digest of policy number 1 in the token",
    acts: "the administrator",
    checks: "a witness",
    minutes: 2,
    script: [
      "The signer's own program makes its store and journal, and writes the digest and the first head of the journal into the token.",
      "Without certificates the box seals nothing: they come in at the second sitting.",
    ],
    wayBack: "Try again: what an interruption left is gone on with.",
    needs: ["policy"],
    perform: async (stage) => {
      const layout = boxLayout(parameters.box);
      checkPlace(layout, recordName(stage.file));
      await writeSignerJson(stage, parameters, { audit: [], sealing: [] });
      const pin = await genesisPin(stage, parameters);
      await createSignerStore(layout.signerJson, layout.genesis, pin);
      return {
        people: [leaderOf(stage.file, stage.present()), witnessOf(stage)],
        facts: { genesis: stage.facts("policy").digest as string, store: layout.state },
      };
    },
  };
}

/** The signer's configuration; durable on return. `certificates` are paths. */
export async function writeSignerJson(
  stage: Pick<Stage, "file" | "facts">,
  parameters: GenesisParameters,
  certificates: { readonly audit: readonly string[]; readonly sealing: readonly string[] },
): Promise<void> {
  const { arc, box, clock, hsm, isolation, media, run, token } = parameters;
  const layout = boxLayout(box);
  const key = (name: "audit" | "sealing") => {
    const { spki = "", uri = "" } = stage.facts(`${name}-key`);
    return { certificates: certificates[name], spki, uri };
  };
  const settings = signerSettings(
    {
      appliance: stage.file.appliance,
      arc,
      errorSeconds: clock.errorSeconds,
      genesis: stage.facts("policy").digest ?? "",
      hsm,
      isolation,
      keys: { audit: key("audit"), sealing: key("sealing") },
      layout,
      media,
      run,
      token: { ...token, uri: stage.facts("token").uri ?? "" },
    },
    stage.facts("clock"),
  );
  await makeFolder(layout.state);
  await writeDurable(layout.signerJson, utf8(`${JSON.stringify(settings, null, 2)}\n`), { mode: 0o600 });
}
