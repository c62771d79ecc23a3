/** A certificate in a file: DER, or PEM (RFC 7468), as people and tools hand them over. */

import { fromBase64 } from "../manifests/encoding/bytes.ts";
import { pemBlocks } from "../manifests/encoding/pem.ts";
import { shown } from "../manifests/records/names.ts";
import { asRefusal, Refusal } from "../manifests/refusal.ts";
import { faultWords } from "./fault-words.ts";
import { readNamed } from "./named-file.ts";

const sequenceTag = 0x30;
/** With text around it. */
const largest = 1 << 20;

/**
 * The one certificate in the file as DER, not parsed yet; text around a PEM block is passed over. Refuses with CONFIG a
 * file that cannot be read, is neither form, or holds several certificates: which one is meant must not be a guess.
 */
export function readCertificateFile(path: string): Uint8Array {
  const bytes = readBytes(path);
  if (bytes[0] === sequenceTag) return bytes;
  const blocks = pemBlocks(bytes, "CERTIFICATE");
  const [only] = blocks;
  if (only === undefined || blocks.length > 1) {
    throw new Refusal("CONFIG", `${shown(path)} is not one certificate`, {
      expected: "one certificate, as PEM or DER",
      got: blocks.length > 1 ? `${blocks.length} certificates` : "neither",
      about: path,
    });
  }
  try {
    return fromBase64(only);
  } catch (fault) {
    const { message } = asRefusal(fault, "CONFIG", "no base64");
    throw new Refusal("CONFIG", `the PEM in ${shown(path)} is damaged: ${message}`, { about: path, cause: fault });
  }
}

function readBytes(path: string): Uint8Array {
  try {
    return readNamed(path, largest);
  } catch (cause) {
    throw new Refusal("CONFIG", `the certificate file ${shown(path)} cannot be read`, {
      expected: "a certificate, as PEM or DER",
      got: (cause instanceof Refusal && cause.got) || faultWords(cause),
      about: path,
      cause,
    });
  }
}
