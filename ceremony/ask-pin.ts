/** Asks for a PIN until it is right: three tries for a person, one for a script or a descriptor. */

import { readSecret } from "../host/terminal/secret-descriptor.ts";
import { wrapped } from "../host/terminal/table.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { Sitting } from "./ports.ts";

export interface PinQuestion {
  /** whose PIN, as a person knows it */
  owner(): string;
  /** asked anew before each try: it may warn of tries that were wrong */
  question(): Promise<string>;
  /** said after a wrong one */
  readonly again: string;
}

const triesOfPeople = 3;

/**
 * Gives `use` the PIN's bytes, wiped afterwards. Refuses with PIN-WRONG, naming whose PIN was expected, after the last
 * try; every other refusal of `use` ends it at once.
 */
export async function withPin<T>(
  { pinDescriptor, prompter, output }: Sitting,
  asked: PinQuestion,
  use: (pin: Uint8Array) => Promise<T>,
): Promise<T> {
  const tries = pinDescriptor === undefined && prompter.interactive ? triesOfPeople : 1;
  for (let left = tries; ; left--) {
    const pin = pinDescriptor === undefined ? await prompter.secret(await asked.question()) : readSecret(pinDescriptor);
    try {
      return await use(pin);
    } catch (fault) {
      if (!(fault instanceof Refusal) || fault.code !== "PIN-WRONG") throw fault;
      if (left <= 1) throw notThePin(asked.owner(), fault);
      output.say(...wrapped(asked.again));
    } finally {
      pin.fill(0);
    }
  }
}

function notThePin(owner: string, cause: Refusal): Refusal {
  return new Refusal("PIN-WRONG", `that is not the PIN of ${owner}`, {
    expected: `the PIN of ${owner}`,
    got: "another one",
    cause,
  });
}
