/** The commands that only look: status and list. */

import type { BatchRow } from "../appliance/client/batch-row.ts";
import { wrapped } from "../host/terminal/table.ts";
import type { Json } from "../manifests/encoding/canonical-json.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { Sitting } from "./ports.ts";
import { listLines, stickLines } from "./screens/list-screen.ts";
import { statusLines } from "./screens/status-screen.ts";
import { members } from "./shown-json.ts";

/** Asks daemon and signer each for itself. Shows what it can, then refuses with UNREACHABLE when one does not answer. */
export async function status(sitting: Sitting): Promise<void> {
  const [daemon, signer] = await Promise.all([answerOf(sitting.daemon.status), answerOf(sitting.signer.status)]);
  sitting.output.say(...statusLines({ daemon, signer, now: sitting.now() }, sitting.output.style));
  sitting.output.document({ daemon: daemonPart(daemon) ?? null, signer: signer ?? null });
  if (signer === undefined || daemon === undefined) {
    const silent = [...(signer === undefined ? ["the signer"] : []), ...(daemon === undefined ? ["the daemon"] : [])];
    throw new Refusal("UNREACHABLE", `${silent.join(" and ")} ${silent.length === 1 ? "does" : "do"} not answer`, {
      expected: "answers of signer and daemon",
      got: silent.length === 1 ? "one answer" : "none",
    });
  }
}

async function answerOf(ask: () => Promise<Json>): Promise<Json | undefined> {
  try {
    return await ask();
  } catch (fault) {
    if (fault instanceof Refusal && fault.code === "UNREACHABLE") return undefined;
    throw fault;
  }
}

/** The batches that are here; `all` shows also those that ended. */
export async function list(sitting: Sitting, all: boolean): Promise<void> {
  const { rows, sticks } = await sitting.daemon.listing(all);
  sitting.output.say(
    ...listLines(rows, sitting.output.style),
    ...stickLines(sticks, sitting.output.style).flatMap((line) => wrapped(line)),
  );
  sitting.output.document({ batches: rows.map(rowJson), ...(sticks.length === 0 ? {} : { sticks: [...sticks] }) });
}

/** A row as JSON. */
export function rowJson(row: BatchRow) {
  return {
    ...row,
    approvals: row.approvals.map((one) => ({ ...one })),
    progress: row.progress && { ...row.progress },
    refusal: row.refusal && { ...row.refusal },
  };
}

/** The daemon's own part of its status. */
function daemonPart(status: Json | undefined): Json | undefined {
  return members(status).daemon ?? status;
}
