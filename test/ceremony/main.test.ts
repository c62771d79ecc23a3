import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BoxPaths } from "../../ceremony/provision/layout.ts";
import { provision } from "../../ceremony/provision/provision.ts";
import { groupsAsked } from "../../ceremony/slip-groups.ts";
import { openPkcs12 } from "../../desk/submitter-key.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { collect, type Handlers, serve, stopServing } from "../../host/wire.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import { fromUtf8, hex } from "../../manifests/encoding/bytes.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { verifyApproval } from "../../manifests/records/authorization.ts";
import { type Challenge, challengeBytes } from "../../manifests/records/decision.ts";
import { readPolicy } from "../../manifests/records/policy.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { challengeFor, now, request, wordsOf } from "./software-box.ts";
import { atTerminal, type Typist } from "./terminal.ts";

const main = fileURLToPath(new URL("../../ceremony/main.ts", import.meta.url));
const batch = "2026-11-23-contracts";
const oids = ownOids(documentationArc);

let folder: string;
let box: BoxPaths;
let policy: Uint8Array;
let challenge: Challenge;
let envelope: Uint8Array;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-ceremony-"));
  box = await provision(join(folder, "box"), { profile: "ecdsa-p256-sha256" });
  policy = readSignedData(readFileSync(box.pki.genesisPolicy)).content ?? new Uint8Array();
  challenge = challengeFor(request(), { policyDigest: hex(sha256(policy)) });
  const password = readFileSync(box.pki.submitterPassword);
  const submitter = openPkcs12(readFileSync(box.pki.submitterP12), password, "sha256");
  const what = { eContentType: oids.request, content: request(), signingTime: now };
  envelope = await signContent(nodeHost, submitter, what);
}, 120_000);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  if (box) rmSync(box.box.run, { recursive: true, force: true });
});

/** What the two processes of the box were asked, with the bodies that came. */
let asked: { method: string; body: Uint8Array }[] = [];
let servers: Server[] = [];
let typists: Typist[] = [];

beforeEach(async () => {
  asked = [];
  const run = (name: string) => join(box.box.run, name);
  servers = [await serve(run("coldseald.sock"), daemon()), await serve(run("unlock.sock"), signer())];
});
afterEach(async () => {
  for (const typist of typists) typist.kill();
  typists = [];
  for (const server of servers) await stopServing(server);
});

function row(approvals: Json[] = []): { readonly [name: string]: Json } {
  return {
    approvals,
    batch,
    batchDigest: challenge.batchDigest,
    bytes: challenge.bytes,
    count: challenge.count,
    expires: challenge.expires,
    folder: batch,
    mode: "test",
    needed: 2,
    number: null,
    progress: null,
    purpose: "Q4 supplier contracts",
    refusal: null,
    state: "waiting-for-approval",
    submitter: "CN=Contracts desk (test)",
    waiting: "waiting for 2 of 2 approvals",
  };
}

function daemon(): Handlers {
  const decide = (method: string) => async (_: Json, call: { body: AsyncIterable<Uint8Array> }) => {
    asked.push({ method, body: await collect(call.body, 1 << 20) });
    return {
      result: {
        state: "waiting-for-approval",
        approvals: [{ person: "op2", signed: "2026-11-23T12:00:00Z" }],
        needed: 2,
      },
    };
  };
  return {
    status: async () => ({
      result: { daemon: { batches: { "waiting-for-approval": 1 }, spoolBytes: 0, media: {} }, signer: null },
    }),
    list: async () => ({ result: { batches: [row()] } }),
    open: async () => ({
      result: {
        approvals: [],
        challenge: fromUtf8(challengeBytes(challenge)),
        listed: row(),
        needed: 2,
        policy: fromUtf8(policy),
      },
      body: [envelope],
    }),
    approve: decide("approve"),
    reject: decide("reject"),
  };
}

function signer(): Handlers {
  return {
    status: async () => ({
      result: {
        appliance: "test-box",
        locked: true,
        pin: { failures: 0, waitUntil: null },
        token: { serial: "aa", present: true },
      },
    }),
    unlock: async (_, call) => {
      const body = await collect(call.body, 256);
      asked.push({ method: "unlock", body });
      if (fromUtf8(body) !== "the box's PIN") throw new Refusal("PIN-WRONG", "the token did not take the PIN");
      return { result: { head: "agrees", token: "aa" } };
    },
  };
}

