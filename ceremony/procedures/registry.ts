/** Which ceremonies there are. */

import { Refusal } from "../../manifests/refusal.ts";
import type { CeremonyFile } from "../engine/ceremony-file.ts";
import type { Procedure } from "../engine/procedure.ts";
import { certificates } from "./certificates/certificates.ts";
import { custody } from "./custody/custody.ts";
import { genesis } from "./genesis/genesis.ts";
import { policyChange } from "./policy/policy.ts";
import { resplit } from "./resplit/resplit.ts";

const procedures: Readonly<Record<string, (file: CeremonyFile) => Procedure>> = {
  certificates,
  custody,
  genesis,
  policy: policyChange,
  resplit,
};

export const ceremonyNames = Object.keys(procedures);

/** The procedure that a file asks for. Refuses CEREMONY-FILE; CONFIG and STORE where it needs a box that is not there. */
export function procedureOf(file: CeremonyFile): Procedure {
  const make = Object.hasOwn(procedures, file.ceremony) ? procedures[file.ceremony] : undefined;
  if (make) return make(file);
  throw new Refusal("CEREMONY-FILE", "there is no such ceremony", {
    expected: ceremonyNames.join(", "),
    got: file.ceremony,
  });
}
