/** Every mutant, each title once. The one index of what a signed file may be wrong in, and who sees it. */

import { authorizationMutants } from "./authorizations.ts";
import { manifestMutants } from "./manifests.ts";
import type { Mutant } from "./mutant.ts";
import { sealAlgorithmMutants } from "./seal-algorithms.ts";
import { sealAttributeMutants } from "./seal-attributes.ts";
import { sealCertificateMutants } from "./seal-certificates.ts";
import { sealFormMutants } from "./seal-form.ts";

export const mutants: readonly Mutant[] = [
  ...sealAttributeMutants,
  ...sealFormMutants,
  ...sealAlgorithmMutants,
  ...sealCertificateMutants,
  ...authorizationMutants,
  ...manifestMutants,
];
