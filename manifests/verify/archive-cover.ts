/** What of a seal an archive time-stamp is over, by its hash index (ETSI EN 319 122-1 5.5.2): every entry has its original, and what has no entry is named. */

import { type HashIndex, type Indexed, indexOf } from "../cms/hash-index.ts";
import { type RevocationValues, revocationChoices } from "../cms/revocation-values.ts";
import type { HashName } from "../cms/suite.ts";
import { type UnsignedAttribute, unsignedAttributes } from "../cms/unsigned-attributes.ts";
import { hex } from "../encoding/bytes.ts";
import { tag } from "../encoding/der-read.ts";
import { oid } from "../encoding/oid.ts";
import type { Utc } from "../encoding/shape.ts";
import type { Host } from "../host.ts";
import type { Seal } from "../records/seal.ts";
import { Refusal } from "../refusal.ts";
import { infoIn } from "../time/token.ts";

/** What stands in a seal beside its signature. */
export interface SealContents extends Indexed {
  /** in the order of the entries */
  readonly names: { readonly [kind in Kind]: readonly string[] };
  /** each value of the attributes, in the order of the entries */
  readonly values: readonly { readonly attribute: UnsignedAttribute; readonly value: Uint8Array }[];
}

/** What an archive time-stamp is over: places among the contents' entries. */
export interface Cover {
  readonly has: { readonly [kind in Kind]: ReadonlySet<number> };
}

type Kind = "certificates" | "crls" | "attributes";
const kinds: readonly Kind[] = ["certificates", "crls", "attributes"];

export function contentsOf({ certificates, signer }: Seal, revocation: RevocationValues): SealContents {
  const attributes = unsignedAttributes(signer);
  const values = attributes.flatMap((attribute) => attribute.values.map((value) => ({ attribute, value })));
  const crls = revocationChoices(revocation);
  return {
    attributes,
    certificates,
    crls,
    values,
    names: {
      certificates: numbered(certificates.map(() => ({ name: "certificate" }))),
      crls: numbered(crls.map((one) => ({ name: one[0] === tag.sequence ? "CRL" : "OCSP response" }))),
      attributes: numbered(values.map(nameOf)),
    },
  };
}

/** Hashes a seal's contents by each algorithm that is asked for, once. */
export class CoverFinder {
  readonly #host: Host;
  readonly #contents: SealContents;
  readonly #entries = new Map<HashName, Promise<HashIndex<string>>>();

  constructor(host: Host, contents: SealContents) {
    this.#host = host;
    this.#contents = contents;
  }

  /** Refuses TIME-IMPRINT where the index names what does not stand in the seal (5.5.2). */
  async cover(index: HashIndex<string>): Promise<Cover> {
    const entries = await this.#entriesBy(index.hash);
    for (const kind of kinds) {
      const there = new Set(entries[kind]);
      const missing = index[kind].find((one) => !there.has(one));
      if (missing === undefined) continue;
      throw new Refusal("TIME-IMPRINT", `the archive time-stamp is over ${words[kind]} that is not here`, {
        got: missing,
      });
    }
    const has = (kind: Kind) => {
      const named = new Set(index[kind]);
      return new Set(entries[kind].flatMap((one, at) => (named.has(one) ? [at] : [])));
    };
    return { has: { certificates: has("certificates"), crls: has("crls"), attributes: has("attributes") } };
  }

  #entriesBy(hash: HashName): Promise<HashIndex<string>> {
    const known = this.#entries.get(hash) ?? inHex(indexOf(this.#host, hash, this.#contents));
    this.#entries.set(hash, known);
    return known;
  }
}

/** Names of what stands there and has no entry, but for the values of attributes at `besides`. */
export function leftOut({ names }: SealContents, { has }: Cover, besides: ReadonlySet<number>): readonly string[] {
  const of = (kind: Kind) => names[kind].filter((_, at) => !has[kind].has(at));
  const attributes = names.attributes.filter((_, at) => !has.attributes.has(at) && !besides.has(at));
  return [...of("certificates"), ...of("crls"), ...attributes];
}

const words: { readonly [kind in Kind]: string } = {
  certificates: "a certificate",
  crls: "a CRL or OCSP response",
  attributes: "an unsigned attribute",
};

interface Named {
  readonly name: string;
  /** the time that a time-stamp claims, whatever that is worth: they are counted from the oldest on */
  readonly time?: Utc | undefined;
}

function nameOf({ attribute, value }: SealContents["values"][number]): Named {
  switch (attribute.oid) {
    case oid.signatureTimeStamp:
      return { name: "signature-time-stamp", time: timeIn(value) };
    case oid.archiveTimeStampV3:
      return { name: "archive-time-stamp", time: timeIn(value) };
    default:
      return { name: `attribute ${attribute.oid}` };
  }
}

function timeIn(token: Uint8Array): Utc | undefined {
  try {
    return infoIn(token).time;
  } catch {
    return undefined;
  }
}

/** Each with its number among those of its name; what claims no time stands behind what does. */
function numbered(all: readonly Named[]): readonly string[] {
  const counts = new Map<string, number>();
  const names = new Map<Named, string>();
  const order = [...all].sort((a, b) => ((a.time ?? "~") < (b.time ?? "~") ? -1 : 1) * Number(a.time !== b.time));
  for (const one of order) {
    const number = (counts.get(one.name) ?? 0) + 1;
    counts.set(one.name, number);
    names.set(one, `${one.name} ${number}`);
  }
  return all.map((one) => names.get(one) as string);
}

async function inHex(made: Promise<HashIndex>): Promise<HashIndex<string>> {
  const { attributes, certificates, crls, hash } = await made;
  return { hash, certificates: certificates.map(hex), crls: crls.map(hex), attributes: attributes.map(hex) };
}
