/**
 * The made-up people of a rehearsal, with SoftHSM tokens, certificates under a test root, and secrets that the rehearsal knows.
 * SIMULATED, all of it: transcripts say `rehearsal`, and mode is test.
 */

import { generateKeyPairSync } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fromBase64 } from "../../manifests/encoding/bytes.ts";
import { documentationArc, type OwnOids, ownOids } from "../../manifests/encoding/oid.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { SecretKind } from "../engine/scene.ts";
import type { Issuer } from "../provision/certificate.ts";
import { writeSecret } from "../provision/layout.ts";
import { makeSoftToken } from "../provision/soft-token.ts";
import { certify, makeRoot, pem } from "../provision/test-pki.ts";
import type { TokenPlace } from "../tokens/token-job.ts";

export interface CastPerson {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly signs?: {
    readonly certificate: string;
    readonly key: string;
    readonly token: TokenPlace & { readonly uri: string };
  };
}

export interface Cast {
  readonly dir: string;
  readonly people: readonly CastPerson[];
  readonly root: Issuer;
  readonly oids: OwnOids;
  /** path of the root's certificate */
  readonly rootPath: string;
  /** path of the submitter's certificate */
  readonly submitterPath: string;
  /** Refuses USAGE for people who have none. */
  secret(person: string, kind: SecretKind): string;
}

const ink = [
  { id: "ada", name: "Ada Adams", roles: ["administrator"] },
  { id: "wim", name: "Wim de Wit", roles: ["witness"] },
] as const;
const holders = ["Olga Orlova", "Omar Ortiz", "Ove Olsen"];

/** Makes the people below `dir`, which is made. Refuses as `makeSoftToken` does. */
export async function makeCast(dir: string): Promise<Cast> {
  const oids = ownOids(documentationArc);
  const root = makeRoot();
  const secrets = new Map<string, string>();
  await mkdir(dir, { recursive: true });
  const rootPath = join(dir, "root.crt");
  const submitterPath = join(dir, "submitter.crt");
  await writeFile(rootPath, pem("CERTIFICATE", root.certificate));
  await writeSecret(join(dir, "root.key"), root.key.export({ type: "pkcs8", format: "pem" }));
  await writeFile(submitterPath, pem("CERTIFICATE", submitterCertificate(root, oids)));
  const officers = await Promise.all(
    holders.map(async (name, at) => makeOfficer({ dir, root, oids, secrets }, `op${at + 1}`, name)),
  );
  return {
    dir,
    people: [...ink.map((one) => ({ ...one })), ...officers],
    root,
    oids,
    rootPath,
    submitterPath,
    secret: (person, kind) => {
      const secret = secrets.get(`${kind} ${person}`);
      if (secret === undefined)
        throw new Refusal("USAGE", "this made-up person has no such secret", { got: `${kind} of ${person}` });
      return secret;
    },
  };
}

interface Making {
  readonly dir: string;
  readonly root: Issuer;
  readonly oids: OwnOids;
  readonly secrets: Map<string, string>;
}

async function makeOfficer({ dir, root, oids, secrets }: Making, id: string, name: string): Promise<CastPerson> {
  const folder = join(dir, id);
  await mkdir(folder, { mode: 0o700 });
  const { keys, pin, place, uri } = await makeSoftToken(folder, id, [{ label: "approval", kind: "p256" }], "digits");
  const [key] = keys;
  if (!key) throw new Refusal("HSM-KEY", "the token made no key");
  const certificate = join(folder, "certificate.der");
  await writeFile(certificate, certify(root, oids, "operator", `${name} (rehearsal)`, fromBase64(key.spki)));
  secrets.set(`pin ${id}`, pin).set(`passphrase ${id}`, `passphrase of ${name}`);
  const { module, environment } = place;
  return {
    id,
    name,
    roles: ["operator", "officer"],
    signs: { certificate, key: key.uri, token: { module, environment, uri } },
  };
}

function submitterCertificate(root: Issuer, oids: OwnOids): Uint8Array {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 3072 });
  const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
  return certify(root, oids, "submitter", "Contracts desk (rehearsal)", spki);
}
