/** What the daemon knows of the signer right now, and whether that lets a batch be sealed. Pure. */

import type { RefusalCode } from "../../manifests/refusal.ts";
import type { RowState } from "../client/batch-row.ts";
import type { SignerStatus } from "../client/signer-client.ts";

/** The signer's last status; undefined while it does not answer. */
export type BoxView = SignerStatus | undefined;

export const signerSilent = "waiting for the signer, which does not answer (UNREACHABLE)";

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
  if (box.clock.refused)
    return waiting(box.clock.refused, `waiting for the clock to be set by a quorum; it shows ${box.clock.now}`);
  return linksBlock(box);
}

function linksBlock(box: SignerStatus) {
  const { links, policy } = box.network;
  if (policy !== "fatal" || links?.length === 0) return undefined;
  const which = links === null ? "links cannot be read" : `remove ${links.join(", ")}`;
  return { state: "waiting", code: "GAP", words: `waiting for the network to be removed: ${which} (GAP)` } as const;
}
