/** A TPM's process: one order on stdin, as JSON; one answer on stdout, a result or a refusal. Started confined by `tpm-process.ts`. */

import { readFileSync, writeSync } from "node:fs";
import { asRefusal } from "../../manifests/refusal.ts";
import type { TpmOrder } from "./job.ts";
import { workOn } from "./work.ts";

let answer: object;
try {
  answer = { result: await workOn(JSON.parse(readFileSync(0, "utf8")) as TpmOrder) };
} catch (fault) {
  answer = { refusal: asRefusal(fault, "TPM-FAULT", `a fault at the TPM: ${(fault as Error).message}`).toRecord() };
}
const text = Buffer.from(JSON.stringify(answer));
for (let at = 0; at < text.length; ) at += writeSync(1, text, at);
