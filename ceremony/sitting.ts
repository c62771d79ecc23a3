/** Puts a sitting together from the operator's settings, the box's sockets and the terminal. */

import { daemonClient } from "../appliance/client/daemon-client.ts";
import {
  boxStanding,
  journal,
  lock,
  order,
  signerStatus,
  unlock,
  verifyJournal,
  wrappedPins,
} from "../appliance/client/unlock-client.ts";
import { openPrompter } from "../host/terminal/prompter.ts";
import { utcOf } from "../manifests/encoding/shape.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { OperatorSettings } from "./operator-settings.ts";
import { nothingSigned, type OperatorToken, type Output, type Signer, type Sitting } from "./ports.ts";

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
    daemon: daemonClient(settings.socket),
    signer: signerAt(settings.unlockSocket),
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

function signerAt(path: string): Signer {
  return {
    status: () => signerStatus(path),
    unlock: (pin) => unlock(path, pin),
    wrapped: () => wrappedPins(path),
    lock: () => lock(path),
    standing: () => boxStanding(path),
    order: (p7m) => order(path, p7m),
    journal: (from, limit) => journal(path, from, limit),
    verifyJournal: () => verifyJournal(path),
  };
}

/** Says which process it was that did not answer; other refusals pass. */
export function naming(fault: unknown, settings: OperatorSettings): unknown {
  if (!(fault instanceof Refusal) || fault.code !== "UNREACHABLE") return fault;
  const socket = fault.about;
  if (socket !== settings.socket && socket !== settings.unlockSocket) return fault;
  const who = socket === settings.socket ? "the daemon (coldseald)" : "the signer";
  return new Refusal("UNREACHABLE", `${who} does not answer`, {
    expected: `${who} at ${socket}`,
    got: fault.message,
    cause: fault,
  });
}
