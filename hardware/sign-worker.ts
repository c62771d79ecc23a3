/** A thread of `sign-crew.ts`: signs what it is told to, in the session that it is lent. */

import { parentPort, workerData } from "node:worker_threads";
import pkcs11js from "pkcs11js";
import { Refusal } from "../manifests/refusal.ts";
import type { SignDone, SignJob } from "./sign-crew.ts";
import { signOne } from "./sign-one.ts";

const library = new pkcs11js.PKCS11();
library.load((workerData as { readonly module: string }).module);

parentPort?.on("message", (job: SignJob & { readonly id: number }) => parentPort?.postMessage(done(job)));

function done({ id, place, messages }: SignJob & { readonly id: number }): SignDone {
  const lent = { ...place, session: Buffer.from(place.session), key: Buffer.from(place.key) };
  try {
    return { id, signatures: messages.map((message) => signOne(library, lent, message)) };
  } catch (fault) {
    if (fault instanceof Refusal) return { id, refusal: fault.toRecord() };
    const { message, code } = fault as Error & { readonly code?: unknown };
    return { id, fault: message, code: Number(code) };
  }
}
