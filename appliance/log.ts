/** The log of a process of the box: JSON lines, for people in a terminal. Promise and refusal codes stand under `code`; never a secret. */

import { isatty } from "node:tty";
import pino, { type Logger } from "pino";
import pretty from "pino-pretty";

/** Logs to a descriptor; every line is written before the call returns. */
export function processLog(process: "coldseald" | "signer", descriptor: 1 | 2): Logger {
  const options = { base: { process }, timestamp: pino.stdTimeFunctions.isoTime };
  if (!isatty(descriptor)) return pino(options, pino.destination({ fd: descriptor, sync: true }));
  const readable = { sync: true, destination: descriptor, ignore: "process", translateTime: "UTC:HH:MM:ss'Z'" };
  return pino(options, pretty(readable));
}
