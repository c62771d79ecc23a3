/** The end of a signer, between two chunks: what was signed is stored, then the login and the store are closed. */

import type { Server } from "node:net";
import type { Box } from "./box.ts";
import { takeFault } from "./guarded.ts";
import type { SealingWork } from "./seal-batch.ts";

export interface Running {
  readonly box: Box;
  readonly work: SealingWork;
  readonly servers: readonly Server[];
  readonly token: { close(): Promise<void> };
}

/** Takes every step, whatever the ones before it threw; `onFault` is told. Never throws. */
export async function stopBox(
  { box, work, servers, token }: Running,
  onFault: (step: string, fault: unknown) => void,
): Promise<void> {
  const running = work.now && work.running(work.now.batchDigest);
  const steps: readonly (readonly [string, () => unknown])[] = [
    ...servers.map((server) => ["serving", () => server.close()] as const),
    ["locking", () => box.lockbox.lock("the signer was stopped")],
    ["sealing", () => running?.catch(() => undefined)],
    ["journal", () => box.fault ?? box.refusals.flush(true)],
    ["token", () => token.close()],
    ["store", () => box.db.close()],
  ];
  for (const [step, act] of steps) {
    try {
      await act();
    } catch (fault) {
      onFault(step, takeFault(box, fault));
    }
  }
}
