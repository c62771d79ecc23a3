/** Asking a time-stamp authority (RFC 3161 2.4): the request written, the response read. */

import { digestAlgorithm } from "../cms/algorithm.ts";
import { equal, fromUtf8 } from "../encoding/bytes.ts";
import { content, DerReader, readElement, tag, whole } from "../encoding/der-read.ts";
import { boolean, integer, octetString, sequence, unsignedInteger } from "../encoding/der-write.ts";
import { Refusal } from "../refusal.ts";
import { tokenLimit } from "./token.ts";
import { asTimeForm, type MessageImprint, type TstInfo } from "./tst-info.ts";

/** A TimeStampReq that asks for the authority's certificates, under no particular policy. `nonce` is an unsigned number, most significant byte first. */
export function timeStampRequest({ hash, digest }: MessageImprint, nonce: Uint8Array): Uint8Array {
  const imprint = sequence(digestAlgorithm(hash), octetString(digest));
  return sequence(integer(1), imprint, unsignedInteger(nonce), boolean(true));
}

/** The token in a TimeStampResp, not yet checked. Refuses TSA-ANSWER what is none, and an authority's refusal with its reason. */
export function tokenInResponse(der: Uint8Array): Uint8Array {
  try {
    return asTimeForm("a response", () => read(der));
  } catch (thrown) {
    if (!(thrown instanceof Refusal) || thrown.code === "TSA-ANSWER") throw thrown;
    throw new Refusal("TSA-ANSWER", "what came is no response of a time-stamp authority", { cause: thrown });
  }
}

function read(der: Uint8Array): Uint8Array {
  if (der.length > tokenLimit) throw new Refusal("TSA-ANSWER", `a response of more than ${tokenLimit} bytes`);
  const reader = DerReader.open(der, tag.sequence, "TIME-FORM");
  const status = reader.enter(tag.sequence);
  const granted = status.smallInteger();
  const words = status.next(tag.sequence) ? wordsIn(status.enter(tag.sequence)) : [];
  const failure = status.next(tag.bitString) ? failures(content(der, status.read(tag.bitString))) : [];
  status.finish();
  if (granted > 1) {
    const got = [statusWords[granted] ?? `status ${granted}`, ...failure, ...words].join(", ");
    throw new Refusal("TSA-ANSWER", "the authority gave no time-stamp", { expected: "granted", got });
  }
  const token = whole(der, reader.read(tag.sequence));
  reader.finish();
  return new Uint8Array(token);
}

/** RFC 3161 2.4.2: that the token answers this very request. Refuses TSA-ANSWER. */
export function checkAnswers(info: TstInfo, nonce: Uint8Array): void {
  const integer = unsignedInteger(nonce);
  const asked = content(integer, readElement(integer, 0));
  if (info.nonce === undefined || !equal(info.nonce, asked)) {
    throw new Refusal("TSA-ANSWER", "the token does not repeat the nonce: it may be an old one");
  }
}

/** PKIFreeText: a few short texts; what is no UTF-8 is left out. */
function wordsIn(reader: DerReader): readonly string[] {
  return reader.rest(8).map((element) => {
    try {
      return fromUtf8(content(reader.bytes, element)).slice(0, 200);
    } catch {
      return "?";
    }
  });
}

/** PKIFailureInfo, a BIT STRING: the bits that are set (RFC 3161 2.4.2). */
function failures(octets: Uint8Array): readonly string[] {
  if (octets.length > 5) throw new Refusal("TIME-FORM", "a failure of more than 32 bits");
  const bits = [...octets.subarray(1)].flatMap((octet) => [7, 6, 5, 4, 3, 2, 1, 0].map((at) => (octet >> at) & 1));
  return bits.flatMap((bit, at) => (bit === 1 ? [failureWords[at] ?? `failure ${at}`] : []));
}

const statusWords: readonly string[] = [
  "granted",
  "granted with changes",
  "rejected",
  "waiting",
  "revocation warning",
  "revoked",
];

const failureWords: Readonly<Record<number, string>> = {
  0: "badAlg",
  2: "badRequest",
  5: "badDataFormat",
  14: "timeNotAvailable",
  15: "unacceptedPolicy",
  16: "unacceptedExtension",
  17: "addInfoNotAvailable",
  25: "systemFailure",
};
