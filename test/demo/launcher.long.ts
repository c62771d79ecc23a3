import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { daemonClient } from "../../appliance/client/daemon-client.ts";
import type { BoxPaths } from "../../ceremony/provision/layout.ts";
import { provision } from "../../ceremony/provision/provision.ts";
import { openIntakeDoor } from "../../demo/intake-door.ts";
import { type Box, startBox } from "../../demo/launcher.ts";
import { projectRoot } from "../../demo/project-root.ts";
import { connect } from "../../host/wire.ts";

let folder: string;
let paths: BoxPaths;
let box: Box | undefined;
let child: ChildProcess | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-launcher-"));
  paths = await provision(join(folder, "box"), { profile: "ecdsa-p256-sha256", settleSeconds: 1, scanSeconds: 1 });
});

afterAll(async () => {
  child?.kill("SIGKILL");
  await box?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function eventually<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const end = Date.now() + 40_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error("it never came");
    await new Promise((done) => setTimeout(done, 50));
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function childrenOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return children === "" ? [] : children.split(" ").map(Number);
}

/** The signer as the daemon sees it, once it does. */
async function signerSeen(): Promise<{ readonly locked: boolean }> {
  const { daemon } = JSON.parse(readFileSync(paths.box.launcherJson, "utf8")) as { daemon: string };
  const { socket } = JSON.parse(readFileSync(daemon, "utf8")) as { socket: string };
  return eventually(async () => {
    const status = await daemonClient(socket)
      .status()
      .catch(() => undefined);
    return (status as { signer: { locked: boolean } | null } | undefined)?.signer ?? undefined;
  });
}

describe("the launcher of a box", () => {
  it("NOTHING-LOST: starts all processes, starts again what is killed, and leaves nothing behind", async () => {
    const running = await startBox(paths.dir, { restart: true });
    box = running;
    const before = running.pids();
    await expect(startBox(paths.dir)).rejects.toMatchObject({ code: "BUSY" });
    expect((await signerSeen()).locked).toBe(true);
    await eventually(() => (running.pids().intake.length > 0 ? true : undefined));
    await running.kill("intake");
    for (const name of ["daemon", "signer"] as const) {
      await running.kill(name);
      const pid = await eventually(() => running.pids()[name]);
      expect(pid).not.toBe(before[name]);
      expect((await signerSeen()).locked).toBe(true);
    }
    const last = running.pids();
    await running.stop();
    for (const pid of [last.signer, last.daemon, before.signer, before.daemon, ...last.intake]) {
      expect(pid !== undefined && isRunning(pid)).toBe(false);
    }
    for (const path of running.settings.sockets) expect(existsSync(path)).toBe(false);
    expect(readdirSync(running.settings.spoolIncoming)).toEqual([]);
  });

  it("USAGE: `npm run box` says what can be done with the box, and Ctrl-C ends it cleanly", async () => {
    let printed = "";
    const started = spawn(process.execPath, [join(projectRoot, "demo/box.ts"), paths.dir], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = started;
    for (const stream of [started.stdout, started.stderr]) stream.on("data", (text) => (printed += text));
    await eventually(() => (printed.includes("Ctrl-C ends it") ? true : undefined));
    expect(printed).toContain("operators/op1/operator.json unlock");
    const ended = new Promise<number | null>((done) => started.once("exit", done));
    started.kill("SIGINT");
    expect(await ended).toBe(0);
    expect(readdirSync(paths.box.run).filter((name) => name.endsWith(".sock"))).toEqual([]);
  });

  it("LOCKED: a launcher that is killed takes signer and daemon with it, and the box starts again", async () => {
    const started = spawn(process.execPath, [join(projectRoot, "demo/box.ts"), paths.dir], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    child = started;
    let printed = "";
    started.stdout.on("data", (text) => (printed += text));
    await eventually(() => (printed.includes("Ctrl-C ends it") ? true : undefined));
    const children = childrenOf(started.pid as number);
    expect(children.length).toBeGreaterThanOrEqual(2);
    started.kill("SIGKILL");
    await eventually(() => (children.some(isRunning) ? undefined : true));
    const again = await startBox(paths.dir);
    expect((await signerSeen()).locked).toBe(true);
    await again.stop();
  });

  it("USAGE: a folder without a box is refused, and nothing is started", async () => {
    const started = spawn(process.execPath, [join(projectRoot, "demo/box.ts"), folder], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    started.stderr.on("data", (text) => (said += text));
    expect(await new Promise((done) => started.once("close", done))).toBe(2);
    expect(said).toContain("USAGE");
  });
});

describe("intake's door", () => {
  it("FRAME: hands the whole connection over, with what was sent before the process ran", async () => {
    const echo = {
      file: process.execPath,
      args: [
        "--input-type=module",
        "-e",
        `import { serveDescriptor } from ${JSON.stringify(join(projectRoot, "host/wire-descriptor.ts"))};
        await serveDescriptor(3, { echo: async (params, progress) => { progress(params); return { result: params, body: new Uint8Array(700000).fill(7) }; } });`,
      ],
      env: {},
    };
    const path = join(folder, "door.sock");
    const door = await openIntakeDoor(path, echo, join(folder, "door.log"));
    try {
      const connection = await connect(path);
      const words = "x".repeat(200_000);
      const progress: unknown[] = [];
      const { result, body } = await connection.call("echo", words, { onProgress: (value) => progress.push(value) });
      let length = 0;
      for await (const part of body) length += part.length;
      expect([result, progress, length]).toEqual([words, [words], 700_000]);
      expect((await connection.call("echo", 2)).result).toBe(2);
      connection.close();
      await eventually(() => (door.pids().length === 0 ? true : undefined));
    } finally {
      await door.stop();
    }
  });
});
