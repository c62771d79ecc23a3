/** `ceremony suspend`: one officer stops the box at once; it stays so over restarts, until a quorum resumes it. */

import { wrapped } from "../host/terminal/table.ts";
import { ownOids } from "../manifests/encoding/oid.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import { askYes } from "./confirm.ts";
import type { Sitting } from "./ports.ts";
import { TokenLogin } from "./sign-decision.ts";
import { suspendOrder } from "./suspend-order.ts";

/** Signs the order after an exact Yes and gives it to the signer. Refuses STOPPED, ORDER (suspended already), PERSON-*, PIN-*, HSM-*. */
export async function suspend(sitting: Sitting, reason: string): Promise<void> {
  sitting.prompter.open();
  await sitting.token.check();
  const standing = await sitting.signer.standing();
  const { appliance, arc } = standing;
  sitting.output.say(
    ...wrapped(`The box ${shown(appliance)} is locked at once, and seals nothing until a quorum resumes it.`),
    ...wrapped(`Reason: "${shown(reason)}"`),
  );
  if (!(await askYes(sitting, "suspend the box"))) {
    throw new Refusal("STOPPED", "stopped at the question", { expected: "exactly Yes", got: "another answer" });
  }
  const login = new TokenLogin(sitting);
  try {
    const content = suspendOrder(standing, appliance, reason, sitting.now());
    const signed = await login.sign(ownOids(arc).order, content);
    sitting.consequence = "the order was signed, but whether the box took it is not known: see ceremony status";
    const { number, digest } = await sitting.signer.order(signed).catch((fault: unknown) => {
      if (isAnswer(fault)) sitting.consequence = "the box did not take the order: it is as it was";
      throw fault;
    });
    sitting.output.say(sitting.output.style.good("Suspended."), "Next: a quorum holds the ceremony `resume`.");
    sitting.output.document({ digest, number, suspended: true });
  } finally {
    await login.close();
  }
}

/** What the signer itself refused, it did not take. */
function isAnswer(fault: unknown): boolean {
  return fault instanceof Refusal && !["UNREACHABLE", "INTERNAL", "STORE"].includes(fault.code);
}
