/**
 * Every mutant, each title once: the one index of what a seal, an authorisation, a manifest or a bundle may be wrong in, and who sees
 * it. Requests and policies have their own rows in `test/manifests/records`.
 */

import { attestationMutants } from "./attestations.ts";
import { authorizationMutants } from "./authorizations.ts";
import { emergencyMutants } from "./emergencies.ts";
import { logMutants } from "./logs.ts";
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
  ...emergencyMutants,
  ...attestationMutants,
  ...logMutants,
];
