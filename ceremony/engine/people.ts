/** Who is here, who leads, and what a person signs with. */

import { readCertificateFile } from "../../host/certificate-file.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import type { SigningKey } from "../../manifests/cms/sign.ts";
import { checkSignature } from "../../manifests/cms/signature.ts";
import { suiteForKey } from "../../manifests/cms/suite-for-key.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import type { Transcript } from "../../manifests/records/transcript.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { tokenProcess } from "../tokens/token-process.ts";
import type { CeremonyFile, CeremonyPerson, Signs } from "./ceremony-file.ts";
import type { Scene } from "./scene.ts";

/** The person of the file with this id. Refuses CEREMONY-FILE. */
export function personOf(file: CeremonyFile, id: string): CeremonyPerson {
  const found = file.people.find((one) => one.id === id);
  if (found) return found;
  throw new Refusal("CEREMONY-FILE", "the file names nobody of this id", {
    expected: file.people.map((one) => one.id).join(", "),
    got: id,
  });
}

/** Whoever leads: the first administrator who is here. Refuses CEREMONY-STATE when none is. */
export function leaderOf(file: CeremonyFile, present: readonly string[]): string {
  const leader = withRole(file, present, "administrator")[0];
  if (leader !== undefined) return leader;
  throw new Refusal("CEREMONY-STATE", "nobody is here who may lead the ceremony", {
    expected: "an administrator",
    got: present.join(", ") || "nobody",
  });
}

/** Ids of those who are here and have the role. */
export function withRole(
  file: CeremonyFile,
  present: readonly string[],
  role: CeremonyPerson["roles"][number],
): readonly string[] {
  return file.people.filter(({ id, roles }) => present.includes(id) && roles.includes(role)).map(({ id }) => id);
}

/** People as a transcript names them: with the digest of the certificate that each signs with. Refuses CONFIG. */
export function transcriptPeople(file: CeremonyFile): Transcript["people"] {
  return file.people.map(({ id, name, roles, signs }) => ({
    certificate: signs ? hex(sha256(readCertificateFile(signs.certificate))) : null,
    id,
    name,
    roles,
  }));
}

const triesOfPeople = 3;

/**
 * Asks the person for the token's PIN and has the token prove its key by a signature. The key signs, in the process
 * of that token, until `wipe`. Refuses CEREMONY-FILE (the person has no token), PIN-*, HSM-*, CMS-SIGNATURE, STOPPED.
 */
export async function personKey(scene: Scene, person: CeremonyPerson): Promise<SigningKey & { wipe(): void }> {
  const { signs } = person;
  if (!signs) throw new Refusal("CEREMONY-FILE", "this person has no token to sign with", { about: person.id });
  for (let left = triesOfPeople; ; left--) {
    const pin = await scene.secret(person.id, "pin", `${person.name}, the PIN of your token: `);
    const key = signingKey(signs, pin);
    try {
      await proveKey(key);
      return key;
    } catch (fault) {
      key.wipe();
      if (!(fault instanceof Refusal) || fault.code !== "PIN-WRONG" || left <= 1) throw ofPerson(fault, person.id);
      scene.say(`That is not the PIN of ${person.name}'s token: ${left - 1} more.`);
    }
  }
}

/** The record says whose token it was. */
function ofPerson(fault: unknown, id: string): unknown {
  if (!(fault instanceof Refusal) || fault.about !== undefined) return fault;
  const { code, message, expected, got } = fault;
  return new Refusal(code, message, {
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
    about: id,
    cause: fault,
  });
}

/** The key of a certificate on a token, in a process that ends, as the PIN is wiped, with `wipe`. */
function signingKey(signs: Signs, pin: Uint8Array): SigningKey & { wipe(): void } {
  const certificate = readCertificateFile(signs.certificate);
  const { spki } = readCertificate(certificate);
  const suite = suiteForKey(spki, "sha256");
  const { module, environment, uri } = signs.token;
  const process = tokenProcess({ module, environment });
  return {
    suite,
    certificate,
    sign: (message) => process.sign(uri, pin, { uri: signs.key, spki }, suite, message),
    wipe: () => {
      void process.close();
      pin.fill(0);
    },
  };
}

/** The token's key is that of the certificate: it signs something random-free and harmless, and the signature holds. */
async function proveKey(key: SigningKey): Promise<void> {
  const message = utf8("coldseal: proof that this token holds the key of this certificate");
  const signature = await key.sign(message);
  const { spki } = readCertificate(key.certificate);
  await checkSignature(nodeHost, { suite: key.suite, spki, message, signature, minimumRsaBits: 2048 });
}
