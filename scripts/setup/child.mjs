// Child processes: run to their end, with the signals that reach this process passed on to them.

import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { cache } from "./places.mjs";

const log = join(cache, "setup.log");

/**
 * Runs a command that owns the terminal, then ends this process the way the command ended: same exit status, same signal.
 * @param {string} command @param {readonly string[]} args @param {import("node:child_process").SpawnOptions} options
 */
export async function become(command, args, options) {
  const ended = await watch(command, args, options);
  if (ended.signal) endBySignal(ended.signal);
  else process.exit(ended.code ?? 127);
}

/**
 * Runs a command that owns the terminal to its end.
 * @param {string} command @param {readonly string[]} args @param {import("node:child_process").SpawnOptions} options
 */
export async function watch(command, args, options) {
  const ended = await finished(spawn(command, args, { ...options, stdio: "inherit" }));
  if (ended.error) process.stderr.write(`cannot run ${command}: ${ended.error.message}\n`);
  return ended;
}

/**
 * Runs a command of the set-up without a terminal; its output goes to `.cache/setup.log` and comes back.
 * @param {string} command @param {readonly string[]} args @param {import("node:child_process").SpawnOptions} [options]
 * @returns {Promise<{ok: boolean, output: string}>} ok: ran and ended with 0
 */
export async function attempt(command, args, options = {}) {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text) => (output += text));
  const ended = await finished(child);
  if (ended.error) output += ended.error.message;
  mkdirSync(cache, { recursive: true });
  appendFileSync(log, `$ ${command} ${args.join(" ")}\n${output}\n`);
  if (ended.signal === "SIGINT" || ended.signal === "SIGTERM" || ended.signal === "SIGHUP") endBySignal(ended.signal);
  return { ok: ended.code === 0, output };
}

/** @returns {Promise<{code: number | null, signal: NodeJS.Signals | null, error?: Error}>} */
function finished(child) {
  const passOn = (signal) => {
    // Ctrl-C and Ctrl-\ at a terminal reach the child by themselves: it must not get them twice.
    const typed = signal === "SIGINT" || signal === "SIGQUIT";
    if (!(typed && process.stdin.isTTY)) child.kill(signal);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
  for (const signal of signals) process.on(signal, passOn);
  return new Promise((resolve) => {
    const done = (ended) => {
      for (const signal of signals) process.off(signal, passOn);
      resolve(ended);
    };
    child.once("error", (error) => done({ code: null, signal: null, error }));
    child.once("close", (code, signal) => done({ code, signal }));
  });
}

/** @param {NodeJS.Signals} signal */
export function endBySignal(signal) {
  process.kill(process.pid, signal);
  // The signal ends this process before the timer does, unless it is one that Node keeps for itself.
  setTimeout(() => process.exit(1), 1000);
}
