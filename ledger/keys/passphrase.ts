/** The secrets that open keys, a file's passphrase and a token's PIN: at the prompt, or on a descriptor for scripts; never in arguments or the environment. */

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

/** What is said to whoever types a PIN. */
export interface PinQuestion {
  readonly what: string;
  /** of the token, where wrong PINs were tried before */
  readonly warning?: string;
  /** the token locks itself by one more wrong PIN */
  readonly lastTry: boolean;
}

/** Gives a PIN as UTF-8, which the caller wipes. */
export type AskPin = (of: PinQuestion) => Promise<Uint8Array>;

/**
 * Asks for the PIN of a token; once, as the token counts wrong ones. The caller wipes it. Refuses SECRET, STOPPED, and PIN-LOCKED to take one from a descriptor where it is the
 * last try: a program that is started again and again would lock the token.
 */
export async function askPin(
  descriptor: number | undefined,
  { lastTry, warning, what }: PinQuestion,
): Promise<Uint8Array> {
  if (descriptor === undefined) {
    const warned = warning === undefined ? "" : `; ${warning}`;
    return withPrompter((secret) => secret(`The PIN of ${what}${warned}: `));
  }
  if (!lastTry) return readSecret(descriptor);
  throw new Refusal("PIN-LOCKED", "one more wrong PIN would lock the token: none is taken from a descriptor", {
    expected: "the PIN, typed at a terminal (leave out --pin-fd)",
    got: what,
  });
}

/**
 * Asks for a new passphrase, at the prompt twice. The caller wipes it. One of fewer than 12 bytes, or two different ones, are refused (SECRET), or asked for again where somebody
 * sits at a terminal. Refuses STOPPED.
 */
export async function askNewPassphrase(descriptor: number | undefined, what: string): Promise<Uint8Array> {
  if (descriptor !== undefined) return longEnough(readSecret(descriptor));
  return withPrompter(async (secret, interactive) => {
    for (;;) {
      try {
        return await askTwice(secret, what);
      } catch (fault) {
        if (!interactive || !(fault instanceof Refusal) || fault.code !== "SECRET") throw fault;
        process.stderr.write(`${fault.message}: ${fault.expected}\n`);
      }
    }
  });
}

type AskSecret = (question: string) => Promise<Uint8Array>;

async function askTwice(secret: AskSecret, what: string): Promise<Uint8Array> {
  const first = longEnough(
    await secret(`A new passphrase for ${what}, ${shortest} characters or more, better six random words: `),
  );
  const again = await secret("The same passphrase again: ");
  const same = equal(first, again);
  again.fill(0);
  if (same) return first;
  first.fill(0);
  throw new Refusal("SECRET", "the two passphrases differ", { expected: "the same one twice", got: "two" });
}

function longEnough(passphrase: Uint8Array): Uint8Array {
  if (passphrase.length >= shortest) return passphrase;
  passphrase.fill(0);
  throw new Refusal("SECRET", "the passphrase is too short", {
    expected: `at least ${shortest} characters, better six random words`,
    got: "fewer",
  });
}

async function withPrompter(ask: (secret: AskSecret, interactive: boolean) => Promise<Uint8Array>) {
  const prompter = openPrompter(process.stdin, process.stderr);
  try {
    return await ask((question) => prompter.secret(question), prompter.interactive);
  } finally {
    prompter.close();
  }
}
