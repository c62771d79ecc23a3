/** What the daemon's procedures work with; `main.ts` puts it together, tests put fakes in its place. */

import type { Logger } from "pino";
import type { VerifyCrew } from "../../host/verify-crew.ts";
import type { FilePart } from "../../manifests/encoding/file-stream.ts";
import type { SignerClient } from "../client/signer-client.ts";
import type { Answered } from "./answered.ts";
import type { Book } from "./book.ts";
import type { IntakeClient } from "./intake-client.ts";
import type { Policies } from "./policies.ts";
import type { DaemonSettings } from "./settings.ts";
import type { Spool } from "./spool.ts";
import type { Sticks } from "./sticks.ts";

/** What the daemon needs of `media/outgoing`: see there for what holds on return and what is refused. */
export interface OutgoingMedia {
  writeAnswer(options: {
    readonly root: string;
    readonly folder: string;
    readonly files: AsyncIterable<FilePart>;
    readonly needs?: { readonly files: number; readonly bytes: number };
    readonly replace?: (names: readonly string[]) => boolean;
    readonly signal?: AbortSignal;
  }): Promise<{ readonly path: string; readonly files: number; readonly bytes: number; readonly device: string }>;
  writeAudit(options: {
    readonly root: string;
    readonly files: AsyncIterable<FilePart>;
    readonly signal?: AbortSignal;
  }): Promise<{ readonly path: string; readonly numbers: readonly string[]; readonly files: number }>;
  /** SHA-256 of all that stands in a folder */
  folderDigest(path: string): Promise<string>;
  /** whether an answer that is there is only a refusal, which a later answer replaces */
  isRefusalFolder(names: readonly string[]): boolean;
}

export interface Parts {
  readonly settings: DaemonSettings;
  readonly log: Logger;
  readonly book: Book;
  readonly spool: Spool;
  readonly answered: Answered;
  readonly signer: SignerClient;
  readonly policies: Policies;
  readonly intake: IntakeClient;
  readonly media: OutgoingMedia;
  readonly verifiers: VerifyCrew;
  /** sticks by the mount helper; undefined where `media` are folders */
  readonly sticks: Sticks | undefined;
  /** aborts when the daemon is to end */
  readonly stop: AbortSignal;
}
