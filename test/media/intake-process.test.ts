import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import type { IntakeCommand } from "../../media/intake/command.ts";
import { mustTrace } from "../promises/dying-process.ts";
import { type ConfinedIntake, startIntake } from "./confined-intake.ts";
import { makeBatch, now, policyText } from "./signed-batch.ts";

let base: string;
let stick: string;
let incoming: string;
let intake: ConfinedIntake | undefined;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "coldseal-intake-"));
  stick = join(base, "stick");
  incoming = join(base, "spool/incoming");
  mkdirSync(stick);
  mkdirSync(incoming, { recursive: true });
});
afterEach(async () => {
  intake?.connection.close();
  intake?.child.kill("SIGKILL");
  await intake?.ended;
  intake = undefined;
  await rm(base, { recursive: true, force: true });
});

const start = async (command?: Parameters<typeof startIntake>[0]["command"]) => {
  intake = await startIntake({ run: base, roots: [stick], spoolIncoming: incoming, ...(command ? { command } : {}) });
  return intake;
};

const takeCall = (more: { [name: string]: Json } = {}) => ({
  root: stick,
  folder: "batch-1",
  into: join(incoming, "one"),
  policy: policyText({}),
  now,
  settleOver: false,
  ...more,
});

describe("the confined process", () => {
  it("SAME-BYTES: scans, takes and reads control files over descriptor 3", async () => {
    await makeBatch(stick, { "Übersicht 2026.pdf": "overview", empty: "" });
    mkdirSync(join(stick, "coldseal/control/in"), { recursive: true });
    writeFileSync(join(stick, "coldseal/control/in/policy.p7m"), "P");
    const { connection } = await start();
    const { result: seen } = await connection.call("scan", { root: stick });
    expect(seen).toMatchObject({
      batches: [{ folder: "batch-1", files: 3 }],
      odd: [],
      control: [{ name: "policy.p7m", size: 1 }],
    });
    const { result: taken } = await connection.call("take", takeCall());
    expect(taken).toMatchObject({
      outcome: "taken",
      fingerprint: (seen as { batches: { fingerprint: string }[] }).batches[0]?.fingerprint,
      count: 2,
      bytes: 8,
      head: { mode: "test" },
      submitter: { key: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(readFileSync(join(incoming, "one/documents/000001"), "utf8")).toBe("overview");
    const { body } = await connection.call("control", { root: stick, name: "policy.p7m" });
    expect(Buffer.concat(await Array.fromAsync(body)).toString()).toBe("P");
  });

  it("FRAME: refusals are coded, and the next call is answered", async () => {
    await makeBatch(stick, { a: "1" }, { head: { mode: "offline" } });
    const { connection } = await start();
    await expect(connection.call("take", takeCall())).rejects.toMatchObject({ code: "MODE" });
    await expect(connection.call("take", { root: stick })).rejects.toMatchObject({ code: "SHAPE" });
    await expect(connection.call("open", {})).rejects.toMatchObject({ code: "FRAME" });
    expect((await connection.call("scan", { root: stick })).result).toMatchObject({ odd: [] });
  });

  it("T1: FIFOs, sockets and links named like a batch's files do not hang or mislead it", async () => {
    const { folder } = await makeBatch(stick, { a: "1" });
    renameSync(join(folder, "batch.p7m"), join(base, "batch.p7m"));
    symlinkSync(join(base, "batch.p7m"), join(folder, "batch.p7m"));
    const { connection } = await start();
    await expect(connection.call("take", takeCall())).rejects.toMatchObject({ code: "MEDIA-KIND", about: "batch.p7m" });
    symlinkSync(base, join(stick, "coldseal/inbox/out"));
    execFileSync("mkfifo", [join(stick, "coldseal/inbox/pipe")]);
    const { result } = await connection.call("scan", { root: stick });
    expect(result).toMatchObject({
      batches: [{ folder: "batch-1" }],
      odd: expect.arrayContaining([
        { name: "out", refusal: expect.objectContaining({ code: "MEDIA-KIND" }) },
        { name: "pipe", refusal: expect.objectContaining({ code: "MEDIA-KIND" }) },
      ]),
    });
    await expect(connection.call("take", takeCall({ folder: "out" }))).rejects.toMatchObject({ code: "MEDIA-KIND" });
    expect(readdirSync(incoming)).toEqual([]);
  });

  it("T4: the process ends when the daemon hangs up in the middle of a copy", async () => {
    await makeBatch(stick, { big: new Uint8Array(256 << 20) });
    const { connection, ended } = await start();
    const call = connection.call("take", takeCall(), { onProgress: () => connection.close() });
    await expect(call).rejects.toMatchObject({ code: "UNREACHABLE" });
    expect(await ended).toEqual({ status: 0, signal: null });
    expect(readFileSync(join(incoming, "one/batch.p7m")).length).toBeGreaterThan(0);
  });

  it.skipIf(!mustTrace)(
    "T4: half an answer that could not be sent ends the process: the daemon does not wait for the rest",
    async () => {
      const traced = (log: string, more: readonly string[]) => (usual: IntakeCommand) => ({
        ...usual,
        file: "strace",
        args: ["-D", "-f", "-qq", "-o", join(base, log), "-e", "trace=write", ...more, usual.file, ...usual.args],
        env: { ...usual.env, PATH: process.env.PATH ?? "" },
      });
      const first = await start(traced("counted", []));
      await first.connection.call("scan", { root: stick });
      first.connection.close();
      await first.ended;
      // Of the main thread's writes the second one to descriptor 3 is what follows the first frame's header.
      const writes = readFileSync(join(base, "counted"), "utf8").split("\n");
      const own = writes.filter((line) => line.startsWith(`${first.child.pid} `) && line.includes("write("));
      const [header, payload] = own.flatMap((line, at) => (line.includes("write(3,") ? [at + 1] : []));
      expect(payload).toBe((header as number) + 1);
      const { connection, ended } = await start(traced("failed", ["-e", `inject=write:error=EIO:when=${payload}`]));
      await expect(connection.call("scan", { root: stick })).rejects.toMatchObject({ code: "UNREACHABLE" });
      expect((await ended).status).not.toBe(0);
    },
  );

  it("T4: the process ends when the daemon hangs up between calls", async () => {
    const { connection, ended } = await start();
    await connection.call("scan", { root: stick });
    connection.close();
    expect(await ended).toEqual({ status: 0, signal: null });
  });

  it("T5: what the process may write is the incoming folder only, also by a path that it is told", async () => {
    await makeBatch(stick, { a: "1" });
    const { connection } = await start();
    for (const into of [join(base, "elsewhere"), join(incoming, "../../elsewhere"), join(stick, "elsewhere")]) {
      await expect(connection.call("take", takeCall({ into })), into).rejects.toMatchObject({ code: "STORE" });
    }
    expect(existsSync(join(base, "elsewhere"))).toBe(false);
    await expect(connection.call("scan", { root: "/etc" })).rejects.toMatchObject({ code: "MEDIA-READ" });
  });
});

describe("what code in the confined process may not do", () => {
  /** Runs `code` in place of intake's main under intake's own command line; gives what it printed. */
  async function confined(code: string): Promise<string> {
    const script = join(stick, "hostile.mjs");
    writeFileSync(
      script,
      `try { console.log(await (async () => { ${code} })()) } catch (fault) { console.log(fault.code) }`,
    );
    const { child, ended } = await start((usual) => ({ ...usual, args: [...usual.args.slice(0, -1), script] }));
    let printed = "";
    child.stdout?.on("data", (text: Buffer) => {
      printed += text.toString();
    });
    await ended;
    return printed.trim();
  }

  const path = () => JSON.stringify(join(base, "outside"));

  it.each<[string, () => string]>([
    ["write outside of the spool", () => `(await import("node:fs")).writeFileSync(${path()}, "x")`],
    ["write to the stick", () => `(await import("node:fs")).writeFileSync(${JSON.stringify(join(stick, "x"))}, "x")`],
    ["read outside of the stick", () => `return (await import("node:fs")).readFileSync("/etc/passwd", "utf8")`],
    ["start a child", () => `return (await import("node:child_process")).execFileSync("/bin/id").toString()`],
    ["start a worker", () => `new (await import("node:worker_threads")).Worker("0", { eval: true })`],
    ["load a native addon", () => `process.dlopen({ exports: {} }, ${JSON.stringify(addon())})`],
    ["use a database", () => `const { DatabaseSync } = await import("node:sqlite"); new DatabaseSync(${path()})`],
    [
      "sync a file",
      () =>
        `const fs = await import("node:fs"); fs.fsyncSync(fs.openSync(${JSON.stringify(join(incoming, "x"))}, "w"))`,
    ],
    ["call a foreign function", () => `(await import("node:ffi")).dlopen("libc.so.6", {})`],
    ["write a report", () => `process.report.writeReport(${path()})`],
    ["write its heap", () => `(await import("node:v8")).writeHeapSnapshot(${path()})`],
    ["debug itself", () => `(await import("node:inspector")).open(0)`],
  ])("T5: %s", async (_, code) => {
    expect(await confined(code())).toMatch(/^ERR_(?:ACCESS_DENIED|DLOPEN_DISABLED|UNKNOWN_BUILTIN_MODULE)$/);
    expect(existsSync(join(base, "outside"))).toBe(false);
  });

  it.each<[string, string]>([
    ["connect to a Unix socket", `net.connect(process.argv[1] + ".sock")`],
    ["connect to an address", `net.connect(9, "127.0.0.1")`],
    ["listen", `net.createServer().listen(0)`],
    ["send a datagram", `dgram.createSocket("udp4").bind(0)`],
  ])("GAP: %s", async (_, call) => {
    const code = `const net = await import("node:net"); const dgram = await import("node:dgram"); return await new Promise((done, failed) => {
      const it = ${call}; it.on("error", failed); it.on("connect", () => done("connected")); it.on("listening", () => done("listening")); });`;
    expect(await confined(code)).toBe("ERR_ACCESS_DENIED");
  });

  it("SECRET: it inherits nothing from the environment", async () => {
    process.env.COLDSEAL_TEST_SECRET = "secret";
    const names = await confined("return Object.keys(process.env).sort().join()");
    delete process.env.COLDSEAL_TEST_SECRET;
    expect(names).toBe("LANG,TZ");
  });

  function addon(): string {
    return join(import.meta.dirname, "../../node_modules/pkcs11js/build/Release/pkcs11.node");
  }
});
