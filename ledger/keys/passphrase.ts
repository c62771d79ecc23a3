/** The passphrase of a file of keys: at the prompt, or on a descriptor for scripts; never in arguments or the environment. */

import { openPrompter } from "../../host/terminal/prompter.ts";
import { readSecret } from "../../host/terminal/secret-descriptor.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";

const shortest = 12;

/** Asks for the passphrase of keys that are there. The caller wipes it. Refuses SECRET, STOPPED. */
export async function askPassphrase(descriptor: number | undefined, what: string): Promise<Uint8Array> {
  if (descriptor !== undefined) return readSecret(descriptor);
  return withPrompter((secret) => secret(`The passphrase of ${what}: `));
}

/** Asks for a new passphrase, at the prompt twice. The caller wipes it. Refuses SECRET one of fewer than 12 bytes, or two different ones; STOPPED. */
export async function askNewPassphrase(descriptor: number | undefined, what: string): Promise<Uint8Array> {
  if (descriptor !== undefined) return longEnough(readSecret(descriptor));
  return withPrompter(async (secret) => {
    const first = longEnough(
      await secret(`A new passphrase for ${what}, ${shortest} characters or more, better six random words: `),
    );
    const again = await secret("The same passphrase again: ");
    const same = equal(first, again);
    again.fill(0);
    if (same) return first;
    first.fill(0);
    throw new Refusal("SECRET", "the two passphrases differ", { expected: "the same one twice", got: "two" });
  });
}

function longEnough(passphrase: Uint8Array): Uint8Array {
  if (passphrase.length >= shortest) return passphrase;
  passphrase.fill(0);
  throw new Refusal("SECRET", "the passphrase is too short", {
    expected: `at least ${shortest} characters, better six random words`,
    got: "fewer",
  });
}

async function withPrompter(ask: (secret: (question: string) => Promise<Uint8Array>) => Promise<Uint8Array>) {
  const prompter = openPrompter(process.stdin, process.stderr);
  try {
    return await ask((question) => prompter.secret(question));
  } finally {
    prompter.close();
  }
}
