/**
 * One process of the test of several processes at once. Usage: node login-main.ts CONFIG TIMES LOG, the PIN on descriptor
 * 3. Logs in and out TIMES times, then takes the lock TIMES times and writes two letters to LOG under it. Says "ready" on
 * stdout, begins at the first byte on stdin, ends with {"ok": n, "faults": [...]}.
 */

import { appendFileSync, readFileSync, readSync } from "node:fs";
import { openModule, type TokenConfig } from "../../hardware/module.ts";
import { oneAtATime } from "../../hardware/one-at-a-time.ts";
import { readPinFromDescriptor } from "../../hardware/pin.ts";
import { openToken } from "../../hardware/token.ts";
import { Refusal } from "../../manifests/refusal.ts";

const [, , path = "", times = "", log = ""] = process.argv;
const config = JSON.parse(readFileSync(path, "utf8")) as TokenConfig;
const pin = readPinFromDescriptor(3);
openModule(config).close();
process.stdout.write("ready\n");
readSync(0, new Uint8Array(1));

const faults: string[] = [];
let ok = 0;
for (let run = 0; run < Number(times); run++) {
  try {
    await logInAndOut();
    ok++;
  } catch (fault) {
    faults.push(fault instanceof Refusal ? `${fault.code} ${fault.message}` : String(fault));
  }
}
for (let run = 0; run < Number(times); run++) {
  oneAtATime(config, () => {
    appendFileSync(log, "(");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2); // lets the others run
    appendFileSync(log, ")");
  });
}
process.stdout.write(`${JSON.stringify({ ok, faults })}\n`);

async function logInAndOut(): Promise<void> {
  const token = await openToken(config);
  try {
    await token.login(pin);
  } finally {
    await token.close();
  }
}
