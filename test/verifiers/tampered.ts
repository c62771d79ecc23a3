/** Copies of signed files with one thing changed, which no verifier may accept. */

import { Buffer } from "node:buffer";

export interface Tampered {
  readonly title: string;
  readonly signed: Uint8Array;
  /** the changed document of a detached signature, where that is what was changed */
  readonly document?: Uint8Array;
}

/** OID of signing-time and what its value begins with. */
const signingTime = Buffer.from("06092a864886f70d010905310f170d", "hex");

/** For a detached signature also with its document changed, for one with content also with that. */
export function tampered(signed: Uint8Array, content: Uint8Array, detached: boolean): readonly Tampered[] {
  return [
    { title: "signature", signed: flipped(signed, signed.length - 5) },
    { title: "signed attributes", signed: flipped(signed, attributesAt(signed)) },
    detached
      ? {
          title: "document",
          signed,
          document: content.length === 0 ? Uint8Array.of(0) : flipped(content, content.length >> 1),
        }
      : { title: "content", signed: flipped(signed, Buffer.from(signed).indexOf(content) + (content.length >> 1)) },
  ];
}

/** The last digit of a signer's time: another digit stands there afterwards, so that it stays a time. */
function attributesAt(signed: Uint8Array): number {
  const at = Buffer.from(signed).lastIndexOf(signingTime);
  if (at < 0) throw new Error("no signing time");
  return at + signingTime.length + 11;
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}
