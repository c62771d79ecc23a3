/** Logging in to the token that has a ledger's keys: its PIN is asked for once, and what the token says of remaining tries is told. */

import { pinWarning } from "../../../hardware/pin-warning.ts";
import type { PinState, Token } from "../../../hardware/token.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import type { AskPin } from "../../keys/passphrase.ts";

/**
 * Asks for the PIN, hands it to `use` and wipes it. A wrong one is never tried twice: PIN-WRONG says what the token says of remaining tries. Refuses PIN-LOCKED before anybody
 * types, HSM-GONE, HSM-TOKEN, and what `ask` and `use` refuse.
 */
export async function withPin<T>(
  token: Token,
  origin: string,
  ask: AskPin,
  use: (pin: Uint8Array) => Promise<T>,
): Promise<T> {
  const name = `token ${token.label} (serial ${token.serial})`;
  const state = token.pinState();
  const warning = pinWarning(state);
  if (state === "locked" || state === "not-set") {
    throw new Refusal("PIN-LOCKED", `${warning}: nothing was tried`, {
      expected: "a PIN that its security officer sets",
      got: name,
    });
  }
  const pin = await ask({
    what: `${name}, for the keys of ledger ${origin}`,
    lastTry: state === "last-try",
    ...(warning === undefined ? {} : { warning }),
  });
  try {
    return await use(pin);
  } catch (fault) {
    throw fault instanceof Refusal && fault.code === "PIN-WRONG" ? wrongPin(fault, name, token) : fault;
  } finally {
    pin.fill(0);
  }
}

function wrongPin(cause: Refusal, name: string, token: Token): Refusal {
  return new Refusal("PIN-WRONG", `the token did not take the PIN, which was tried once: ${remaining(token)}`, {
    expected: `the PIN of ${name}`,
    got: "another one",
    cause,
  });
}

function remaining(token: Token): string {
  const state = stateOf(token);
  if (state === undefined || state === "ok") return "how many tries are left it does not say";
  return `it says: ${pinWarning(state)}`;
}

function stateOf(token: Token): PinState | undefined {
  try {
    return token.pinState();
  } catch {
    return undefined; // it is gone meanwhile
  }
}
