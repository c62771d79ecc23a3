/** Unlocking and locking: the box's PIN goes from this prompt straight to the signer. */

import type { Unlocked } from "../appliance/client/unlock-client.ts";
import { count } from "../host/terminal/amounts.ts";
import { readSecret } from "../host/terminal/secret-descriptor.ts";
import { wrapped } from "../host/terminal/table.ts";
import type { Json } from "../manifests/encoding/canonical-json.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { Sitting } from "./ports.ts";
import { asNumber, asText, members } from "./shown-json.ts";
import { notThePin } from "./wrong-pin.ts";

/** Asks for the PIN (or reads it from the descriptor) and unlocks. Says what the unlocking proved. */
export async function unlock(sitting: Sitting): Promise<void> {
  sitting.prompter.open();
  const before = await sitting.signer.status();
  if (members(before).locked === false) {
    sitting.output.say("The box is unlocked already. Nothing was changed.");
    sitting.output.document({ changed: false, locked: false });
    return;
  }
  const { head, token } = await withBoxPin(sitting, before);
  const record =
    head === "agrees" ? "the record agrees with the head on the token" : `head on the token: ${shown(head)}`;
  sitting.output.say(sitting.output.style.good("Unlocked."), `The token took the PIN; ${record}.`);
  sitting.output.say("Next: batches with a full quorum are sealed now. See: ceremony list");
  sitting.output.document({ changed: true, head, locked: false, token });
}

/** Logs the signer out of its token. */
export async function lock(sitting: Sitting): Promise<void> {
  await sitting.signer.lock();
  sitting.output.say("Locked. The box takes approvals, and seals nothing until it is unlocked again.");
  sitting.output.document({ locked: true });
}

/** Asks until the PIN is right or the signer makes people wait; from a descriptor there is one try. */
async function withBoxPin(sitting: Sitting, before: Json): Promise<Unlocked> {
  const { pinDescriptor, prompter, output } = sitting;
  if (pinDescriptor !== undefined) {
    return sendPin(sitting, readSecret(pinDescriptor)).catch((fault) => {
      throw notThePin(`the box ${boxName(before)}`, fault);
    });
  }
  let status = before;
  for (let left = prompter.interactive ? 3 : 1; ; left--) {
    const pin = await prompter.secret(question(status));
    try {
      return await sendPin(sitting, pin);
    } catch (fault) {
      if (!(fault instanceof Refusal) || fault.code !== "PIN-WRONG") throw fault;
      if (left <= 1) throw notThePin(`the box ${boxName(status)}`, fault);
      output.say(...wrapped("That is not the PIN of the box. It stays locked. Type the PIN again, slowly."));
      status = await sitting.signer.status();
    }
  }
}

function question(status: Json): string {
  const { pin, token } = members(status);
  const failures = asNumber(members(pin).failures) ?? 0;
  const note = failures > 0 ? `; ${count(failures, "wrong try", "wrong tries")} so far` : "";
  const serial = shown(asText(members(token).serial) ?? "?");
  return `Type the PIN of the box ${boxName(status)} (its token's serial ${serial}${note}): `;
}

function boxName(status: Json): string {
  return shown(asText(members(status).appliance) ?? "?");
}

async function sendPin(sitting: Sitting, pin: Uint8Array): Promise<Unlocked> {
  try {
    return await sitting.signer.unlock(pin);
  } finally {
    pin.fill(0);
  }
}
