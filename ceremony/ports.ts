/** What the ceremonies ask of the world: the box's processes, the operator's token, the terminal. `main.ts` supplies them. */

import type { daemonClient } from "../appliance/client/daemon-client.ts";
import type { BoxStanding, Unlocked, WrappedPins } from "../appliance/client/unlock-client.ts";
import type { ProgressLine } from "../host/terminal/progress.ts";
import type { Prompter } from "../host/terminal/prompter.ts";
import type { Style } from "../host/terminal/style.ts";
import type { SigningKey } from "../manifests/cms/sign.ts";
import type { Json } from "../manifests/encoding/canonical-json.ts";
import type { Utc } from "../manifests/encoding/shape.ts";

/** The daemon, for batches. */
export type Daemon = ReturnType<typeof daemonClient>;

/** The signer by its unlock socket. Throws the refusals that came back, or UNREACHABLE. */
export interface Signer {
  status(): Promise<Json>;
  /** the PIN's bytes are the caller's to wipe */
  unlock(pin: Uint8Array): Promise<Unlocked>;
  wrapped(): Promise<WrappedPins>;
  lock(): Promise<void>;
  standing(): Promise<BoxStanding>;
  /** gives the box an order that officers signed */
  order(p7m: Uint8Array): Promise<{ readonly digest: string; readonly number: number }>;
  /** JSON lines */
  journal(from: number, limit: number): Promise<Uint8Array>;
  verifyJournal(): Promise<Json>;
}

/** The operator's own token. */
export interface OperatorToken {
  /** what a person calls it: label and serial */
  readonly label: string;
  readonly serial: string;
  /** DER, the certificate that the policy must name */
  readonly certificate: Uint8Array;
  /** Looks whether the right token is there, without the PIN. Refuses with HSM-* codes; says what a PIN prompt should warn of. */
  check(): Promise<string | undefined>;
  /** Logs in and finds the key; refuses with PIN-WRONG, PIN-LOCKED, HSM-KEY. The PIN's bytes are the caller's to wipe. */
  login(pin: Uint8Array): Promise<SigningKey>;
  /** Logs out, if logged in. */
  close(): Promise<void>;
}

/** Where the words of the program go: people's lines, and one JSON document with `--json`. */
export interface Output {
  readonly json: boolean;
  readonly style: Style;
  /** lines for people: stdout, or stderr under --json */
  say(...lines: readonly string[]): void;
  /** the one document of --json; nothing without --json */
  document(value: Json): void;
  progress(): ProgressLine;
}

/** One run of the CLI by one person. */
export interface Sitting {
  readonly person: string;
  readonly daemon: Daemon;
  readonly signer: Signer;
  readonly token: OperatorToken;
  readonly prompter: Prompter;
  readonly output: Output;
  /** descriptor that the PIN comes on, for scripts */
  readonly pinDescriptor: number | undefined;
  now(): Utc;
  /** Tells the ending refusal what was signed by now, without full stop. */
  consequence: string;
}

export const nothingSigned = "nothing was signed or sealed by this command";
