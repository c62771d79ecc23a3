/** Asking time-stamp authorities over HTTP (RFC 3161 3.4). A token counts only after everything that a verifier will ask of it was looked at here. */

import { randomBytes } from "node:crypto";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { asRefusal, inOneLine, Refusal } from "../../manifests/refusal.ts";
import { checkAnswers, timeStampRequest, tokenInResponse } from "../../manifests/time/request.ts";
import { authorityPath, checkToken, type TimeStamp, tokenLimit } from "../../manifests/time/token.ts";
import type { MessageImprint } from "../../manifests/time/tst-info.ts";
import { nodeHost } from "../crypto-host.ts";
import { boundedBody, reasonOf } from "../http-answer.ts";

/** A token of one authority, and who was asked before in vain. */
export interface Stamped {
  readonly url: string;
  /** DER */
  readonly token: Uint8Array;
  readonly stamp: TimeStamp;
  readonly failed: readonly Failed[];
}

export interface Failed {
  readonly url: string;
  readonly refusal: Refusal;
}

/** Longest wait for one authority, in milliseconds, unless another is said. */
const usualPatience = 30_000;

export interface AskedFor {
  /** what else a token must be to count; refuses where it is not */
  readonly check?: (stamp: TimeStamp) => Promise<void>;
  /** longest wait for one authority, in milliseconds */
  readonly patience?: number;
  /** told of each that was asked in vain, when it was */
  readonly told?: (failed: Failed) => void;
}

/** Asks one after another; the first token that counts. Refuses TSA-ANSWER where none does, with each one's reason. */
export async function stampInTurn(
  urls: readonly string[],
  imprint: MessageImprint,
  roots: readonly Uint8Array[],
  { check, patience = usualPatience, told }: AskedFor = {},
): Promise<Stamped> {
  const failed: Failed[] = [];
  for (const url of urls) {
    try {
      const stamped = await stamp(url, imprint, roots, patience);
      await check?.(stamped.stamp);
      return { ...stamped, failed };
    } catch (fault) {
      const one = { url, refusal: asRefusal(fault, "TSA-ANSWER", "the authority could not be asked") };
      failed.push(one);
      told?.(one);
    }
  }
  throw new Refusal("TSA-ANSWER", "no time-stamp authority gave a token that counts", {
    expected: "a token over this digest, with our nonce, of an authority with a path to a root that you gave",
    got: failed.map(({ url, refusal }) => `${url}: ${failureText(refusal)}`).join("; "),
  });
}

/** Why an authority's answer did not count, in one line. */
export function failureText(refusal: Refusal): string {
  const { about: _, ...record } = refusal.toRecord();
  return inOneLine(record);
}

/** Whom to ask together: one after another until one answers or, with `each`, every one. */
export function turns(urls: readonly string[], each: boolean): readonly (readonly string[])[] {
  return each ? urls.map((url) => [url]) : [urls];
}

async function stamp(url: string, imprint: MessageImprint, roots: readonly Uint8Array[], patience: number) {
  const nonce = new Uint8Array(randomBytes(16));
  const token = tokenInResponse(await exchange(url, timeStampRequest(imprint, nonce), patience));
  const checked = await checkToken(nodeHost, token, async (hash) => {
    if (hash === imprint.hash) return imprint.digest;
    throw new Refusal("TIME-IMPRINT", "the token uses another hash", { expected: imprint.hash, got: hash });
  });
  checkAnswers(checked.info, nonce);
  await authorityPath(nodeHost, checked, { roots, seen: utcOf(Date.now()) });
  return { url, token, stamp: checked };
}

/** One request and its answer, of bounded size; no redirection is followed. */
async function exchange(url: string, request: Uint8Array, patience: number): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/timestamp-query", accept: "application/timestamp-reply" },
      body: new Uint8Array(request),
      redirect: "error",
      signal: AbortSignal.timeout(patience),
    });
    if (response.ok) return await boundedBody(response, tokenLimit, "TSA-ANSWER");
  } catch (cause) {
    throw asRefusal(cause, "TSA-ANSWER", `the authority does not answer: ${reasonOf(cause)}`);
  }
  await response.body?.cancel();
  throw new Refusal("TSA-ANSWER", "the authority does not answer as one", { got: `HTTP status ${response.status}` });
}
