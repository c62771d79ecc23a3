/** Puts a sitting together from the operator's settings, the box's sockets and the terminal, and turns commands into calls. */

import { readFileSync } from "node:fs";
import { openPrompter } from "../host/terminal/prompter.ts";
import { callOnce } from "../host/wire.ts";
import { fromBase64 } from "../manifests/encoding/bytes.ts";
import type { Json } from "../manifests/encoding/canonical-json.ts";
import { utcOf } from "../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../manifests/refusal.ts";
import type { OperatorSettings } from "./operator-settings.ts";
import { type Call, nothingSigned, type OperatorToken, type Output, type Sitting } from "./ports.ts";

/** Opens a sitting; `close` gives the terminal back and logs out. */
export function openSitting(
  settings: OperatorSettings,
  token: OperatorToken,
  output: Output,
  pinDescriptor: number | undefined,
): Sitting & { close(): Promise<void> } {
  const prompter = openPrompter(process.stdin, process.stderr);
  return {
    person: settings.person,
    daemon: callsTo(settings.socket, "the daemon (coldseald)"),
    signer: callsTo(settings.unlockSocket, "the signer"),
    token,
    prompter,
    output,
    pinDescriptor,
    now: () => utcOf(Date.now()),
    consequence: nothingSigned,
    close: async () => {
      prompter.close();
      await token.close();
    },
  };
}

/** Calls over one connection each; an answer's body may be as long as a request of 100,000 documents. */
function callsTo(socket: string, who: string): Call {
  return async (method, params, options = {}) => {
    const { body, ...rest } = options;
    try {
      return await callOnce(socket, method, params as Json, { ...rest, ...(body ? { body: [body] } : {}) });
    } catch (fault) {
      if (fault instanceof Refusal && fault.code === "UNREACHABLE") {
        throw new Refusal("UNREACHABLE", `${who} does not answer`, {
          expected: `${who} at ${socket}`,
          got: fault.message,
          cause: fault,
        });
      }
      throw fault;
    }
  };
}

/** A certificate file, DER or PEM, as DER. Refuses with CONFIG. */
export function readCertificateFile(path: string): Uint8Array {
  try {
    const bytes = readFileSync(path);
    const pem = /-----BEGIN CERTIFICATE-----([\s\S]+?)-----END CERTIFICATE-----/.exec(bytes.toString("latin1"));
    return pem ? fromBase64((pem[1] as string).replace(/\s/g, "")) : new Uint8Array(bytes);
  } catch (fault) {
    throw asRefusal(fault, "CONFIG", `the certificate ${path} cannot be read`);
  }
}
