/** What is common to asking servers over HTTP with `fetch`: answers of bounded size, and why there was none. */

import { concat } from "../manifests/encoding/bytes.ts";
import { Refusal, type RefusalCode } from "../manifests/refusal.ts";

/** The body of an answer. Refuses with `code` one of more than `limit` bytes, as soon as they are there. */
export async function boundedBody(response: Response, limit: number, code: RefusalCode): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    length += piece.length;
    if (length > limit) throw new Refusal(code, `an answer of more than ${limit} bytes`);
    pieces.push(piece);
  }
  return concat(pieces);
}

/** fetch says "fetch failed", and why in its cause. */
export function reasonOf(fault: unknown): string {
  const { cause, message } = fault as { readonly cause?: { readonly message?: string }; readonly message?: string };
  return (cause?.message || message || "no reason").slice(0, 200);
}