function operator(at: number) {
  const one = box.operators[at];
  if (!one) throw new Error("no such operator");
  return { ...one, pinText: readFileSync(one.pin, "utf8") };
}

function terminal(at: number, ...words: string[]): Typist {
  const typist = atTerminal([process.execPath, main, "--as", operator(at).operatorJson, ...words]);
  typists.push(typist);
  return typist;
}

/** Runs without a terminal: lines for stdin, and what it wrote. */
async function piped(input: string, at: number, ...words: string[]) {
  const child = spawn(process.execPath, [main, "--as", operator(at).operatorJson, ...words], { stdio: "pipe" });
  const out: string[] = [];
  const err: string[] = [];
  child.stdout.on("data", (piece: Buffer) => out.push(piece.toString()));
  child.stderr.on("data", (piece: Buffer) => err.push(piece.toString()));
  child.stdin.end(input);
  const status = await new Promise((resolve) => child.once("close", resolve));
  return { status, out: out.join(""), err: err.join("") };
}

function groupsFor(at: number): readonly number[] {
  const certificate = readFileSync(join(box.pki.folder, `op${at + 1}.der`));
  return groupsAsked(challenge.nonce, certificate);
}

async function sent(): Promise<string> {
  const [only] = asked;
  const context = {
    policy: readPolicy(policy),
    policyDigest: sha256(policy),
    challenge,
    now: utcOf(Date.now()),
  };
  const approver = await verifyApproval(nodeHost, oids, only?.body ?? new Uint8Array(), context);
  return approver.person;
}

