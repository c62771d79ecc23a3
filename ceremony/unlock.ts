/** Unlocking and locking: the box's PIN goes from this prompt straight to the signer. */

import type { Unlocked } from "../appliance/client/unlock-client.ts";
import { count } from "../host/terminal/amounts.ts";
import type { Json } from "../manifests/encoding/canonical-json.ts";
import { shown, shownText } from "../manifests/records/names.ts";
import { withPin } from "./ask-pin.ts";
import type { Sitting } from "./ports.ts";
import { asNumber, asText, members } from "./shown-json.ts";

/** Asks for the PIN (or reads it from the descriptor) and unlocks. Says what the unlocking proved. */
export async function unlock(sitting: Sitting): Promise<void> {
  sitting.prompter.open();
  const before = await sitting.signer.status();
  if (members(before).locked === false) {
    sitting.output.say("The box is unlocked already. Nothing was changed.");
    sitting.output.document({ changed: false, locked: false });
    return;
  }
  await tellUnlocked(sitting, await withBoxPin(sitting, before));
}

/** Says what an unlocking proved, and what keeps the box from sealing all the same. */
export async function tellUnlocked(
  { output, signer }: Pick<Sitting, "output" | "signer">,
  { head, token }: Unlocked,
): Promise<void> {
  const record =
    head === "agrees" ? "the record agrees with the head on the token" : `head on the token: ${shown(head)}`;
  output.say(output.style.good("Unlocked."), `The token took the PIN; ${record}.`);
  const held = members(members(await signer.status()).held);
  const code = asText(held.code);
  if (code === null) output.say("Next: batches with a full quorum are sealed now. See: ceremony list");
  else output.say(output.style.bad(`It seals nothing: ${shown(code)}: ${shownText(asText(held.message) ?? "")}`));
  output.document({ changed: true, head, held: code, locked: false, token });
}

/** Logs the signer out of its token. */
export async function lock(sitting: Sitting): Promise<void> {
  await sitting.signer.lock();
  sitting.output.say("Locked. The box takes approvals, and seals nothing until it is unlocked again.");
  sitting.output.document({ locked: true });
}

/** The question says how many wrong tries there were: the signer makes people wait after some. */
async function withBoxPin(sitting: Sitting, before: Json): Promise<Unlocked> {
  let status: Json | undefined = before;
  const asked = {
    owner: () => `the box ${boxName(before)}`,
    question: async () => {
      const question = questionFor(status ?? (await sitting.signer.status()));
      status = undefined;
      return question;
    },
    again: "That is not the PIN of the box. It stays locked. Type the PIN again, slowly.",
  };
  return withPin(sitting, asked, (pin) => sitting.signer.unlock(pin));
}

function questionFor(status: Json): string {
  const { pin, token } = members(status);
  const failures = asNumber(members(pin).failures) ?? 0;
  const note = failures > 0 ? `; ${count(failures, "wrong try", "wrong tries")} so far` : "";
  const serial = shown(asText(members(token).serial) ?? "?");
  return `Type the PIN of the box ${boxName(status)} (its token's serial ${serial}${note}): `;
}

function boxName(status: Json): string {
  return shown(asText(members(status).appliance) ?? "?");
}
