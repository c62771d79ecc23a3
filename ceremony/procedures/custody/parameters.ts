/** What a custody ceremony's file says: each asset, who gives it and who takes it. */

import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { list, object, oneOf, optional, type Reader, text } from "../../../manifests/encoding/shape.ts";
import {
  assetId,
  assetKinds,
  type Party,
  partyText,
  placeName,
  thingNumber,
} from "../../../manifests/records/custody.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { type CeremonyFile, readParameters } from "../../engine/ceremony-file.ts";
import { personOf } from "../../engine/people.ts";

const personId = text(32);
const readPerson = object({ person: personId });
/** `by` is the person of the file who puts it there, or takes it from there */
const readPlace = object({ by: personId, place: placeName });
const readOutside = object({ by: personId, outside: placeName });

type Side =
  | { readonly person: string }
  | { readonly place: string; readonly by: string }
  | { readonly outside: string; readonly by: string };

const readSide: Reader<Side> = (value, path) => {
  const has = (name: string) => typeof value === "object" && value !== null && Object.hasOwn(value, name);
  if (has("place")) return readPlace(value, path);
  return has("outside") ? readOutside(value, path) : readPerson(value, path);
};

const readValue = object({
  assets: list(
    object({
      description: text(200),
      from: readSide,
      id: assetId,
      kind: oneOf(assetKinds),
      /** the number of the seal or bag that it gets before it is handed over */
      nextSeal: optional(thingNumber),
      /** the number of the seal or bag that it comes in */
      seal: optional(thingNumber),
      serial: optional(thingNumber),
      to: readSide,
    }),
    1,
    64,
  ),
  box: text(4096),
  stick: text(4096),
  /** of a running, unlocked box whose audit key is to sign the transcript too */
  unlockSocket: optional(text(4096)),
});

export type AssetKind = (typeof assetKinds)[number];

export interface Asset {
  readonly id: string;
  readonly kind: AssetKind;
  readonly description: string;
  readonly serial: string | null;
  readonly seal: string | null;
  readonly nextSeal: string | null;
  readonly from: Party;
  readonly to: Party;
}

export interface CustodyParameters {
  readonly assets: readonly Asset[];
  readonly box: string;
  readonly stick: string;
  readonly unlockSocket: string | undefined;
}

/** Refuses CEREMONY-FILE: unknown members or people, an asset twice, one person on both sides, nobody who could look on. */
export function custodyParameters(file: CeremonyFile): CustodyParameters {
  const { assets, box, stick, unlockSocket } = readParameters(file, (value: Json, path) => readValue(value, path));
  const read = assets.map(({ serial = null, seal = null, nextSeal = null, from, to, ...asset }) => {
    const whole = { ...asset, serial, seal, nextSeal, from: partyOf(file, from), to: partyOf(file, to) };
    checkAsset(file, whole);
    return whole;
  });
  const twice = read.find(({ id }, at) => read.findIndex((other) => other.id === id) !== at);
  if (twice) throw new Refusal("CEREMONY-FILE", "an asset stands twice", { about: twice.id });
  return { assets: read, box, stick, unlockSocket };
}

function partyOf(file: CeremonyFile, side: Side): Party {
  if ("person" in side) return { ...named(file, side.person), kind: "person" };
  const by = named(file, side.by);
  return "place" in side ? { by, kind: "place", name: side.place } : { by, kind: "outside", name: side.outside };
}

function named(file: CeremonyFile, person: string) {
  const { id, name } = personOf(file, person);
  return { id, name };
}

function checkAsset(file: CeremonyFile, asset: Asset): void {
  const { from, to, id, seal, nextSeal } = asset;
  const actors = actorsOf(asset);
  if (actors[0] === actors[1]) {
    throw new Refusal("CEREMONY-FILE", "one person gives and takes", {
      expected: "two people, so that each sees what the other does",
      got: actors[0],
      about: id,
    });
  }
  if (partyText(from) === partyText(to)) {
    throw new Refusal("CEREMONY-FILE", "it stays where it is", { expected: "another custodian", about: id });
  }
  if (seal !== null && seal === nextSeal) {
    throw new Refusal("CEREMONY-FILE", "the new seal has the number of the old one", { got: seal, about: id });
  }
  if (file.people.some((one) => mayLookOn(one, actors))) return;
  throw new Refusal("CEREMONY-FILE", "nobody could look on", {
    expected: "a witness or an administrator who neither gives nor takes",
    about: id,
  });
}

/** Ids of giver and receiver. */
export function actorsOf({ from, to }: Pick<Asset, "from" | "to">): readonly [string, string] {
  const idOf = (party: Party) => (party.kind === "person" ? party.id : party.by.id);
  return [idOf(from), idOf(to)];
}

/** Whether a person may look on at a hand-over by these. */
export function mayLookOn(
  { id, roles }: { readonly id: string; readonly roles: readonly string[] },
  actors: readonly string[],
): boolean {
  return !actors.includes(id) && (roles.includes("witness") || roles.includes("administrator"));
}
