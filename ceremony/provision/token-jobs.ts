/**
 * Work on one token, each piece in a process of its own: a PKCS#11 module reads its configuration once per process
 * (SOFTHSM2_CONF), so that two tokens with configurations of their own never meet in one. Jobs with their PINs go
 * in by stdin, answers come by stdout; nothing secret is in arguments or environment.
 */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { SuiteName } from "../../manifests/cms/suite.ts";
import { Refusal } from "../../manifests/refusal.ts";

export type KeyKind = "rsa-3072" | "p256" | "p384";

export interface TokenPlace {
  readonly module: string;
  readonly environment: { readonly [name: string]: string };
}

export type TokenJob = { readonly pin: string; readonly module: string } & (
  | {
      readonly job: "make";
      readonly label: string;
      readonly soPin: string;
      readonly keys: readonly { readonly label: string; readonly kind: KeyKind }[];
    }
  | {
      readonly job: "sign";
      readonly token: string;
      readonly key: string;
      readonly spki: string;
      readonly suite: SuiteName;
      readonly message: string;
    }
);

/** A token that was made, its keys generated, found again and proven by a signature. */
export interface MadeToken {
  readonly uri: string;
  readonly serial: string;
  readonly keys: readonly { readonly uri: string; readonly spki: string }[];
}

/** Makes `main.ts` do one job instead of a whole box. */
export const tokenJobWord = "token-job";

const worker = fileURLToPath(new URL("./main.ts", import.meta.url));

export async function makeToken(
  place: TokenPlace,
  job: Omit<Extract<TokenJob, { job: "make" }>, "job" | "module">,
): Promise<MadeToken> {
  return (await run(place, { job: "make", module: place.module, ...job })) as MadeToken;
}

/** One signature in CMS form. */
export async function signOnToken(
  place: TokenPlace,
  job: Omit<Extract<TokenJob, { job: "sign" }>, "job" | "module">,
): Promise<Uint8Array> {
  const { signature } = (await run(place, { job: "sign", module: place.module, ...job })) as { signature: string };
  return Uint8Array.fromBase64(signature);
}

function run(place: TokenPlace, job: TokenJob): Promise<unknown> {
  const child = spawn(process.execPath, [worker, tokenJobWord], {
    env: { ...process.env, ...place.environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
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
