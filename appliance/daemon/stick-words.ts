/** What operators are told of the sticks. Pure. */

import { shown } from "../../manifests/records/names.ts";
import type { StickView } from "../client/mount-client.ts";

/** One line for each thing that people should know; `undefined`: the helper does not answer. */
export function stickWords(view: StickView | undefined): readonly string[] {
  if (!view) return ["sticks: waiting for the mount helper, which does not answer (UNREACHABLE)"];
  if (!view.bus) return ["this machine has no USB: there are no sticks"];
  const alarms = view.refused.map(({ id, serial, refusal }) => {
    const word = refusal.code === "STICK-DEVICE" ? "ALARM: pull out" : "refused: pull out";
    return `${word} ${named(id, serial)}: ${shown(refusal.message)}, ${shown(refusal.got)} (${shown(refusal.code)})`;
  });
  const sticks = view.sticks.map(({ id, serial, mayBePulled }) => {
    const what = mayBePulled ? "you may remove the stick now" : "in use, leave it plugged in";
    return `stick ${named(id, serial)}: ${what}`;
  });
  return [...alarms, ...sticks];
}

function named(id: string, serial: string | null): string {
  return serial === null ? shown(id) : `${shown(id)} "${shown(serial)}"`;
}
