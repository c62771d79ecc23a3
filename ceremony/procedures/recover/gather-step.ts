/** Everything that is at hand of the lost box comes into the folder of the new one: its configuration, and what its store is made from. */

import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { nodeHost } from "../../../host/crypto-host.ts";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { base64, utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { ownOids } from "../../../manifests/encoding/oid.ts";
import { mapKeys } from "../../../manifests/records/key-purpose.ts";
import { verifyTranscript } from "../../../manifests/records/transcript.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Stage, Step } from "../../engine/procedure.ts";
import { transcriptName } from "../../engine/records-folder.ts";
import { boxAtHand, settingsOf } from "../box-at-hand.ts";
import { boxLogPath } from "../custody/box-log.ts";
import { witnessOf } from "../genesis/begin.ts";
import { boxLayout, wrappedPath } from "../layout.ts";
import { policyName } from "../policies-at-hand.ts";
import { signerSettings } from "../signer-settings.ts";
import { gatherBundles } from "./gather-bundles.ts";
import { acknowledgementsOn, copiesOn, custodyLogOn, transcriptsOn } from "./media-copies.ts";
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
    needs: ["clock"],
    perform: async (stage) => {
      const files = await copiesOn(parameters.from, stage.file.appliance);
      await writeConfiguration(stage, parameters, files);
      const transcripts = await writeTranscripts(parameters);
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
          transcripts,
          orders: `${[...files.keys()].filter((path) => path.startsWith("orders/")).length}`,
          "whole receipts": `${whole} of ${numbers.length}`,
        },
      };
    },
  };
}

/** signer.json for the new place, certificates, wrapped PINs, policies, orders, statements, closing records, transcripts. */
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
    if (folder === "certificates") await write(join(layout.certificates, name), bytes);
    if (folder === "policies") await writePolicy(parameters, name, bytes);
    if (["acknowledgements", "orders", "statements", "closings"].includes(folder))
      await write(join(evidence, folder, name), bytes);
    const purpose = /^wrapped-(unlock|recovery)\.json$/.exec(name)?.[1];
    if (purpose === undefined) continue;
    // With the first token lost, the second one's shares open.
    if (folder === "" && !activate) await write(wrappedPath(layout, purpose), bytes);
    if (folder === "successor") await write(wrappedPath(activate ? layout : second, purpose), bytes);
  }
  const acknowledgements = await acknowledgementsOn(parameters.from);
  for (const [name, bytes] of acknowledgements) await write(join(evidence, "acknowledgements", name), bytes);
  const custody = await custodyLogOn(parameters.from);
  if (custody) await write(boxLogPath(layout.records), custody);
  const settings = settingsHere(stage, parameters, files.get("signer.json") ?? new Uint8Array(0));
  await write(layout.signerJson, utf8(`${JSON.stringify(settings, null, 2)}\n`));
}

/**
 * The configuration for this machine. Of the copy only what hangs on signatures is taken: public keys, their URIs and certificates, the token's URI; the rest
 * is the ceremony file's. Refuses CONFIG where the copy is of another box or genesis.
 */
function settingsHere({ facts, file }: Stage, parameters: RecoverParameters, copy: Uint8Array): Json {
  const { clock, layout, token, ...others } = parameters;
  const { genesis } = others;
  const copied = settingsOf(jsonOf(copy), "signer.json of the copy");
  const [expected, got] = [`${file.appliance}, ${genesis}`, `${copied.appliance}, ${copied.genesis}`];
  if (expected !== got) throw new Refusal("CONFIG", "the copy is of another box or another genesis", { expected, got });
  const keys = mapKeys(copied.keys, ({ certificates, spki, uri }) => ({
    certificates: certificates.map((path) => join(layout.certificates, basename(path))),
    spki: base64(spki),
    uri,
  }));
  return signerSettings(
    {
      ...others,
      appliance: file.appliance,
      errorSeconds: clock.errorSeconds,
      keys,
      layout,
      token: { ...token, uri: copied.token.uri },
    },
    facts("clock"),
  );
}

function jsonOf(bytes: Uint8Array): Json {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Json;
  } catch (cause) {
    throw new Refusal("CONFIG", "the copy of the signer's configuration cannot be read", { cause });
  }
}

/** The newest chain of transcripts that verify, so that the next one can follow it; says what was left out. */
async function writeTranscripts({ arc, from, layout }: RecoverParameters): Promise<string> {
  const found = new Map<
    string,
    { readonly name: string; readonly p7m: Uint8Array; readonly previous: string | null; readonly end: string }
  >();
  const all = await transcriptsOn(from);
  for (const [name, p7m] of all) {
    try {
      const { digest, transcript } = await verifyTranscript(nodeHost, ownOids(arc), p7m);
      found.set(digest, { name, p7m, previous: transcript.previous, end: transcript.entries.at(-1)?.time ?? "" });
    } catch {
      // it is named below
    }
  }
  const followed = new Set([...found.values()].map(({ previous }) => previous));
  const ends = [...found].filter(([digest]) => !followed.has(digest)).sort(([, a], [, b]) => (a.end < b.end ? 1 : -1));
  const chain: string[] = [];
  for (let one = ends[0]?.[1]; one; one = found.get(one.previous ?? "")) {
    await write(join(layout.records, one.name, transcriptName), one.p7m);
    chain.push(one.name);
  }
  const leftOut = [...all.keys()].filter((name) => !chain.includes(name));
  return `${chain.length} in a row${leftOut.length > 0 ? `; left out: ${leftOut.join(", ").slice(0, 3000)}` : ""}`;
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
