/**
 * Work on one token in a process of its own: a module reads its configuration when it is started (SOFTHSM2_CONF), so that two
 * people's tokens never meet in one process. Jobs go in by stdin, a line of JSON each, with the secrets behind it as raw bytes
 * that both sides wipe; answers come by stdout, a line each. Nothing secret is in arguments, environment or JSON, but for the answer of `decrypt`: it goes
 * through the pipe alone.
 */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Suite } from "../../manifests/cms/suite.ts";
import { base64, fromBase64 } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { KeyKind, TokenJob, TokenPlace } from "./token-job.ts";

const worker = fileURLToPath(new URL("./main.ts", import.meta.url));

export interface TokenKey {
  /** RFC 7512, names label and id */
  readonly uri: string;
  /** DER SubjectPublicKeyInfo */
  readonly spki: Uint8Array;
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

export class TokenProcess {
  readonly #place: TokenPlace;
  #child: Child | undefined;
  #answers: AsyncIterator<string> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(place: TokenPlace) {
    this.#place = place;
  }

  /** How long the PIN of the token that `initialize` takes may be, in characters. Refuses HSM-TOKEN, also where a token has that label, HSM-MODULE. */
  async pinLimits(label?: string): Promise<{ readonly shortest: number; readonly longest: number }> {
    return (await this.ask(label === undefined ? { job: "limits" } : { job: "limits", label })) as {
      shortest: number;
      longest: number;
    };
  }

  /** The token's label, and the state of its PIN as it says it; needs no PIN. Refuses HSM-*. */
  async look(token: string): Promise<{ readonly label: string; readonly pin: string }> {
    return (await this.ask({ job: "look", token })) as { label: string; pin: string };
  }

  /** Labels of the private keys on the token, with ids in hex. Refuses PIN-*, HSM-*. */
  async keys(token: string, pin: Uint8Array): Promise<readonly { readonly label: string; readonly id: string }[]> {
    return (await this.ask({ job: "keys", token }, pin)) as { label: string; id: string }[];
  }

  /** Initialises an empty slot; the secrets stay the caller's to wipe; `factory` is the SO PIN that the maker set. Refuses as `initializeToken` of hardware does. */
  async initialize(
    label: string,
    soPin: Uint8Array,
    pin: Uint8Array,
    factory?: Uint8Array,
  ): Promise<{ serial: string; uri: string }> {
    const secrets = factory ? [soPin, pin, factory] : [soPin, pin];
    return (await this.ask({ job: "initialize", label }, ...secrets)) as { serial: string; uri: string };
  }

  /** Generates key pairs and proves them. Refuses as `generateKeys` of hardware does. */
  async generate(
    token: string,
    pin: Uint8Array,
    keys: readonly { readonly label: string; readonly kind: KeyKind }[],
  ): Promise<readonly TokenKey[]> {
    const made = (await this.ask({ job: "generate", token, keys }, pin)) as { uri: string; spki: string }[];
    return made.map(({ uri, spki }) => ({ uri, spki: fromBase64(spki) }));
  }

  /** Destroys both halves of a key that is this very one; how many objects there were, 0 where it was gone. Refuses PIN-*, HSM-*. */
  async destroy(token: string, pin: Uint8Array, { uri, spki }: TokenKey): Promise<number> {
    return (await this.ask({ job: "destroy", token, key: { uri, spki: base64(spki) } }, pin)) as number;
  }

  /** Logs in and out again. Refuses PIN-*, HSM-*. */
  async check(token: string, pin: Uint8Array): Promise<void> {
    await this.ask({ job: "check", token }, pin);
  }

  /** What was encrypted to the key (RSAES-PKCS1-v1_5); the caller wipes it. Refuses PIN-*, HSM-*. */
  async decrypt(token: string, pin: Uint8Array, { uri, spki }: TokenKey, ciphertext: Uint8Array): Promise<Uint8Array> {
    const key = { uri, spki: base64(spki) };
    return fromBase64((await this.ask({ job: "decrypt", token, key, ciphertext: base64(ciphertext) }, pin)) as string);
  }

