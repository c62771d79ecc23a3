/** TSTInfo (RFC 3161 2.4.2): what a time-stamp authority says in a token, read strictly. */

import { readDigest } from "../cms/digest.ts";
import { type HashName, hashBytes } from "../cms/suite.ts";
import { fromUtf8 } from "../encoding/bytes.ts";
import { checkDer } from "../encoding/der-check.ts";
import { content, DerReader, tag, whole } from "../encoding/der-read.ts";
import { type Utc, utcOf } from "../encoding/shape.ts";
import { Refusal, type RefusalCode } from "../refusal.ts";

/** What was stamped: a digest, and by which hash. */
export interface MessageImprint {
  readonly hash: HashName;
  readonly digest: Uint8Array;
}

export interface TstInfo {
  /** OID under which the authority stamps */
  readonly policy: string;
  readonly imprint: MessageImprint;
  /** content octets of the INTEGER */
  readonly serial: Uint8Array;
  /** genTime; parts of a second are rounded up, since it is read as "not later than" */
  readonly time: Utc;
  /** how far the time may be off, in milliseconds; undefined where the authority does not say */
  readonly accuracy: number | undefined;
  /** content octets of the INTEGER */
  readonly nonce: Uint8Array | undefined;
  /** DER Name of the authority, where it names itself by one */
  readonly authority: Uint8Array | undefined;
}

/** Reads a TSTInfo that is all of `der`. Refuses TIME-FORM, also for extensions that are critical, CMS-ALGORITHM. */
export function readTstInfo(der: Uint8Array): TstInfo {
  return asTimeForm("a TSTInfo", () => {
    checkDer(der);
    const reader = DerReader.open(der, tag.sequence, form);
    if (reader.smallInteger() !== 1) throw new Refusal(form, "not a TSTInfo of version 1");
    const policy = reader.oid();
    const imprint = readMessageImprint(whole(der, reader.read(tag.sequence)));
    const serial = reader.unsigned();
    const time = readGenTime(content(der, reader.read(tag.generalizedTime)));
    const accuracy = reader.next(tag.sequence) ? readAccuracy(reader.enter(tag.sequence)) : undefined;
    if (reader.next(tag.boolean)) reader.boolean();
    const nonce = reader.next(tag.integer) ? content(der, reader.read(tag.integer)) : undefined;
    const authority = reader.next(0xa0) ? readAuthority(reader.enter(0xa0)) : undefined;
    if (reader.next(0xa1)) checkExtensions(reader.enter(0xa1));
    reader.finish();
    return { policy, imprint, serial, time, accuracy, nonce, authority };
  });
}

/** SEQUENCE { hashAlgorithm, hashedMessage }. Refuses TIME-FORM, CMS-ALGORITHM. */
function readMessageImprint(der: Uint8Array): MessageImprint {
  const reader = DerReader.open(der, tag.sequence, form);
  const hash = readDigest(whole(der, reader.read(tag.sequence)));
  const digest = content(der, reader.read(tag.octetString));
  reader.finish();
  if (digest.length !== hashBytes[hash]) throw new Refusal(form, "an imprint is not as long as its hash");
  return { hash, digest };
}

/** What is not strict DER in evidence of time, or no SignedData of one signer, is refused as such. */
export function asTimeForm<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof Refusal) || !formCodes.includes(thrown.code)) throw thrown;
    throw new Refusal(form, `${what} is not of its form: ${thrown.message}`, { ...thrown.toRecord(), cause: thrown });
  }
}

const form = "TIME-FORM";
const formCodes: readonly RefusalCode[] = ["DER", "CMS-FORM", "CMS-SIGNERS", "CMS-TYPE"];

/** GeneralizedTime with seconds and Z, parts of a second without zeros at the end (RFC 3161 2.4.2). */
function readGenTime(octets: Uint8Array): Utc {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{0,8}[1-9]))?Z$/.exec(fromUtf8(octets));
  if (!parts) throw new Refusal(form, "a genTime is not in DER form");
  const [, year, month, day, hour, minute, second, fraction] = parts;
  const time = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  const at = Date.parse(time);
  if (Number.isNaN(at) || utcOf(at) !== time) throw new Refusal(form, "not a real date and time", { got: time });
  return fraction === undefined ? time : utcOf(at + 1000);
}

/** Of an accuracy; real authorities say a second or so. */
const mostSeconds = 86_400;

/** SEQUENCE { seconds, millis [0], micros [1] }, each optional: milliseconds, rounded up. */
function readAccuracy(reader: DerReader): number {
  const seconds = reader.next(tag.integer) ? reader.smallInteger() : 0;
  const [millis, micros] = [0x80, 0x81].map((one) => (reader.next(one) ? thousandth(reader, one) : 0));
  reader.finish();
  if (seconds > mostSeconds) throw new Refusal(form, "an accuracy of more than a day says no time");
  return seconds * 1000 + (millis as number) + Math.ceil((micros as number) / 1000);
}

/** An INTEGER from 1 to 999. */
function thousandth(reader: DerReader, expected: number): number {
  const octets = content(reader.bytes, reader.read(expected));
  const value = octets.reduce((all, octet) => all * 256 + octet, 0);
  if (octets.length < 1 || octets.length > 2 || (octets[0] as number) >= 0x80 || value < 1 || value > 999) {
    throw new Refusal(form, "an accuracy is not from 1 to 999 thousandths");
  }
  return value;
}

/** [0] GeneralName: a directoryName as DER Name; other kinds say nothing that could be compared. */
function readAuthority(reader: DerReader): Uint8Array | undefined {
  const name = reader.any();
  reader.finish();
  if (name.tag !== 0xa4) return undefined;
  const inner = reader.inside(name);
  const found = whole(reader.bytes, inner.read(tag.sequence));
  inner.finish();
  return found;
}

function checkExtensions(reader: DerReader): void {
  if (reader.done) throw new Refusal(form, "an empty list of extensions");
  while (!reader.done) {
    const one = reader.enter(tag.sequence);
    const id = one.oid();
    if (one.next(tag.boolean) && one.boolean()) {
      throw new Refusal(form, "a critical extension of a token is not understood", { got: id });
    }
    one.read(tag.octetString);
    one.finish();
  }
}
