/** Runs a signer: its keys are opened once, then it answers until it is told to stop, or the one who started it hangs up. */

import { Socket } from "node:net";
import { stopSignal } from "../../host/stop-signal.ts";
import { endingRefusal } from "../../host/terminal/refusal-lines.ts";
import { serve, serveSocket, stopServing } from "../../host/wire.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { askPassphrase, askPin } from "../keys/passphrase.ts";
import { refusingMethods, type Signer, signerMethods } from "./methods.ts";
import { openSigner } from "./open-signer.ts";
import type { TokenLogin } from "./signing-key.ts";
import { socketPath } from "./socket-path.ts";

export interface RunOptions {
  readonly arc: string;
  /** an inherited socket to serve; else one is made at `sign.sock` in the folder */
  readonly descriptor?: number;
  /** that the passphrase is read from; else it is asked for */
  readonly passphraseFd?: number;
  /** that the token's PIN is read from; else it is asked for */
  readonly pinFd?: number;
}

/** Returns when it was stopped. Refuses what `openSigner` and `serve` refuse; with `descriptor` each call there is answered with what `openSigner` refused. */
export async function runSigner(folder: string, options: RunOptions): Promise<void> {
  const { arc, descriptor, passphraseFd } = options;
  const path = socketPath(folder);
  if (descriptor === undefined && path === undefined) {
    throw new Refusal("CONFIG", "the folder's path is too long for a socket in it", {
      expected: "a ledger in a folder with a shorter path, or commands that ask for the passphrase themselves",
      about: folder,
    });
  }
  // Whatever the signer writes is for its own user only.
  process.umask(0o077);
  const onFault = (method: string, fault: unknown) => say(`a fault in ${method}: ${String(fault)}`);
  let signer: Signer;
  try {
    signer = await openSigner(folder, arc, (what) => askPassphrase(passphraseFd, what), loginOf(options));
  } catch (fault) {
    if (descriptor === undefined) throw fault;
    // The command that started it tells this, as its own refusal.
    return serveSocket(new Socket({ fd: descriptor }), refusingMethods(fault), { onFault });
  }
  const { size, stopped } = signer.heads.head(signer.record.origin);
  say(stopped === null ? `signing for ${signer.record.origin}, from size ${size}` : `signing nothing: ${stopped}`);
  const methods = signerMethods(signer);
  if (descriptor !== undefined) await serveSocket(new Socket({ fd: descriptor }), methods, { onFault });
  else if (path !== undefined) {
    const server = await serve(path, methods, { onFault });
    await stopSignal();
    await stopServing(server);
  }
  await signer.close();
}

/** A signer that serves with a person at its terminal asks that person again once the token is back; one at a time. */
function loginOf({ descriptor, pinFd }: RunOptions): TokenLogin {
  const login = { askPin: askPin.bind(undefined, pinFd) };
  if (descriptor !== undefined || pinFd !== undefined || process.stdin.isTTY !== true) return login;
  let asking = false;
  const ask = async (again: () => Promise<void>) => {
    say("the token is back; nothing is signed until its PIN is typed");
    await again();
    say("signing again");
  };
  return {
    ...login,
    lost(again) {
      if (asking) return;
      asking = true;
      const over = ask(again).catch((fault) => say(`still not signing: ${endingRefusal(fault).message}`));
      void over.finally(() => {
        asking = false;
      });
    },
  };
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
