import { equal } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json, readCanonical } from "../../../manifests/encoding/canonical-json.ts";
import { buildBundle } from "../../bundle/build.ts";
import { policyBytes } from "../../bundle/signed.ts";
import { mutateJson } from "../mutate-json.ts";
import { Broken, type Target } from "../target.ts";

export const canonicalJson: Target = {
  name: "canonical-json",
  seeds: async () => {
    const { policy, manifest } = await buildBundle();
    const odd = { "": [], "\u20ac": [1, -1, 0, 2 ** 53 - 1], é: { a: null, b: [true, false, '\u0007\\"/'] } };
    return [canonicalBytes(odd), policyBytes(policy), canonicalBytes(manifest as Json)];
  },
  mutate: mutateJson,
  run: (input) => readCanonical(input),
  after: (input, value) => {
    if (!equal(canonicalBytes(value as Json), input)) throw new Broken("accepted JSON is not canonical");
  },
};
