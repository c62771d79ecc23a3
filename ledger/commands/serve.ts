/** Wires `coldseal ledger serve`: serves until it is told to stop. */

import { stopSignal } from "../../host/stop-signal.ts";
import { logTo } from "../serve/log-lines.ts";
import { startService } from "../serve/server.ts";

/** Milliseconds that what is under way may still take after SIGTERM. */
const patience = 60_000;

/** Until SIGTERM or Ctrl-C; SIGHUP reads settings and certificates again. Says where it serves on standard output, once it does; the log goes to standard error. */
export async function runServe(
  folder: string,
  { json, plain = false }: { readonly json?: boolean; readonly plain?: boolean },
): Promise<void> {
  process.umask(0o077);
  const log = logTo((line) => process.stderr.write(line));
  const service = await startService({ folder, plain, log });
  process.on("SIGHUP", () => service.reload());
  process.stdout.write(json ? `${JSON.stringify({ url: service.url })}\n` : `the ledger serves at ${service.url}\n`);
  log("serves", { url: service.url });
  await stopSignal();
  log("stops");
  await service.stop(patience);
  log("stopped");
}
