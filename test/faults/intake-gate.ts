/**
 * Loaded into the intake process that copies a batch (`node --import`), before its own main: loads that main's code, then stops the process, so
 * that a tracer can be attached when nothing of the batch was done yet. Whoever attached it lets it go on (SIGCONT).
 */

import { stat } from "node:fs/promises";
import process from "node:process";
import "../../host/crypto-host.ts";
import "../../host/wire-descriptor.ts";
import "../../media/intake/control.ts";
import "../../media/intake/scan.ts";
import "../../media/intake/take.ts";

// So that the thread pool is there.
await stat("/proc/self/fd/");
process.kill(process.pid, "SIGSTOP");
