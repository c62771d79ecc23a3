/** The box comes to be: its configuration, the signer's store, the genesis digest and first head in the token. */

import { join } from "node:path";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Stage, Step } from "../../engine/procedure.ts";
import { createSignerStore } from "../../provision/create-store.ts";
import { boxLayout } from "../layout.ts";
import { witnessOf } from "./begin.ts";
import type { GenesisParameters } from "./parameters.ts";
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
  const { uri: auditUri = "", spki: auditSpki = "" } = stage.facts("audit-key");
  const { uri: sealingUri = "", spki: sealingSpki = "" } = stage.facts("sealing-key");
  const { reference = "", "reference time": at = "", "difference in seconds": difference = "0" } = stage.facts("clock");
  const layout = boxLayout(box);
  const settings: Json = {
    appliance: stage.file.appliance,
    arc,
    clock: {
      errorSeconds: clock.errorSeconds + Math.abs(Number(difference)),
      lastSet: `${at.replace(" ", "T")}Z`,
      source: reference,
    },
    genesis: stage.facts("policy").digest ?? "",
    hsm,
    isolation,
    keys: {
      audit: { certificates: certificates.audit, spki: auditSpki, uri: auditUri },
      sealing: { certificates: certificates.sealing, spki: sealingSpki, uri: sealingUri },
    },
    media,
    socket: join(run, "signer.sock"),
    state: layout.state,
    token: { environment: token.environment, module: token.module, uri: stage.facts("token").uri ?? "" },
    unlockSocket: join(run, "unlock.sock"),
  };
  await makeFolder(layout.state);
  await writeDurable(layout.signerJson, utf8(`${JSON.stringify(settings, null, 2)}\n`), { mode: 0o600 });
}
