import { spawn } from "node:child_process";
import { chmodSync, linkSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { projectRoot } from "../../demo/project-root.ts";
import { inheritedSocket } from "../../host/inherited-socket.ts";
import { callOnce } from "../../host/wire.ts";

describe("sockets that systemd hands over", () => {
  const given = { LISTEN_PID: "77", LISTEN_FDS: "2", LISTEN_FDNAMES: "signer:unlock" };

  it("are known by their names, from descriptor 3 on", () => {
    expect(inheritedSocket("signer", given, 77)).toBe(3);
    expect(inheritedSocket("unlock", given, 77)).toBe(4);
  });

  it.each([
    ["another name", "daemon", given, 77],
    ["another process's", "signer", given, 78],
    ["nothing handed over", "signer", {}, 77],
    ["fewer than named", "unlock", { ...given, LISTEN_FDS: "1" }, 77],
    ["no names", "signer", { LISTEN_PID: "77", LISTEN_FDS: "1" }, 77],
    ["a count that is none", "signer", { ...given, LISTEN_FDS: "many" }, 77],
  ] as const)("%s: the process makes its own", (_, name, environment, pid) => {
    expect(inheritedSocket(name, environment, pid)).toBeUndefined();
  });
});

describe("T30: a process with a socket that was handed over", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "coldseal-listen-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("answers calls at it, and leaves its name and mode as they are when it ends", async () => {
    const path = join(folder, "daemon.sock");
    const opened = createServer();
    await new Promise<void>((done) => opened.listen(join(folder, "ours"), done));
    // A name that closing our own descriptor does not remove.
    linkSync(join(folder, "ours"), path);
    chmodSync(path, 0o660);
    const code = `
      import { inheritedSocket } from "./host/inherited-socket.ts";
      import { serve, stopServing } from "./host/wire.ts";
      process.env.LISTEN_PID = String(process.pid);
      const server = await serve({ fd: inheritedSocket("daemon") }, { hello: async () => ({ result: "here" }) });
      console.log("listening");
      process.stdin.on("end", () => stopServing(server).then(() => process.exit(0))).resume();`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
      cwd: projectRoot,
      env: { LISTEN_FDS: "1", LISTEN_FDNAMES: "daemon" },
      stdio: ["pipe", "pipe", "inherit", (opened as unknown as { _handle: { fd: number } })._handle.fd],
    });
    await new Promise((done) => child.stdout?.once("data", done));
    await new Promise((done) => opened.close(done));
    expect((await callOnce(path, "hello", {})).result).toBe("here");
    const ended = new Promise((done) => child.once("exit", done));
    child.stdin?.end();
    expect(await ended).toBe(0);
    expect(statSync(path).mode & 0o777).toBe(0o660);
  });
});
