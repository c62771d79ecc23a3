/** A confined intake process as the launcher starts it: one connection, which is its descriptor 3. */

import { type ChildProcess, spawn } from "node:child_process";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { type Connection, connect } from "../../host/wire.ts";
import { type IntakeCommand, intakeCommand } from "../../media/intake/command.ts";

export const projectRoot = join(import.meta.dirname, "../..");

export interface ConfinedIntake {
  readonly connection: Connection;
  readonly child: ChildProcess;
  /** resolves when the process ended */
  readonly ended: Promise<{ readonly status: number | null; readonly signal: string | null }>;
}

/** Starts intake for sticks at `roots`; `run` is a directory for its socket. */
export async function startIntake(options: {
  readonly run: string;
  readonly roots: readonly string[];
  readonly spoolIncoming: string;
  /** changes the command, to see what something else than intake may do under its confinement */
  readonly command?: (usual: IntakeCommand) => IntakeCommand;
}): Promise<ConfinedIntake> {
  const usual = intakeCommand({ ...options, node: process.execPath, projectRoot });
  const { file, args, env } = options.command?.(usual) ?? usual;
  const path = join(options.run, "intake.sock");
  const server = createServer({ pauseOnConnect: true });
  await new Promise<void>((done) => server.listen(path, done));
  const accepted = new Promise<Socket>((done) => server.once("connection", done));
  const connection = await connect(path);
  const socket = await accepted;
  const child = spawn(file, args, { env, stdio: ["ignore", "pipe", "pipe", socket] });
  const ended = new Promise<{ status: number | null; signal: string | null }>((done) => {
    child.once("close", (status, signal) => done({ status, signal }));
  });
  socket.destroy();
  server.close();
  return { connection, child, ended };
}
