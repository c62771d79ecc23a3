/** The daemon's log: JSON lines, for people in a terminal. Promise and refusal codes stand under `code`; never a secret. */

import pino, { type Logger } from "pino";
import pretty from "pino-pretty";

export function daemonLog(terminal: boolean): Logger {
  const options = { base: { process: "coldseald" }, timestamp: pino.stdTimeFunctions.isoTime };
  if (terminal) return pino(options, pretty({ sync: true, ignore: "process", translateTime: "UTC:HH:MM:ss'Z'" }));
  return pino(options, pino.destination({ fd: 1, sync: true }));
}
