/** What people are told of a checkpoint on its way out: how far it has come, who vouches for it, and what it waits for. */

import { count } from "../../host/terminal/amounts.ts";
import { shown } from "../../manifests/records/names.ts";
import type { BroughtOut } from "../checkpoints/bring-out.ts";
import type { WitnessSettings } from "../checkpoints/witness-settings.ts";

/** How far the witnesses can be relied on, whatever they say. */
export function witnessLabel({ cosignatures, witnesses }: WitnessSettings): string {
  if (witnesses.length === 0) return "witnesses: none; nobody but this ledger says that others are shown the same log";
  const others = witnesses.filter(({ by }) => by === "others").length;
  const who =
    others === 0 ? "all of them run by ourselves: they say little about us" : `${others} of them run by others`;
  return `witnesses: ${cosignatures} of ${witnesses.length} must cosign, ${who}`;
}

export function broughtOutLines(
  { cosigners, places, size, waiting, witnesses }: BroughtOut,
  settings: WitnessSettings,
): string[] {
  if (size === 0) return waiting ? [] : ["the log is empty: there is nothing to sign yet"];
  return [
    `${count(size, "entry", "entries")} under a signed checkpoint, cosigned by ${cosigners}`,
    witnessLabel(settings),
    ...witnesses.flatMap(({ witness, why }) => (why === null ? [] : [`  ${shown(witness)}: ${why}`])),
    ...places.map((one) => `  ${shown(one.place)}: ${placeWords(one)}`),
  ];
}

function placeWords({ changed, published, why }: BroughtOut["places"][number]): string {
  if (!published) return `NOT PUBLISHED: ${why}`;
  return changed ? "published" : "as before, not looked at again (`coldseal ledger verify`)";
}

export function broughtOutJson({ waiting, ...out }: BroughtOut) {
  const published = out.published && { root: out.published.root.toHex(), size: out.published.size };
  return { ...out, published, waiting: waiting?.toRecord() ?? null };
}
