import { nodeHost } from "../../../host/crypto-host.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { validatePath } from "../../../manifests/x509/path.ts";
import { issuer, oids, root, sealing, submitter } from "../../bundle/people.ts";
import { times } from "../../bundle/signed.ts";
import { constrainedIssuer, costliestNames, crossedPolicies, nameRich } from "../certificates.ts";
import { mutateFiles, packFiles, unpackFiles } from "../files.ts";
import type { Target } from "../target.ts";

/** `leaf`, and everything else as intermediates, under the one pinned root. */
export const pathTarget: Target = {
  name: "path",
  seeds: async () => [
    packFiles(new Map([["leaf", submitter.certificate]])),
    packFiles(
      new Map([
        ["leaf", sealing.certificate],
        ["one", issuer.certificate],
        ["two", sealing.certificate],
      ]),
    ),
    packFiles(
      new Map([
        ["leaf", nameRich.certificate],
        ["one", constrainedIssuer.certificate],
        ["two", issuer.certificate],
      ]),
    ),
    packFiles(
      new Map([
        ["leaf", costliestNames[0]],
        ["one", costliestNames[1]],
      ]),
    ),
    packFiles(new Map(crossedPolicies.map((one, at) => [at === 0 ? "leaf" : `issuer-${at}`, one]))),
  ],
  mutate: (random, input, other) => packFiles(mutateFiles(random, input, other)),
  run: async (input) => {
    const { leaf = new Uint8Array(0), ...others } = Object.fromEntries(unpackFiles(input));
    const wanted = {
      leaf,
      intermediates: Object.values(others),
      roots: [root.certificate],
      at: times.sealing,
      revoked: new Set<string>(),
      minimumRsaBits: 2048,
    };
    const withUsage = (extendedKeyUsage: string) => validatePath(nodeHost, { ...wanted, extendedKeyUsage });
    const path = await withUsage(oids.sealing).catch((thrown: unknown) => {
      if (thrown instanceof Refusal && thrown.code === "PATH-USAGE") return withUsage(oids.submitter);
      throw thrown;
    });
    return path.length;
  },
};
