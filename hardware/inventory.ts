/** Managing the objects of a token with graphene-pk11: listing, storing certificates, removing halves of key pairs. */

import graphene from "graphene-pk11";
import pkcs11js from "pkcs11js";
import { compare, equal, hex, utf8 } from "../manifests/encoding/bytes.ts";
import { der } from "../manifests/encoding/der-write.ts";
import { Refusal } from "../manifests/refusal.ts";
import { readCertificate } from "../manifests/x509/certificate.ts";
import { attribute, flag, label, number, type Session } from "./objects.ts";
import type { Token } from "./token.ts";
import { type ObjectType, type Pkcs11Uri, readPkcs11Uri } from "./uri.ts";

export interface TokenObject {
  readonly type: ObjectType | "other";
  readonly label: string;
  /** CKA_ID, hex; empty where there is none */
  readonly id: string;
  /** CKA_PRIVATE: shows only after a login */
  readonly private: boolean;
  /** CKA_EXTRACTABLE, of keys */
  readonly extractable: boolean | undefined;
}

/** A graphene session over a borrowed one: the same library object, so that the module is not initialised twice. */
export function managed(session: Session): graphene.Session {
  const { library, slot, handle } = session;
  const module = new graphene.Module(library);
  return new graphene.Session(handle, new graphene.Slot(slot, module, library), library);
}

/** All objects that the user sees, ordered by label, type and id. Needs the login. */
export async function listObjects(token: Token): Promise<readonly TokenObject[]> {
  return token.withSession((session) => everything(session).map(({ shown }) => shown), { repeat: true });
}

/** Of private keys that are known by URIs: those that are not there, and the others that are, by label and id. Needs the login. */
export async function compareKeys(
  token: Token,
  uris: readonly string[],
): Promise<{ readonly missing: readonly string[]; readonly unrecorded: readonly string[] }> {
  const there = (await listObjects(token)).filter(({ type }) => type === "private");
  const known = uris.map((uri) => ({ uri, read: readPkcs11Uri(uri) }));
  const same = (one: TokenObject, { id, object }: Pkcs11Uri) =>
    one.id === hex(id ?? new Uint8Array(0)) && (object === undefined || one.label === object);
  return {
    missing: known.filter(({ read }) => !there.some((one) => same(one, read))).map(({ uri }) => uri),
    unrecorded: there
      .filter((one) => !known.some(({ read }) => same(one, read)))
      .map(({ id, label: name }) => `private key ${JSON.stringify(name)}, id ${id || "none"}`),
  };
}

export interface StoredCertificate {
  /** DER, X.509 */
  readonly certificate: Uint8Array;
  readonly id: Uint8Array;
  readonly label: string;
}

/** Stores a certificate beside its key (the same CKA_ID), unless it is there. Needs the login. Refuses with PATH-FORM. */
export async function storeCertificate(token: Token, wanted: StoredCertificate): Promise<void> {
  const { issuer, subject, serial } = readCertificate(wanted.certificate);
  await token.withSession((session) => {
    const id = Buffer.from(wanted.id);
    const objects = managed(session).find({ class: graphene.ObjectClass.CERTIFICATE, id });
    const same = (at: number) => sameValue(session, objects.items(at).handle, wanted.certificate);
    if (Array.from({ length: objects.length }, (_, at) => at).some(same)) return;
    managed(session).create({
      class: graphene.ObjectClass.CERTIFICATE,
      certType: graphene.CertificateType.X_509,
      token: true,
      private: false,
      id,
      label: wanted.label,
      subject: Buffer.from(subject),
      issuer: Buffer.from(issuer),
      serial: Buffer.from(der(0x02, serial)),
      value: Buffer.from(wanted.certificate),
    });
  });
}

/**
 * Removes halves of key pairs with this label, which a generation that was interrupted leaves behind: public keys without
 * a private one of the same id, and the other way round. Other labels are not touched. Answers what it removed.
 */
export async function removeOrphans(token: Token, keyLabel: string): Promise<readonly TokenObject[]> {
  return token.withSession((session) => {
    const keys = everything(session).filter(({ shown }) => isKeyHalf(shown) && shown.label === keyLabel);
    const orphans = keys.filter(
      ({ shown }) => !keys.some((other) => other.shown.id === shown.id && other.shown.type !== shown.type),
    );
    for (const { object } of orphans) object.destroy();
    return orphans.map(({ shown }) => shown);
  });
}

/** Removes both halves of a key pair. There is no way back. */
export async function destroyKeyPair(token: Token, id: Uint8Array, keyLabel: string): Promise<void> {
  await token.withSession((session) => {
    for (const { object, shown } of everything(session)) {
      if (isKeyHalf(shown) && shown.id === hex(id) && shown.label === keyLabel) object.destroy();
    }
  });
}

/**
 * Destroys a key, if it is there and has the public key that was pinned; how many objects of it there were. There is no way back. Needs
 * the login. Refuses with HSM-KEY another key under its name, and objects that are there still afterwards.
 */
export async function destroyPinnedKey(
  token: Token,
  key: { readonly uri: string; readonly spki: Uint8Array },
): Promise<number> {
  const { id = new Uint8Array(0), object = "" } = readPkcs11Uri(key.uri);
  const halves = async () =>
    (await listObjects(token)).filter((one) => isKeyHalf(one) && one.id === hex(id) && one.label === object);
  const before = await halves();
  if (before.some(({ type }) => type === "private")) await token.findKey(key);
  await destroyKeyPair(token, id, object);
  const after = await halves();
  if (after.length === 0) return before.length;
  throw new Refusal("HSM-KEY", "the token still shows the key that was destroyed", {
    expected: "no such key",
    got: `${after.length} objects`,
    about: key.uri,
  });
}

export function isKeyHalf(object: TokenObject): boolean {
  return object.type === "private" || object.type === "public";
}

function everything(session: Session): readonly { object: graphene.SessionObject; shown: TokenObject }[] {
  const found = managed(session).find();
  const objects = Array.from({ length: found.length }, (_, at) => found.items(at));
  return objects
    .map((object) => ({ object, shown: show(session, object) }))
    .sort((a, b) => compare(place(a.shown), place(b.shown)));
}

/** Tokens number objects anew at each start, so that handles give no order. */
function place({ label: name, type, id }: TokenObject): Uint8Array {
  return utf8(`${name}\0${type}\0${id}`);
}

function show(session: Session, object: graphene.SessionObject): TokenObject {
  return {
    type: types.get(number(session, object.handle, pkcs11js.CKA_CLASS) ?? -1) ?? "other",
    label: label(session, object.handle) ?? "",
    id: hex(attribute(session, object.handle, pkcs11js.CKA_ID) ?? new Uint8Array()),
    private: flag(session, object.handle, pkcs11js.CKA_PRIVATE) ?? false,
    extractable: flag(session, object.handle, pkcs11js.CKA_EXTRACTABLE),
  };
}

const types: ReadonlyMap<number, ObjectType> = new Map([
  [pkcs11js.CKO_CERTIFICATE, "cert"],
  [pkcs11js.CKO_DATA, "data"],
  [pkcs11js.CKO_PRIVATE_KEY, "private"],
  [pkcs11js.CKO_PUBLIC_KEY, "public"],
  [pkcs11js.CKO_SECRET_KEY, "secret-key"],
]);

function sameValue(session: Session, object: pkcs11js.Handle, value: Uint8Array): boolean {
  const there = attribute(session, object, pkcs11js.CKA_VALUE);
  return there !== undefined && equal(there, value);
}
