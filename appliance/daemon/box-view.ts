/** What the daemon knows of the signer right now, and whether that lets a batch be sealed. Pure. */

import type { RefusalCode } from "../../manifests/refusal.ts";
import type { RowState } from "../client/batch-row.ts";
import type { SignerStatus } from "../client/signer-client.ts";

/** The signer's last status; undefined while it does not answer. */
export type BoxView = SignerStatus | undefined;

export const signerSilent = "waiting for the signer, which does not answer (UNREACHABLE)";

/** Seconds without a signature after which people are told that the HSM hangs; the slowest make one in a few. */
const silentSeconds = 20;

/** Why nothing can be sealed now, in words; undefined when the box is ready. */
export function sealingBlocked(
  box: BoxView,
): { readonly state: RowState; readonly code: RefusalCode; readonly words: string } | undefined {
  const waiting = (code: RefusalCode, words: string) =>
    ({ state: "waiting", code, words: `${words} (${code})` }) as const;
  if (!box) return { state: "waiting", code: "UNREACHABLE", words: signerSilent };
  if (box.fault) return waiting(box.fault.code, `waiting: the signer stopped sealing: ${box.fault.message}`);
  if (box.held) return waiting(box.held.code, `waiting: ${box.held.message}`);
  if (box.locked) {
    const token = box.token.present ? "" : "; the HSM's token is not there";
    return {
      state: "waiting-for-unlock",
      code: "LOCKED",
      words: `waiting for unlock: \`ceremony unlock\`${token} (LOCKED)`,
    };
  }
  if (!box.token.present) return waiting("HSM-GONE", `waiting for the HSM: token ${box.token.serial} is not there`);
  const silent = box.token.silentSeconds ?? 0;
  if (silent >= silentSeconds) return waiting("HSM-FAULT", silentWords(silent));
  if (box.clock.refused)
    return waiting(box.clock.refused, `waiting for the clock to be set by a quorum; it shows ${box.clock.now}`);
  return linksBlock(box);
}

/** A call that hangs cannot be ended by the process that made it. */
function silentWords(seconds: number): string {
  return `waiting for the HSM, which does not answer for ${seconds} s: look at it; where it does not go on, end the signer and start it again`;
}

/** What keeps work that is under way: whoever does it does not answer. Undefined where all do. */
export function silence(box: BoxView): ReturnType<typeof sealingBlocked> {
  const blocked = sealingBlocked(box);
  return blocked?.code === "UNREACHABLE" || blocked?.code === "HSM-FAULT" ? blocked : undefined;
}

function linksBlock(box: SignerStatus) {
  const { links, policy } = box.network;
  if (policy !== "fatal" || links?.length === 0) return undefined;
  const which = links === null ? "links cannot be read" : `remove ${links.join(", ")}`;
  return { state: "waiting", code: "GAP", words: `waiting for the network to be removed: ${which} (GAP)` } as const;
}
