/** `coldseal ledger serve` as a process: it serves, reads its settings anew, meets slow clients, and ends when it is told to. */

import { renameSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, outboxOf } from "../../bundle/chain.ts";
import { ledgerCommand, Served, startLedger } from "../programs.ts";
import { aService, ask, auditor, certificateOf, inShort, keeper, type TestService, trusted } from "./a-service.ts";
import { soon, started } from "./sending.ts";
import { tarOf } from "./tars.ts";

let test: TestService;
let served: Served;
let url: string;
let first: Bundle;
beforeAll(async () => {
  const [one, two] = (await chainOf(2)) as [Bundle, Bundle];
  first = two;
  test = await aService(one.genesis);
  await test.ledger.ingest(outboxOf([one]));
  await test.bringOut();
  test.configure({});
  await start();
});
afterAll(async () => {
  await served?.end("SIGKILL");
  await test.end();
});

async function start(): Promise<void> {
  served = await Served.start(startLedger(["serve", test.ledger.folder, "--json"]), /"url":"[^"]+"\}\n/);
  url = (JSON.parse(served.out) as { readonly url: string }).url;
}

async function until(seen: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await seen())) await soon();
}

const document = `/v1/documents/${"ab".repeat(32)}`;

// One after another, on one service.
describe("the service as a process", () => {
  it("HEALTH: becomes well by its own probe", async () => {
    await until(async () => (await ask(url, "/health")).status === 200);
    expect((await ask(url, "/health")).json()).toMatchObject({
      healthy: true,
      entry: { size: 2 },
      probe: { index: 0 },
    });
    expect(await ledgerCommand(["verify", test.ledger.folder])).toMatchObject({ status: 0 });
  });

  it("CLIENT: reads its settings again on SIGHUP", async () => {
    expect((await ask(url, document, { as: auditor })).status).toBe(200);
    test.configure({ clients: [{ name: "keeper", rights: ["upload"] }] });
    served.child.kill("SIGHUP");
    await until(() => served.err.includes('"event":"reloaded"'));
    expect(inShort(await ask(url, document, { as: auditor }))).toBe("403 CLIENT");
  });

  it("hangs up on clients that do not go on: no handshake, half a request", async () => {
    const { hostname: host, port } = new URL(url);
    const silent = connect({ host, port: Number(port) });
    const slow = connectTls({ host, port: Number(port), ...trusted });
    const closed = [silent, slow].map(
      (socket) => new Promise<void>((done) => socket.on("error", () => undefined).once("close", () => done())),
    );
    slow.write("GET /checkpoint HTTP/1.1\r\nHost: a\r\n");
    const drip = setInterval(() => slow.writable && slow.write("X-A: b\r\n"), 500);
    expect((await ask(url, "/checkpoint")).status).toBe(200);
    await Promise.all(closed);
    clearInterval(drip);
    expect(served.err).toMatch(/"event":"broken","what":"tls"/);
    expect(served.err).toMatch(/"event":"broken","what":"garbage","code":"ERR_HTTP_REQUEST_TIMEOUT"/);
  });

  it("NOTHING-LOST: lets an upload that is under way end on SIGTERM, takes nothing new, and ends with 0", async () => {
    const archive = tarOf(outboxOf([first]));
    const { hostname, port } = new URL(url);
    const socket = connectTls({ host: hostname, port: Number(port), ...trusted, ...certificateOf(keeper) });
    let answer = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
    });
    const over = new Promise((done) => socket.once("close", done));
    socket.write(
      `POST /v1/uploads HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-tar\r\nContent-Length: ${archive.length}\r\n\r\n`,
    );
    socket.write(archive.subarray(0, 1000));
    await started(test);
    served.child.kill("SIGTERM");
    await until(() => served.err.includes('"event":"stops"'));
    const late = await ask(url, "/checkpoint").catch(() => undefined);
    if (late) expect(inShort(late)).toBe("503 STOPPED");
    socket.write(archive.subarray(1000));
    await over;
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*"chained":1/s);
    await until(() => !served.alive);
    expect(served.child.exitCode).toBe(0);
    expect(served.err).toContain('"event":"stopped"');
    expect(await test.ledger.records()).toHaveLength(4);
  });

  it("SECRET: its log has no secret, no document's name and no digest that was asked for", () => {
    expect(served.err).not.toMatch(/PRIVATE KEY|contract|abababab|passphrase/);
  });

  it.each([
    ["without serve.json", [], 2, /CONFIG/],
    ["without TLS and with a certificate in its settings", ["--plain"], 2, /CONFIG/],
  ])("CONFIG: %s it does not start", async (which, more, status, code) => {
    const file = join(test.ledger.folder, "serve.json");
    if (which === "without serve.json") renameSync(file, `${file}.away`);
    const ended = await ledgerCommand(["serve", test.ledger.folder, ...more]);
    if (which === "without serve.json") renameSync(`${file}.away`, file);
    expect(ended).toMatchObject({ status, err: expect.stringMatching(code) });
  });
});
