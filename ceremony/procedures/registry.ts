/** Which ceremonies there are. */

import { Refusal } from "../../manifests/refusal.ts";
import type { CeremonyFile } from "../engine/ceremony-file.ts";
import type { Procedure } from "../engine/procedure.ts";
import { certificates } from "./certificates/certificates.ts";
import { compromise } from "./compromise/compromise.ts";
import { custody } from "./custody/custody.ts";
import { genesis } from "./genesis/genesis.ts";
import { activate, loss } from "./orders/activate.ts";
import { certifyKey } from "./orders/certify-key.ts";
import { close } from "./orders/close.ts";
import { destroyKey } from "./orders/destroy-key.ts";
import { declareEmergency, endEmergency } from "./orders/emergency.ts";
import { resumeKey, revokeKey, suspendKey } from "./orders/key-orders.ts";
import { open } from "./orders/open.ts";
import { resume } from "./orders/resume.ts";
import { setClock } from "./orders/set-clock.ts";
import { stageKey } from "./orders/stage-key.ts";
import { successor } from "./orders/successor.ts";
import { update } from "./orders/update.ts";
import { breakGlass, policyChange } from "./policy/policy.ts";
import { recover } from "./recover/recover.ts";
import { resplit } from "./resplit/resplit.ts";

const procedures: Readonly<Record<string, (file: CeremonyFile) => Procedure>> = {
  activate,
  "break-glass": breakGlass,
  certificates,
  "certify-key": certifyKey,
  close,
  compromise,
  custody,
  "declare-emergency": declareEmergency,
  "destroy-key": destroyKey,
  "end-emergency": endEmergency,
  genesis,
  loss,
  open,
  policy: policyChange,
  recover,
  resplit,
  resume,
  "resume-key": resumeKey,
  "revoke-key": revokeKey,
  "set-clock": setClock,
  "stage-key": stageKey,
  successor,
  "suspend-key": suspendKey,
  update,
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