describe("an operator at a terminal", () => {
  it("QUORUM: approves with slip, Yes and PIN; what is sent is an approval by the operator's own token", async () => {
    const typist = terminal(1, "approve", batch);
    for (const _ of groupsFor(1)) {
      const [, group] = await typist.reads(/Type group (\d+) of the slip[^:]*: /);
      typist.types(`${wordsOf(request())[Number(group) - 1]}\r`);
    }
    await typist.reads(/Type Yes to approve as op2 with token op2 \(serial [0-9a-f]+\), anything\s+else\s+to stop: /);
    typist.types("Yes\r");
    await typist.reads(/Type the PIN of op2's token op2 \(serial [0-9a-f]+\): /);
    typist.types(`${operator(1).pinText}\r`);
    await typist.reads(/Approved: 1 of 2\./);
    expect(await typist.ended).toBe(0);
    expect(await sent()).toBe("op2");
    expect(typist.screen()).not.toContain(operator(1).pinText);
  });

  it("SECRET: a PIN pasted together with everything else is not echoed", async () => {
    const typist = terminal(1, "approve", batch);
    await typist.reads(/Type group \d+/);
    const groups = groupsFor(1).map((group) => wordsOf(request())[group - 1]);
    typist.types(`${[...groups, "Yes", operator(1).pinText].join("\r")}\r`);
    expect(await typist.ended).toBe(0);
    expect(await sent()).toBe("op2");
    expect(typist.screen()).not.toContain(operator(1).pinText);
  });

  it("STOPPED: Ctrl-C at the PIN signs nothing and says so", async () => {
    const typist = terminal(1, "approve", batch);
    await typist.reads(/Type group \d+/);
    const groups = groupsFor(1).map((group) => wordsOf(request())[group - 1]);
    typist.types(`${[...groups, "Yes"].join("\r")}\r`);
    await typist.reads(/Type the PIN/);
    typist.types("12\u0003");
    expect(await typist.ended).toBe(3);
    expect(typist.screen()).toMatch(/STOPPED: .*nothing was signed or\s+sealed by this command/);
    expect(asked).toEqual([]);
  });

  it("PIN-WRONG: three wrong PINs end it, with nothing sent", async () => {
    const typist = terminal(1, "reject", batch, "--reason", "the list is wrong");
    await typist.reads(/Type Yes to reject this batch for good/);
    typist.types("Yes\r");
    for (let at = 0; at < 3; at++) {
      await typist.reads(/Type the PIN of op2/);
      typist.types("00000000\r");
    }
    expect(await typist.ended).toBe(1);
    expect(typist.screen()).toContain("PIN-WRONG");
    expect(asked).toEqual([]);
  });

  it("SECRET: the box's PIN goes to the signer's socket, and not onto the screen", async () => {
    const typist = terminal(0, "unlock");
    await typist.reads(/Type the PIN of the box test-box \(its token's serial aa\): /);
    typist.types("wrong\r");
    await typist.reads(/Type the PIN of the box/);
    typist.types("the box's PIN\r");
    await typist.reads(/Unlocked\./);
    expect(await typist.ended).toBe(0);
    expect(asked.map((one) => fromUtf8(one.body))).toEqual(["wrong", "the box's PIN"]);
    expect(typist.screen()).not.toContain("the box's PIN");
  });
});

describe("a script", () => {
  it("UX7: answers by lines, gets one JSON document on stdout and no colours", async () => {
    const groups = groupsFor(2).map((group) => wordsOf(request())[group - 1]);
    const lines = [...groups, "Yes", operator(2).pinText, ""].join("\n");
    const { status, out, err } = await piped(lines, 2, "--json", "approve", batch);
    expect(err).toContain("Type the PIN of op3's token");
    expect(status).toBe(0);
    expect(JSON.parse(out)).toEqual({
      approved: [{ approvals: 1, batch, needed: 2, state: "waiting-for-approval" }],
    });
    expect(await sent()).toBe("op3");
    expect(out + err).not.toContain("\u001b");
    expect(out + err).not.toContain(operator(2).pinText);
  });

  it("SECRET: the PIN can come on a descriptor", async () => {
    const words = ["--as", operator(2).operatorJson, "--pin-fd", "3", "reject", batch, "--reason", "r"];
    const child = spawn("sh", ["-c", 'exec "$0" "$@" 3< "$PINFILE"', process.execPath, main, ...words], {
      env: { ...process.env, PINFILE: operator(2).pin },
      stdio: ["pipe", "ignore", "ignore"],
    });
    child.stdin.end("Yes\n");
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
    expect(asked.map((one) => one.method)).toEqual(["reject"]);
  });

  it("UX7: exit codes tell kinds of refusals apart", async () => {
    expect((await piped("", 0, "frobnicate")).status).toBe(2);
    expect((await piped("", 0, "show")).status).toBe(2);
    const wrong = await piped("adrift adrift\n", 0, "--json", "approve", batch);
    expect(wrong.status).toBe(1);
    expect(JSON.parse(wrong.out).refusal).toMatchObject({
      code: "SLIP-WORDS",
      kind: "refused",
      consequence: "nothing was signed or sealed by this command",
    });
    for (const server of servers) await stopServing(server);
    servers = [];
    const gone = await piped("", 0, "list");
    expect(gone.status).toBe(3);
    expect(gone.err).toContain("UNREACHABLE: the daemon (coldseald) does not answer");
  });

  it("HSM-TOKEN: T32: another person's token is told, by label and serial, before anything is asked", async () => {
    const mixed = JSON.parse(readFileSync(operator(0).operatorJson, "utf8"));
    const other = JSON.parse(readFileSync(operator(1).operatorJson, "utf8"));
    mixed.token.environment = other.token.environment;
    const path = join(folder, "mixed.json");
    writeFileSync(path, JSON.stringify(mixed));
    const child = spawn(process.execPath, [main, "--as", path, "approve", batch], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const err: string[] = [];
    child.stderr.on("data", (piece: Buffer) => err.push(piece.toString()));
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(1);
    expect(err.join("")).toContain("HSM-TOKEN");
    expect(err.join("")).toContain(`op2 (serial ${other.token.serial})`);
    expect(asked).toEqual([]);
  });

  it("the completion script that it prints works in bash, batches included", async () => {
    const script = `source <("$1" "$2" completion bash); COMP_WORDS=(ceremony --as "$3" show ""); COMP_CWORD=4; _ceremony; echo "\${COMPREPLY[@]}"`;
    const words = [process.execPath, main, operator(0).operatorJson];
    const child = spawn("bash", ["-c", script, "bash", ...words], { stdio: ["ignore", "pipe", "inherit"] });
    const out: string[] = [];
    child.stdout.on("data", (piece: Buffer) => out.push(piece.toString()));
    await new Promise((resolve) => child.once("close", resolve));
    expect(out.join("").trim().split(" ")).toEqual(["--documents", "--help", batch]);
  });
});
