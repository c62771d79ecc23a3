/** Taking a key out of use for a time or for ever, and letting it be used again. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeDurable } from "../../../host/durable.ts";
import { base64 } from "../../../manifests/encoding/bytes.ts";
import { nullable, object, oneOf, text, utc } from "../../../manifests/encoding/shape.ts";
import { type OrderKind, revocationReasons } from "../../../manifests/records/order.ts";
import { type CeremonyFile, readParameters } from "../../engine/ceremony-file.ts";
import { leaderOf } from "../../engine/people.ts";
import type { Procedure, Step } from "../../engine/procedure.ts";
import { peopleStep, witnessOf } from "../genesis/begin.ts";
import { boxKey, keyDigest, keyStep } from "./box-key.ts";
import { beforeStep, orderPath, orderStep, statementStep } from "./order-steps.ts";
import { aboutRunningBox, type RunningBox, runningBox, runningMembers } from "./running-box.ts";

const readKeyValue = object({ ...runningMembers, key: keyDigest, reason: text(500) });
const readRevokeValue = object({
  ...runningMembers,
  key: keyDigest,
  reason: text(500),
  /** CRLReason of RFC 5280 */
  revocation: oneOf(revocationReasons),
  /** from when on the key may have been in other hands; null where that is not the reason */
  since: nullable(utc),
});

/** Refuses CEREMONY-FILE, CONFIG. */
export function suspendKey(file: CeremonyFile): Procedure {
  return aboutKey(file, "suspend-key", "To take a key out of use until a quorum resumes it.");
}

/** Refuses CEREMONY-FILE, CONFIG. */
export function resumeKey(file: CeremonyFile): Procedure {
  return aboutKey(file, "resume-key", "To let a suspended key be used again.");
}

/** Refuses CEREMONY-FILE, CONFIG. */
export function revokeKey(file: CeremonyFile): Procedure {
  const { key, reason, revocation, since, ...parameters } = readParameters(file, readRevokeValue);
  const running = runningBox(file, parameters);
  return aboutRunningBox(running, {
    name: "revoke-key",
    purpose: "To take a key out of use for ever, and to ask the CA to revoke its certificate.",
    steps: [
      beforeStep(running),
      keyStep(running, key),
      peopleStep(["before"]),
      orderStep(running, {
        kind: "revoke-key",
        title: "Order the box never to use the key again",
        script: ["From the moment that the box takes the order the key signs nothing."],
        wayBack: "Try again; one officer alone can suspend the key meanwhile: `ceremony suspend`.",
        needs: ["before", "people", "key"],
        what: async () => ({ reason, revocation, since, spki: base64((await boxKey(running, key)).spki) }),
      }),
      statementStep(running),
      requestRevocationStep(running),
    ],
  });
}

function aboutKey(
  file: CeremonyFile,
  kind: Extract<OrderKind, "suspend-key" | "resume-key">,
  purpose: string,
): Procedure {
  const { key, reason, ...parameters } = readParameters(file, readKeyValue);
  const running = runningBox(file, parameters);
  return aboutRunningBox(running, {
    name: kind,
    purpose,
    // It only stops something.
    ...(kind === "suspend-key" ? { officers: () => 1 } : {}),
    steps: [
      beforeStep(running),
      keyStep(running, key),
      peopleStep(["before"]),
      orderStep(running, {
        kind,
        title: kind === "suspend-key" ? "Order the box not to use the key" : "Order the box to use the key again",
        script: ["It counts from the moment that the box takes the order."],
        wayBack: "Try again, or strike out the person whose token fails.",
        needs: ["before", "people", "key"],
        what: async () => ({ reason, spki: base64((await boxKey(running, key)).spki) }),
      }),
      statementStep(running),
    ],
  });
}

/** The officers' signed order is the request: a CA checks it with the certificates that it knows them by. */
function requestRevocationStep({ box, stick }: RunningBox): Step {
  return {
    id: "request",
    title: "Write the request for the CA",
    acts: "the administrator",
    checks: "a witness",
    minutes: 2,
    script: [
      "The order with its signatures goes to the medium, in coldseal/control/out, for the CA that certified the key.",
    ],
    wayBack: "Try again, with another medium.",
    needs: ["order"],
    perform: async (stage) => {
      const folder = join(stick, "coldseal/control/out");
      await makeFolder(folder, 0o755);
      const name = `${stage.file.archive}-revocation-request.p7m`;
      await writeDurable(join(folder, name), readFileSync(orderPath({ box }, stage, "order")));
      return { people: [leaderOf(stage.file, stage.present()), witnessOf(stage)], facts: { written: name } };
    },
  };
}
