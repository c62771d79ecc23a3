/** What operators are told of the sticks. Pure. */

import { count } from "../../host/terminal/amounts.ts";
import { shown, shownText } from "../../manifests/records/names.ts";
import type { RefusalRecord } from "../../manifests/refusal.ts";
import type { StickView } from "../client/mount-client.ts";
import type { Seen } from "./intake-client.ts";

/** One line for each thing that people should know; `undefined`: the helper does not answer. */
export function stickWords(view: StickView | undefined): readonly string[] {
  if (!view) return ["sticks: waiting for the mount helper, which does not answer (UNREACHABLE)"];
  if (!view.bus) return ["this machine has no USB: there are no sticks"];
  const alarms = view.refused.map(({ id, serial, refusal }) => {
    const word = refusal.code === "STICK-DEVICE" ? "ALARM: pull out" : "refused: pull out";
    return `${word} ${named(id, serial)}: ${shownText(refusal.message)}, ${shownText(refusal.got)} (${refusal.code})`;
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

/** What a look at the stick left out, and why; an ALARM each. `seen` is what it saw, or the refusal that it ended with. */
export function leftOutWords(seen: RefusalRecord | Seen): readonly string[] {
  if ("code" in seen) {
    return [`ALARM: the inbox cannot be looked at, so no batch is taken from it: ${seen.message} (${seen.code})`];
  }
  const { control, controlCount = 0, odd, oddCount = 0 } = seen;
  const lines: string[] = [];
  if (oddCount > odd.length) {
    lines.push(
      `ALARM: ${count(oddCount, "entry", "entries")} of the inbox are no batches; only ${odd.length} of them are refused one by one: take those away, then the others are (MEDIA-LIMIT)`,
    );
  }
  if (controlCount > control.length) lines.push(`ALARM: ${tooManyControlFiles(seen)} (MEDIA-LIMIT)`);
  return lines;
}

/** That control/in holds more files than one import takes, and what to do. */
export function tooManyControlFiles({ control, controlCount = 0 }: Pick<Seen, "control" | "controlCount">): string {
  return `control/in holds ${count(controlCount, "file")}${controlCount > 10_000 ? " or more" : ""}; an import looks at the first ${control.length} by name: take away those that were taken in, then import again for the others`;
}
