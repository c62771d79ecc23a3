/** Reads jobs from a stream: a line of JSON, then as many bytes of secrets as it says. The pieces that they came in are wiped. */

import { concat, fromUtf8 } from "../../manifests/encoding/bytes.ts";
import type { JobHeader } from "./token-job.ts";

export async function* readJobs(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ readonly header: JobHeader; readonly secrets: readonly Uint8Array[] }> {
  let kept: Uint8Array = new Uint8Array(0);
  for await (const piece of stream) {
    const joined = concat([kept, piece]);
    kept.fill(0);
    piece.fill(0);
    kept = joined;
    for (let found = firstJob(kept); found; found = firstJob(kept)) {
      const rest = kept.slice(found.length);
      kept.fill(0);
      kept = rest;
      yield found;
    }
  }
}

function firstJob(bytes: Uint8Array) {
  const end = bytes.indexOf(0x0a);
  if (end < 0) return undefined;
  const header = JSON.parse(fromUtf8(bytes.subarray(0, end))) as JobHeader;
  const length = end + 1 + header.secrets.reduce((sum, one) => sum + one, 0);
  if (bytes.length < length) return undefined;
  let at = end + 1;
  const secrets = header.secrets.map((size) => {
    at += size;
    return bytes.slice(at - size, at);
  });
  return { header, secrets, length };
}
