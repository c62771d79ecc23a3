/**
 * One process of the parallel-logins test: logs in and out again and again.
 * Usage: node login-main.ts CONFIG TIMES, the PIN on descriptor 3. Writes {"ok": n, "codes": [...]}.
 */

import { readFileSync } from "node:fs";
import type { TokenConfig } from "../../hardware/module.ts";
import { readPinFromDescriptor } from "../../hardware/pin.ts";
import { openToken } from "../../hardware/token.ts";
import { Refusal } from "../../manifests/refusal.ts";

const [, , path = "", times = ""] = process.argv;
const config = JSON.parse(readFileSync(path, "utf8")) as TokenConfig;
const pin = readPinFromDescriptor(3);
const codes: string[] = [];
let ok = 0;
for (let run = 0; run < Number(times); run++) {
  try {
    const token = await openToken(config);
    try {
      await token.login(pin);
      ok++;
    } finally {
      await token.close();
    }
  } catch (fault) {
    codes.push(fault instanceof Refusal ? `${fault.code} ${fault.message}` : String(fault));
  }
}
console.log(JSON.stringify({ ok, codes }));