  /** One signature in CMS form. Refuses PIN-*, HSM-*. */
  async sign(token: string, pin: Uint8Array, key: TokenKey, suite: Suite, message: Uint8Array): Promise<Uint8Array> {
    const { uri, spki } = key;
    const job = {
      job: "sign",
      token,
      key: { uri, spki: base64(spki) },
      suite: suite.name,
      message: base64(message),
    } as const;
    return fromBase64((await this.ask(job, pin)) as string);
  }

  /** Logs out, if somebody is logged in, and lets go of the token. Never refuses. */
  async close(): Promise<void> {
    // Asked in its turn: a process that was ended meanwhile is not started for this.
    const closed = this.#last.then(async () => this.#child && (await this.#exchange({ job: "close" }, [])));
    this.#last = closed.catch(() => undefined);
    await this.#last;
  }

  /** Ends the process; the next job starts another one. */
  end(): void {
    this.#child?.stdin.end();
    this.#child = undefined;
    this.#answers = undefined;
  }

  /** Any job, one after another. Refuses what the job refuses. */
  ask(job: TokenJob, ...secrets: readonly Uint8Array[]): Promise<Json> {
    const asked = this.#last.then(() => this.#exchange(job, secrets));
    this.#last = asked.catch(() => undefined);
    return asked;
  }

  async #exchange(job: TokenJob, secrets: readonly Uint8Array[]): Promise<Json> {
    const { child, answers } = this.#running();
    const header = { place: this.#place, job, secrets: secrets.map(({ length }) => length) };
    child.stdin.write(`${JSON.stringify(header)}\n`);
    for (const secret of secrets) await written(child, secret);
    const { value, done } = await answers.next();
    if (done === true) {
      this.end();
      throw new Refusal("HSM-FAULT", "the token's process ended without an answer");
    }
    const answer = JSON.parse(value as string) as Answer;
    if (answer.refusal) throw Refusal.fromRecord(answer.refusal);
    return answer.result ?? null;
  }

  #running(): { child: Child; answers: AsyncIterator<string> } {
    if (!this.#child || !this.#answers) {
      const child = spawn(process.execPath, [worker], { stdio: ["pipe", "pipe", "inherit"] });
      child.stdin.on("error", () => undefined);
      child.on("error", () => undefined);
      this.#child = child;
      this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    }
    return { child: this.#child, answers: this.#answers };
  }
}

const shared = new Map<string, TokenProcess>();

/** The process of a place, started once for all who ask; `endTokenProcesses` ends it. */
export function tokenProcess(place: TokenPlace): TokenProcess {
  const { module, environment } = place;
  const key = JSON.stringify([module, Object.entries(environment).sort()]);
  const found = shared.get(key) ?? new TokenProcess({ module, environment });
  shared.set(key, found);
  return found;
}

/** Ends all shared processes; whoever asks again starts them anew. */
export function endTokenProcesses(): void {
  for (const process of shared.values()) process.end();
  shared.clear();
}

/** An empty SoftHSM below `folder`, which must hold none. SIMULATED tokens: for rehearsals and dry runs. Refuses STORE, HSM-MODULE. */
export async function makeSoftTokenPlace(folder: string): Promise<TokenPlace> {
  const process = new TokenProcess({ module: "", environment: {} });
  try {
    return (await process.ask({ job: "soft-folder", folder })) as unknown as TokenPlace;
  } finally {
    process.end();
  }
}

type Answer = { readonly result?: Json; readonly refusal?: { readonly code: string; readonly message: string } };

/** Writes a copy, which is wiped when the system has taken it. */
function written(child: Child, secret: Uint8Array): Promise<void> {
  const copy = Uint8Array.from(secret);
  return new Promise((resolve) => {
    child.stdin.write(copy, () => {
      copy.fill(0);
      resolve();
    });
  });
}
