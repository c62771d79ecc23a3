/** The running daemon: working state rebuilt, lanes at work, the operators' socket open. */

import { join } from "node:path";
import type { Logger } from "pino";
import { nodeHost } from "../../host/crypto-host.ts";
import { socketAt } from "../../host/inherited-socket.ts";
import { VerifyCrew } from "../../host/verify-crew.ts";
import { serve, stopServing } from "../../host/wire.ts";
import { mountClient } from "../client/mount-client.ts";
import { signerClient } from "../client/signer-client.ts";
import { Answered } from "./answered.ts";
import { Book } from "./book.ts";
import type { MadeRefusals } from "./deliver.ts";
import { intakeClient } from "./intake-client.ts";
import { runLanes } from "./lanes.ts";
import { operatorMethods } from "./operator-methods.ts";
import type { OutgoingMedia, Parts } from "./parts.ts";
import { Policies } from "./policies.ts";
import { openSpool } from "./rebuild.ts";
import type { DaemonSettings } from "./settings.ts";
import { SignerWatch } from "./signer-watch.ts";
import { Spool } from "./spool.ts";
import { Sticks } from "./sticks.ts";

export interface RunningDaemon {
  /** Ends everything under way without finishing it; resolves when sockets are closed and partial copies are gone. */
  stop(): Promise<void>;
}

/** Starts the daemon, at the operators' socket that was handed over or at its own; resolves when it takes calls. Refuses with STORE, BUSY, CONFIG. */
export async function startDaemon(
  settings: DaemonSettings,
  media: OutgoingMedia,
  log: Logger,
  clock: () => number = Date.now,
): Promise<RunningDaemon> {
  const ending = new AbortController();
  const stop = ending.signal;
  const signer = signerClient(settings.signerSocket, stop);
  const spool = new Spool(settings.spool);
  const parts: Parts = {
    settings,
    log,
    book: new Book(clock),
    spool,
    answered: new Answered(join(settings.spool, "answered.json")),
    signer,
    policies: new Policies(nodeHost, signer),
    intake: intakeClient(settings.intakeSocket, stop),
    media,
    verifiers: new VerifyCrew(),
    sticks: settings.mountSocket === undefined ? undefined : new Sticks(mountClient(settings.mountSocket, stop)),
    stop,
  };
  await openSpool(parts);
  const made: MadeRefusals = new Map();
  const watch = new SignerWatch(parts);
  const server = await serve(socketAt("daemon", settings.socket), operatorMethods(parts, watch, made), {
    onFault: (method, fault) => log.error({ err: fault, method }, "a fault in a call"),
  });
  const lanes = runLanes(parts, watch, made);
  log.info({ socket: settings.socket }, "the daemon is ready");
  return {
    async stop() {
      ending.abort();
      await stopServing(server);
      await lanes;
      await parts.verifiers.close();
      await spool.clearIncoming().catch((fault) => log.warn({ err: fault }, "a part of a batch could not be removed"));
      log.info("the daemon ended");
    },
  };
}
