/** `coldseald CONFIG`: the daemon's process. SIGTERM and SIGINT end it cleanly. */

import { asRefusal } from "../../manifests/refusal.ts";
import { isRefusalFolder, writeAnswer, writeAudit } from "../../media/outgoing/answer.ts";
import { folderDigest } from "../../media/outgoing/folder-digest.ts";
import { processLog } from "../log.ts";
import { startDaemon } from "./daemon.ts";
import { readDaemonSettings } from "./settings.ts";

/** What is under way may end for so long; nothing depends on it. */
const patience = 1_500;

const log = processLog("coldseald", 1);
try {
  const [config, ...rest] = process.argv.slice(2);
  if (config === undefined || rest.length > 0) throw new Error("usage: appliance/daemon/main.ts CONFIG");
  const media = { folderDigest, isRefusalFolder, writeAnswer, writeAudit };
  const daemon = await startDaemon(readDaemonSettings(config), media, log);
  const end = () => {
    setTimeout(() => process.exit(0), patience).unref();
    void daemon.stop().finally(() => process.exit(0));
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, end);
} catch (fault) {
  const { code, message } = asRefusal(
    fault,
    "CONFIG",
    fault instanceof Error ? fault.message : "the daemon cannot start",
  );
  log.fatal({ code }, message);
  process.exitCode = 2;
}
