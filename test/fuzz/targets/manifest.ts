import { nodeHost } from "../../../host/crypto-host.ts";
import { equal } from "../../../manifests/encoding/bytes.ts";
import { type Manifest, manifestBytes, readManifest } from "../../../manifests/records/manifest.ts";
import { checkManifestFile } from "../../../manifests/verify/manifest-file.ts";
import { buildBundle } from "../../bundle/build.ts";
import { times } from "../../bundle/signed.ts";
import { mutateFile } from "../files.ts";
import { Broken, type Target } from "../target.ts";

const bundle = await buildBundle();

/** The record by itself, and signed by the audit key. */
export const manifestTarget: Target = {
  name: "manifest",
  seeds: async () => {
    const aborted = await buildBundle({ abortedAfter: 1 });
    return [
      manifestBytes(bundle.manifest),
      bundle.files.get("manifest.p7m") as Uint8Array,
      aborted.files.get("manifest.p7m") as Uint8Array,
    ];
  },
  mutate: mutateFile,
  run: async (input) => {
    if (input[0] === 0x7b) return readManifest(input);
    const trust = { roots: bundle.roots, at: times.manifest };
    return (await checkManifestFile(nodeHost, input, trust)).manifest;
  },
  after: (input, manifest) => {
    if (input[0] === 0x7b && !equal(manifestBytes(manifest as Manifest), input))
      throw new Broken("a manifest reads to other members");
  },
};
