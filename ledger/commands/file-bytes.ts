/** A file that somebody names on the command line. */

import { readFileSync, statSync } from "node:fs";
import { readCertificateFile } from "../../host/certificate-file.ts";
import { faultWords } from "../../host/fault-words.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";

const mostNoteBytes = 1 << 20;

/** All of it. Refuses USAGE what cannot be read, or has more than `limit` bytes. */
export function fileBytes(file: string, limit: number): Uint8Array {
  try {
    if (statSync(file).size <= limit) {
      const bytes = new Uint8Array(readFileSync(file));
      // What is no plain file has no size of its own.
      if (bytes.length <= limit) return bytes;
    }
  } catch (cause) {
    throw new Refusal("USAGE", `the file ${shown(file)} cannot be read`, {
      expected: "a file that can be read",
      got: faultWords(cause),
      about: file,
      cause,
    });
  }
  throw new Refusal("USAGE", `the file ${shown(file)} is longer than such a one can be`, {
    expected: `at most ${limit} bytes`,
    about: file,
  });
}

/** Of a file with a checkpoint and its cosignatures, or with a request to cosign one. Refuses USAGE. */
export function checkpointBytes(file: string): Buffer {
  return Buffer.from(fileBytes(file, mostNoteBytes));
}

/** The one certificate in a file, DER. Refuses USAGE what cannot be read, or is none. */
export function certificateIn(file: string): Uint8Array {
  try {
    return readCertificate(readCertificateFile(file)).der;
  } catch (fault) {
    if (!(fault instanceof Refusal)) throw fault;
    throw new Refusal("USAGE", fault.message, { ...fault.toRecord(), cause: fault });
  }
}
