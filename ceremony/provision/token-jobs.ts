/**
 * Work on one software token, each piece in a process of its own: SoftHSM reads its configuration when it is started
 * (SOFTHSM2_CONF), so that two token folders never meet in one process. Jobs with their PINs go in by stdin, answers come
 * by stdout; nothing secret is in arguments or environment.
 */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { SuiteName } from "../../manifests/cms/suite.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { Refusal } from "../../manifests/refusal.ts";

export type KeyKind = "rsa-2048" | "rsa-3072" | "p256" | "p384";

export interface TokenPlace {
  readonly module: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Makes a token folder with one token and its keys. */
export interface MakeJob {
  readonly job: "make";
  readonly folder: string;
  readonly label: string;
  readonly soPin: string;
  readonly pin: string;
  readonly keys: readonly { readonly label: string; readonly kind: KeyKind }[];
}

/** Signs one message; `spki` and `message` in base64. */
export interface SignJob {
  readonly job: "sign";
  readonly place: TokenPlace;
  readonly token: string;
  readonly pin: string;
  readonly key: { readonly uri: string; readonly spki: string };
  readonly suite: SuiteName;
  readonly message: string;
}

export type TokenJob = MakeJob | SignJob;

/** A token that was made, its keys generated, found again and proven by a signature; `spki` in base64. */
export interface MadeToken {
  readonly place: TokenPlace;
  readonly uri: string;
  readonly serial: string;
  readonly keys: readonly { readonly uri: string; readonly spki: string }[];
}

/** Makes `main.ts` do one job instead of a whole box. */
export const tokenJobWord = "token-job";

const worker = fileURLToPath(new URL("./main.ts", import.meta.url));

/** Refuses with HSM-* codes and STORE. */
export async function makeToken(job: Omit<MakeJob, "job">): Promise<MadeToken> {
  return (await run({ ...job, job: "make" })) as MadeToken;
}

/** One signature in CMS form. Refuses with HSM-* and PIN-* codes. */
export async function signOnToken(job: Omit<SignJob, "job">): Promise<Uint8Array> {
  const { signature } = (await run({ ...job, job: "sign" })) as { signature: string };
  return Uint8Array.fromBase64(signature);
}

/**
 * The worker's side: reads one job from stdin, does it, writes the answer to stdout. What the job refuses is written as
 * its answer.
 */
export async function answerJob(work: (job: TokenJob) => Promise<Json>): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Buffer);
  const job = JSON.parse(Buffer.concat(pieces).toString()) as TokenJob;
  for (const piece of pieces) piece.fill(0);
  let answer: Json;
  try {
    answer = { result: await work(job) };
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    answer = { refusal: { ...fault.toRecord() } };
  }
  process.stdout.write(JSON.stringify(answer));
}

function run(job: TokenJob): Promise<unknown> {
  const child = spawn(process.execPath, [worker, tokenJobWord], { stdio: ["pipe", "pipe", "inherit"] });
  const pieces: Buffer[] = [];
  child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
  child.stdin.on("error", () => undefined);
  child.stdin.end(JSON.stringify(job));
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => reject(new Refusal("HSM-FAULT", "the token's process did not start", { cause })));
    child.once("close", (status, signal) => {
      const answer = parse(Buffer.concat(pieces).toString());
      if (answer?.result !== undefined) resolve(answer.result);
      else if (answer?.refusal) reject(Refusal.fromRecord(answer.refusal));
      else reject(new Refusal("HSM-FAULT", `the token's process ended with ${signal ?? status}`));
    });
  });
}

type Answer = { readonly result?: unknown; readonly refusal?: { readonly code: string; readonly message: string } };

function parse(text: string): Answer | undefined {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return undefined;
  }
}
