/**
 * A TPM's attestation, checked: the quote is by an attestation key, holds, is over these PCRs, and was asked for with this nonce; the logs
 * give these values. What software the values stand for is not known here.
 */

import { checkSignature } from "../cms/signature.ts";
import { hashBytes, suiteOf } from "../cms/suite.ts";
import { equal, fromBase64, fromHex, hex } from "../encoding/bytes.ts";
import type { Host } from "../host.ts";
import { asRefusal, Refusal } from "../refusal.ts";
import type { TpmAttestation } from "./attestation.ts";
import { replayEventLog } from "./event-log.ts";
import { coveredByIma, imaPcr } from "./ima-log.ts";
import { pcrDigestOf } from "./pcr-values.ts";
import { checkAttestationKey, nameOf, readPublicArea } from "./public-area.ts";
import { type Quote, readQuote, readTpmSignature } from "./quote.ts";

/**
 * Checks all but the logs. Refuses QUOTE-FORM what cannot be read; QUOTE-KEY a key that is no attestation key; QUOTE-SIGNATURE; QUOTE-BIND a
 * Name, nonce, selection or digest of PCRs that is another one.
 */
export async function checkQuote(host: Host, attestation: TpmAttestation, nonce: Uint8Array): Promise<Quote> {
  const publicArea = fromBase64(attestation.ak.public);
  const key = readPublicArea(publicArea);
  const suite = checkAttestationKey(key);
  same("Name of its key", attestation.ak.name, await nameOf(host, publicArea));
  const quoted = fromBase64(attestation.quote);
  const { signature, suite: signedBy } = readTpmSignature(fromBase64(attestation.signature));
  if (signedBy !== suite) {
    throw new Refusal("QUOTE-SIGNATURE", "the quote is signed by another scheme than its key's", {
      expected: suite,
      got: signedBy,
    });
  }
  try {
    await checkSignature(host, { suite: suiteOf(suite), spki: key.spki, message: quoted, signature });
  } catch (thrown) {
    const { message } = asRefusal(thrown, "INTERNAL", "the check itself failed");
    throw new Refusal("QUOTE-SIGNATURE", `the quote is not signed by this key: ${message}`, { cause: thrown });
  }
  const quote = readQuote(quoted);
  if (!equal(quote.nonce, nonce)) {
    const detail = { expected: hex(nonce), got: hex(quote.nonce) };
    throw new Refusal("QUOTE-BIND", "the quote was asked for with another nonce: it is of another manifest", detail);
  }
  same("bank of PCRs", attestation.bank, quote.bank);
  same("selection of PCRs", attestation.pcrs.map(({ index }) => index).join(), quote.pcrs.join());
  const values = [...valuesOf(attestation).values()];
  // Only where all are of one length, their digest says where one ends.
  same("length of PCRs", `${Math.max(...values.map(({ length }) => length))}`, `${hashBytes[quote.bank]}`);
  same("value of a PCR", hex(await pcrDigestOf(host, values)), hex(quote.pcrDigest));
  return quote;
}

/** Values of the PCRs by index. */
export function valuesOf({ pcrs }: Pick<TpmAttestation, "pcrs">): ReadonlyMap<number, Uint8Array> {
  return new Map(pcrs.map(({ digest, index }) => [index, fromHex(digest)]));
}

/** PCRs of the quote that the firmware's log gives: it names them, and replayed it gives these very values. Refuses QUOTE-FORM, QUOTE-LOG. */
export async function checkEventLog(
  host: Host,
  attestation: TpmAttestation,
  log: Uint8Array,
): Promise<readonly number[]> {
  const replayed = await replayEventLog(host, log, attestation.bank);
  const given: number[] = [];
  for (const [index, value] of valuesOf(attestation)) {
    const got = replayed.get(index);
    if (got === undefined) continue;
    if (!equal(got, value)) throw other("event", index, hex(value), hex(got));
    given.push(index);
  }
  return given;
}

/** That the IMA log, all of it, gives the quote's PCR 10. Refuses QUOTE-FORM, QUOTE-LOG. */
export async function checkImaLog(
  host: Host,
  attestation: TpmAttestation,
  log: Uint8Array,
): Promise<readonly number[]> {
  const value = valuesOf(attestation).get(imaPcr);
  if (!value) throw new Refusal("QUOTE-LOG", "an IMA log is there, and PCR 10 is not in the quote");
  const covered = await coveredByIma(host, log, attestation.bank, value);
  if (covered === log.length) return [imaPcr];
  const got = covered === undefined ? "no line after which it has" : `as many after ${covered} of ${log.length} bytes`;
  throw other("IMA", imaPcr, hex(value), got);
}

function other(log: string, index: number, expected: string, got: string): Refusal {
  return new Refusal("QUOTE-LOG", `the ${log} log gives another value of PCR ${index} than the quote`, {
    expected,
    got,
  });
}

/** What stands beside the quote is what the quote is over. */
function same(what: string, got: string, expected: string): void {
  if (got === expected) return;
  throw new Refusal("QUOTE-BIND", `the attestation says another ${what} than the quote`, { expected, got });
}
