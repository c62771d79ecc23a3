/** SEAL-ONCE identity of a batch: SHA-256 of canonical `{batch, documents: [{digest, size}], submitter}`, computed as a stream. */

import { utf8 } from "../encoding/bytes.ts";
import { canonical } from "../encoding/canonical-json.ts";
import type { Host } from "../host.ts";

export interface IdentityHasher {
  /** Names are taken and do not count. */
  add(document: { readonly digest: string; readonly size: number; readonly name?: string }): void;
  /** Ends it. */
  end(): Promise<Uint8Array>;
}

/** `submitterKeySha256Hex`: SHA-256 of the submitter's SubjectPublicKeyInfo. Names, purpose, mode and expiry do not count. */
export function identityHasher(host: Host, submitterKeySha256Hex: string, batchId: string): IdentityHasher {
  return boundTo(submitterKeySha256Hex, openIdentity(host, batchId));
}

/** An identity whose submitter is named at its end: who signed a request stands after its list. */
export interface OpenIdentity {
  add: IdentityHasher["add"];
  /** Ends it. */
  end(submitterKeySha256Hex: string): Promise<Uint8Array>;
}

/** As `identityHasher`. */
export function openIdentity(host: Host, batchId: string): OpenIdentity {
  return documentsHasher(host, `"batch":${canonical(batchId)},`);
}

/** The batch digest of plain envelopes: SHA-256 of canonical `{documents: [{digest, size}], submitter}`. */
export function compositionHasher(host: Host, submitterKeySha256Hex: string): IdentityHasher {
  return boundTo(submitterKeySha256Hex, documentsHasher(host, ""));
}

function boundTo(submitterKeySha256Hex: string, { add, end }: OpenIdentity): IdentityHasher {
  return { add, end: () => end(submitterKeySha256Hex) };
}

function documentsHasher(host: Host, front: string): OpenIdentity {
  const hasher = host.hasher("sha256");
  let text = `{${front}"documents":[`;
  let separator = "";
  return {
    add({ digest, size }) {
      text += separator + canonical({ digest, size });
      separator = ",";
      if (text.length < 32_768) return;
      hasher.update(utf8(text));
      text = "";
    },
    end(submitterKeySha256Hex) {
      hasher.update(utf8(`${text}],"submitter":${canonical(submitterKeySha256Hex)}}`));
      return hasher.digest();
    },
  };
}
