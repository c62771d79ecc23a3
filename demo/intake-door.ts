/** What systemd does with `Accept=yes`: listens on intake's socket and starts one confined intake process a connection. */

import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { IntakeCommand } from "../media/intake/command.ts";

export interface IntakeDoor {
  pids(): readonly number[];
  /** Kills every intake process as a power cut would. */
  kill(): Promise<void>;
  /** Closes the door and ends what runs. */
  stop(): Promise<void>;
}

/** Opens the door; resolves when connections are taken. */
export async function openIntakeDoor(path: string, command: IntakeCommand, log: string): Promise<IntakeDoor> {
  const running = new Set<ChildProcess>();
  rmSync(path, { force: true });
  // Paused: not a byte of the connection is read here, all of it is the child's.
  const server = createServer({ pauseOnConnect: true }, (socket) => hand(socket, command, running, log));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  const end = async () => {
    const gone = [...running].map((child) => new Promise<void>((resolve) => child.once("exit", () => resolve())));
    for (const child of running) child.kill("SIGKILL");
    await Promise.all(gone);
  };
  return {
    pids: () => [...running].map(({ pid }) => pid).filter((pid) => pid !== undefined),
    kill: end,
    async stop() {
      await close(server);
      await end();
    },
  };
}

function hand(socket: Socket, { file, args, env }: IntakeCommand, running: Set<ChildProcess>, log: string): void {
  socket.on("error", () => undefined);
  const child = spawn(file, args, { env: { ...env }, stdio: ["ignore", "ignore", "pipe", socket] });
  running.add(child);
  child.stderr?.setEncoding("utf8").on("data", (text: string) => appendFileSync(log, text, { mode: 0o600 }));
  child.once("error", (fault) => {
    appendFileSync(log, `intake cannot be started: ${fault.message}\n`);
    running.delete(child);
  });
  child.once("exit", () => running.delete(child));
  // The child has its own descriptor of the connection; ours would keep it open when the child dies.
  socket.destroy();
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
