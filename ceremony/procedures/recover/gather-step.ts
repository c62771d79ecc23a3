/** Everything that is at hand of the lost box comes into the folder of the new one: its configuration, and what its store is made from. */

import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Stage, Step } from "../../engine/procedure.ts";
import { transcriptName } from "../../engine/records-folder.ts";
import { boxAtHand } from "../box-at-hand.ts";
import { boxLogPath } from "../custody/box-log.ts";
import { witnessOf } from "../genesis/begin.ts";
import { boxLayout, wrappedPath } from "../layout.ts";
import { policyName } from "../policies-at-hand.ts";
import { gatherBundles } from "./gather-bundles.ts";
import { copiedSettings, copiesOn, custodyLogOn, transcriptsOn } from "./media-copies.ts";
import type { RecoverParameters } from "./parameters.ts";

export function gatherStep(parameters: RecoverParameters): Step {
  return {
    id: "gather",
    title: "Gather what is at hand of the lost box",
    acts: "the administrator, who brings all media with exports",
    checks: "a witness, who reads out the numbers on the media",
    minutes: 15,
    script: [
      "All media that hold exports are brought: the keeper's, those of ceremonies, and copies of outbox folders.",
      "Each bundle is verified; what verifies is copied, what does not is left out and named.",
      "The numbers of manifests that are at hand are compared with prints: a number on paper that is missing here is said.",
    ],
    wayBack: "Bring more media, and try again: what was gathered stays.",
    needs: [],
    perform: async (stage) => {
      const files = copiesOn(parameters.from, stage.file.appliance);
      await writeConfiguration(stage, parameters, files);
      const { appliance, genesis } = boxAtHand(stage.file, parameters.box);
      const gathered = await gatherBundles(parameters, { appliance, genesis }, stage.now());
      for (const [number, p7m] of gathered.policies) await writePolicy(parameters, `${policyName(number)}.p7m`, p7m);
      const numbers = [...gathered.numbers.keys()].sort((a, b) => a - b);
      const whole = [...gathered.numbers.values()].filter((one) => one === "whole").length;
      if (gathered.leftOut.length > 0) stage.scene.say("Left out:", ...gathered.leftOut.map((one) => `  ${one}`));
      return {
        people: [leaderOf(stage.file, stage.present()), witnessOf(stage)],
        facts: {
          genesis,
          "left out": gathered.leftOut.join("; ").slice(0, 4096) || "nothing",
          "manifests at hand": numbers.join(", ").slice(0, 4096) || "none",
          orders: `${[...files.keys()].filter((path) => path.startsWith("orders/")).length}`,
          "whole receipts": `${whole} of ${numbers.length}`,
        },
      };
    },
  };
}

/** signer.json for the new place, certificates, wrapped PINs, policies, orders, statements, transcripts. */
async function writeConfiguration(
  stage: Stage,
  parameters: RecoverParameters,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const { activate, evidence, layout, run } = parameters;
  await makeFolder(layout.state);
  if (!existsSync(run)) await makeFolder(run);
  const second = boxLayout(layout.successor);
  for (const [path, bytes] of files) {
    const [folder = "", name = ""] = path.includes("/") ? path.split("/") : ["", path];
    const isPlain = /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name);
    if (!isPlain || path.split("/").length > 2)
      throw new Refusal("CONFIG", "the copy holds a name that is not plain", { about: path });
    if (folder === "certificates") await write(join(layout.certificates, name), bytes);
    if (folder === "policies") await writePolicy(parameters, name, bytes);
    if (folder === "orders" || folder === "statements") await write(join(evidence, folder, name), bytes);
    const purpose = /^wrapped-(unlock|recovery)\.json$/.exec(name)?.[1];
    if (purpose === undefined) continue;
    // With the first token lost, the second one's shares open.
    if (folder === "" && !activate) await write(wrappedPath(layout, purpose), bytes);
    if (folder === "successor") await write(wrappedPath(activate ? layout : second, purpose), bytes);
  }
  for (const [name, p7m] of transcriptsOn(parameters.from)) {
    if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) await write(join(layout.records, name, transcriptName), p7m);
  }
  const custody = custodyLogOn(parameters.from);
  if (custody) await write(boxLogPath(layout.records), custody);
  await write(layout.signerJson, utf8(`${JSON.stringify(settingsHere(stage, parameters), null, 2)}\n`));
}

/** The copied configuration with the paths of this machine. */
function settingsHere({ file }: Pick<Stage, "file">, parameters: RecoverParameters): Json {
  const { from, layout, run, socket, token } = parameters;
  const settings = copiedSettings(from, file.appliance);
  const keys = settings.keys as Record<"audit" | "sealing", { readonly [name: string]: Json }>;
  const here = (name: "audit" | "sealing") => ({
    ...keys[name],
    certificates: (keys[name].certificates as readonly string[]).map((path) =>
      join(layout.certificates, basename(path)),
    ),
  });
  return {
    ...settings,
    keys: { audit: here("audit"), sealing: here("sealing") },
    socket: join(run, "signer.sock"),
    state: layout.state,
    token: {
      ...(settings.token as { readonly [name: string]: Json }),
      environment: { ...token.environment },
      module: token.module,
    },
    unlockSocket: socket,
  };
}

/** For the ceremonies that follow, and for the making of the store. */
async function writePolicy({ evidence, layout }: RecoverParameters, name: string, p7m: Uint8Array): Promise<void> {
  await write(join(layout.policies, name), p7m);
  await write(join(evidence, "policies", name), p7m);
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await makeFolder(join(path, ".."));
  await writeDurable(path, bytes, { mode: 0o600 });
}
