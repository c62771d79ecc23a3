/**
 * The made-up people of a rehearsal, with SoftHSM tokens, certificates under a test root, and secrets that the rehearsal knows.
 * SIMULATED, all of it: transcripts say `rehearsal`, and mode is test.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fromBase64 } from "../../manifests/encoding/bytes.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { SecretKind } from "../engine/scene.ts";
import type { Issuer } from "../provision/certificate.ts";
import { writeSecret } from "../provision/layout.ts";
import { makeSoftToken, type SoftToken } from "../provision/soft-token.ts";
import { certify } from "../provision/test-pki.ts";
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

export interface Officer {
  readonly id: string;
  readonly token: SoftToken;
  /** path of the certificate, DER */
  readonly certificate: string;
}

export interface Cast {
  readonly people: readonly CastPerson[];
  readonly officers: readonly Officer[];
  /** Refuses USAGE for people who have none. */
  secret(person: string, kind: SecretKind): string;
}

const ink: readonly CastPerson[] = [
  { id: "ada", name: "Ada Adams", roles: ["administrator"] },
  { id: "wim", name: "Wim de Wit", roles: ["witness"] },
];

/** Makes an administrator, a witness, and an officer with a token in each of the folders. Refuses as `makeSoftToken` does. */
export async function makeCast(
  root: Issuer,
  folders: readonly { readonly id: string; readonly folder: string }[],
  recovery: readonly { readonly id: string; readonly folder: string }[] = [],
): Promise<Cast> {
  const secrets = new Map<string, string>();
  const made = await Promise.all(
    folders.map(({ id, folder }, at) => makeOfficer(root, id, `Officer ${at + 1} (made up)`, folder, secrets)),
  );
  const holders = await Promise.all(
    recovery.map(async ({ id, folder }, at) => {
      const made = await makeOfficer(root, id, `Recovery holder ${at + 1} (made up)`, folder, secrets);
      return { ...made.person, roles: ["recovery"] };
    }),
  );
  return {
    people: [...ink, ...made.map(({ person }) => person), ...holders],
    officers: made.map(({ officer }) => officer),
    secret: (person, kind) => {
      const secret = secrets.get(`${kind} ${person}`);
      if (secret !== undefined) return secret;
      throw new Refusal("USAGE", "this made-up person has no such secret", { got: `${kind} of ${person}` });
    },
  };
}

/** Another token for somebody whose own was lost; the cast with it. Refuses as `makeSoftToken` does. */
export async function withNewToken(cast: Cast, root: Issuer, id: string, folder: string): Promise<Cast> {
  const secrets = new Map<string, string>();
  const name = cast.people.find((one) => one.id === id)?.name ?? id;
  const { person, officer } = await makeOfficer(root, id, name, folder, secrets);
  return {
    people: cast.people.map((one) => (one.id === id ? person : one)),
    officers: cast.officers.map((one) => (one.id === id ? officer : one)),
    secret: (who, kind) =>
      who === id && kind === "pin" ? (secrets.get(`pin ${id}`) as string) : cast.secret(who, kind),
  };
}

async function makeOfficer(root: Issuer, id: string, name: string, folder: string, secrets: Map<string, string>) {
  const token = await makeSoftToken(folder, id, [{ label: "approval", kind: "p256" }], "digits");
  const [key] = token.keys;
  if (!key) throw new Refusal("HSM-KEY", "the token made no key");
  const certificate = join(folder, "certificate.der");
  await writeFile(certificate, certify(root, ownOids(documentationArc), "operator", name, fromBase64(key.spki)));
  const passphrase = `made-up passphrase of ${id}`;
  await writeSecret(join(folder, "passphrase"), passphrase);
  secrets.set(`pin ${id}`, token.pin).set(`passphrase ${id}`, passphrase);
  const { module, environment } = token.place;
  const signs = { certificate, key: key.uri, token: { module, environment, uri: token.uri } };
  const person: CastPerson = { id, name, roles: ["operator", "officer"], signs };
  return { person, officer: { id, token, certificate } };
}
