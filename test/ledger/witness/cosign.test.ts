/** The witness's HTTP interface, on real files and sockets, by the words of c2sp.org/tlog-witness. */

import { sign } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { addCheckpointBytes, mostBodyBytes, readAddCheckpoint } from "../../../ledger/witness/add-checkpoint.ts";
import type { Witness } from "../../../ledger/witness/cosign.ts";
import { serveWitness } from "../../../ledger/witness/server.ts";
import { makeWitness, openWitness } from "../../../ledger/witness/witness-folder.ts";
import { fromUtf8, utf8 } from "../../../manifests/encoding/bytes.ts";
import { checkCheckpoint, checkpointText } from "../../../manifests/log/checkpoint.ts";
import { noteBytes, readNote, readSignatureLines, withSignatures } from "../../../manifests/log/note.ts";
import type { TreeHead } from "../../../manifests/log/tree-proof.ts";
import { verifierKeyText } from "../../../manifests/log/verifier-key.ts";
import { cosignature, type LogKey, logKey, logSignature, signedCheckpoint } from "../../manifests/log/log-keys.ts";
import { codeOf } from "../../manifests/time/code-of.ts";
import { cheap, passphrase } from "../programs.ts";
import { history } from "../trees.ts";

const tree = history();
/** a log for each test, so that none sees another's state */
const logs: LogKey[] = [];
let used = 0;
let folder: string;
let witness: Witness;
let server: Server;
let url: string;

beforeAll(async () => {
  for (let at = 0; at < 24; at++) logs.push(await logKey(`log.example/${at}`));
  folder = mkdtempSync(join(tmpdir(), "coldseal-witness-"));
  await makeWitness({
    cost: cheap,
    folder: join(folder, "w"),
    listen: { host: "127.0.0.1", port: 0 },
    logs: logs.map(({ vkey }) => verifierKeyText(vkey)),
    name: "witness.example/w1",
    passphrase: utf8(passphrase),
  });
  const opened = await openWitness(join(folder, "w"), async () => utf8(passphrase));
  witness = opened.witness;
  server = await serveWitness(witness, opened.listen);
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server?.close();
  server?.closeAllConnections();
  witness?.heads.close();
  rmSync(folder, { recursive: true, force: true });
});

const newLog = (): LogKey => logs[used++] as LogKey;
const checkpointOf = (log: LogKey, head: TreeHead) => signedCheckpoint({ origin: log.vkey.name, ...head }, log);

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
}
async function post(body: Uint8Array | string, path = "/add-checkpoint", method = "POST"): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    ...(method === "POST" ? { body: new Uint8Array(Buffer.from(body)) } : {}),
  });
  return { status: response.status, type: response.headers.get("content-type"), text: await response.text() };
}
const ask = (
  log: LogKey,
  from: number,
  to: number,
  other: { tree?: typeof tree; path?: readonly Uint8Array[] } = {},
) => {
  const from_ = other.tree ?? tree;
  const path = other.path ?? (from < to ? from_.path(from, to) : []);
  return post(addCheckpointBytes({ old: from, path, checkpoint: checkpointOf(log, from_.head(to)) }));
};

describe("add-checkpoint", () => {
  it("LOG-HEAD: cosigns the first checkpoint from size 0, and each that a proof shows to follow", async () => {
    const log = newLog();
    for (const [from, to] of [
      [0, 3],
      [3, 3],
      [3, 8],
      [8, 13],
    ] as const) {
      const { status, text } = await ask(log, from, to);
      expect(status).toBe(200);
      const note = readNote(checkpointOf(log, tree.head(to)));
      const cosigned = noteBytes(withSignatures(note, readSignatureLines(text)));
      const trust = { log: log.vkey, witnesses: [witness.vkey], cosignatures: 1 };
      const { cosigners } = await checkCheckpoint(nodeHost, cosigned, trust);
      expect(Math.abs((cosigners[0]?.time as number) - Date.now() / 1000)).toBeLessThan(60);
    }
    expect(witness.heads.head(log.vkey.name)).toMatchObject(tree.head(13));
  });

  it("LOG-HEAD: cosigns an empty tree, and goes on from it", async () => {
    const log = newLog();
    expect((await ask(log, 0, 0)).status).toBe(200);
    expect((await ask(log, 0, 2)).status).toBe(200);
  });

  it("LOG-HEAD: 409 and the size it has, where the old size is another", async () => {
    const log = newLog();
    expect((await ask(log, 0, 5)).status).toBe(200);
    for (const old of [0, 3, 6]) {
      expect(await ask(log, old, 8)).toEqual({ status: 409, type: "text/x.tlog.size", text: "5\n" });
    }
    expect(witness.heads.head(log.vkey.name).size).toBe(5);
  });

  it("LOG-PROOF: 422 for a proof that does not hold, for one too many, and for another root of one size", async () => {
    const log = newLog();
    expect((await ask(log, 0, 5, { path: [new Uint8Array(32)] })).status).toBe(422);
    expect((await ask(log, 0, 5)).status).toBe(200);
    expect((await ask(log, 5, 8, { path: [] })).status).toBe(422);
    expect((await ask(log, 5, 8, { path: tree.path(4, 8) })).status).toBe(422);
    expect((await ask(log, 5, 5, { path: [new Uint8Array(32)] })).status).toBe(422);
    const forked = history(2);
    expect((await ask(log, 5, 5, { tree: forked })).status).toBe(422);
    expect((await ask(log, 5, 9, { tree: forked })).status).toBe(422);
    expect(witness.heads.head(log.vkey.name)).toMatchObject({ ...tree.head(5), stopped: null });
  });

  it("LOG-PROOF: 422 for an empty tree with the root of another", async () => {
    const log = newLog();
    const text = checkpointText({ origin: log.vkey.name, ...tree.head(1) }).replace("\n1\n", "\n0\n");
    const checkpoint = noteBytes({ text, signatures: [logSignature(log, text)] });
    expect((await post(addCheckpointBytes({ old: 0, path: [], checkpoint }))).status).toBe(422);
  });

  it("LOG-NOTE: 404 for a log that it does not watch, 403 for a checkpoint that the log's key did not sign", async () => {
    const log = newLog();
    const stranger = await logKey("log.example/other");
    expect((await ask(stranger, 0, 5)).status).toBe(404);
    const text = checkpointText({ origin: log.vkey.name, ...tree.head(5) });
    const signed = logSignature(log, text);
    const wrong = { ...signed, signature: logSignature(log, `${text}x`).signature };
    const cosigned = cosignature(await logKey("witness.example/other", "cosignature/v1"), text, 1);
    for (const signatures of [[wrong], [cosigned], [logSignature(stranger, text)], [signed, signed]]) {
      const checkpoint = noteBytes({ text, signatures });
      expect((await post(addCheckpointBytes({ old: 0, path: [], checkpoint }))).status).toBe(403);
    }
    const both = noteBytes({ text, signatures: [logSignature(stranger, text), signed, cosigned] });
    expect((await post(addCheckpointBytes({ old: 0, path: [], checkpoint: both }))).status).toBe(200);
  });

  it("LOG-FORM: 400 for what is no request, and for an old size above the checkpoint's", async () => {
    const log = newLog();
    const good = fromUtf8(addCheckpointBytes({ old: 0, path: [], checkpoint: checkpointOf(log, tree.head(5)) }));
    const hash = new Uint8Array(32).toBase64();
    for (const body of [
      "",
      "old 0",
      "old 0\n\n",
      good.replace("old 0", "old 00"),
      good.replace("old 0", "old -1"),
      good.replace("old 0", "old  0"),
      good.replace("old 0", "old 9007199254740992"),
      good.replace("old 0", "new 0"),
      good.replace("old 0\n", "old 0\n\r"),
      good.replace("old 0\n", `old 0\n${hash.replace("=", "")}\n`),
      good.replace("old 0\n", `old 0\n${hash}AAAA\n`),
      good.replace("old 0\n", `old 0\n${`${hash}\n`.repeat(64)}`),
      good.replace("old 0\n", "old 0\n\xff\n"),
      good.slice(0, -1),
      good.replace(`${log.vkey.name}\n5\n`, `${log.vkey.name}\n5\nextension\n`),
      good.replace("old 0", "old 6"),
    ]) {
      const { status } = await post(body);
      // An extension line is signed by nobody here: that note fails at its signature first.
      expect([body, status]).toEqual([body, body.includes("extension") ? 403 : 400]);
    }
    const text = `${checkpointText({ origin: log.vkey.name, ...tree.head(5) })}extension\n`;
    const extended = noteBytes({ text, signatures: [logSignature(log, text)] });
    expect((await post(addCheckpointBytes({ old: 0, path: [], checkpoint: extended }))).status).toBe(400);
    expect((await post(good)).status).toBe(200);
  });

  it("LOG-HEAD: of many who ask at once, each with another tree after the same one, one gets its cosignature", async () => {
    const log = newLog();
    const answers = await Promise.all([5, 6, 7, 8, 9, 10].map((size) => ask(log, 0, size)));
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([200, 409, 409, 409, 409, 409]);
    const won = [5, 6, 7, 8, 9, 10][answers.findIndex(({ status }) => status === 200)];
    expect(witness.heads.head(log.vkey.name).size).toBe(won);
    expect(new Set(answers.filter(({ status }) => status === 409).map(({ text }) => text))).toEqual(
      new Set([`${won}\n`]),
    );
  });

  it("LEDGER-STOPPED: its own cosignature over a larger tree than it knows shows that its state is an older one", async () => {
    const log = newLog();
    expect((await ask(log, 0, 5)).status).toBe(200);
    const text = checkpointText({ origin: log.vkey.name, ...tree.head(9) });
    const impostor = cosignature(await logKey(witness.vkey.name, "cosignature/v1"), text, 7);
    const fake = noteBytes({ text, signatures: [logSignature(log, text), { ...impostor, id: witness.vkey.id }] });
    expect((await post(addCheckpointBytes({ old: 4, path: [], checkpoint: fake }))).status).toBe(409);
    const later = noteBytes({
      text,
      signatures: [
        logSignature(log, text),
        cosignature(
          { vkey: witness.vkey, sign: (message) => new Uint8Array(sign(null, message, witness.key)) },
          text,
          7,
        ),
      ],
    });
    expect((await post(addCheckpointBytes({ old: 5, path: tree.path(5, 9), checkpoint: later }))).status).toBe(503);
    expect(await ask(log, 5, 6)).toMatchObject({ status: 503, text: expect.stringContaining("size 9") });
    expect(witness.heads.head(log.vkey.name)).toMatchObject({ size: 5, stopped: expect.stringContaining("size 9") });
  });
});

describe("what it serves", () => {
  it("LOG-NOTE: the checkpoint that it cosigned last, with the log's signature and its own, by the origin's digest", async () => {
    const log = newLog();
    const path = `/${sha256(utf8(log.vkey.name)).toHex()}/checkpoint`;
    expect((await post("", path, "GET")).status).toBe(404);
    await ask(log, 0, 5);
    await ask(log, 5, 7);
    const { status, text } = await post("", path, "GET");
    expect(status).toBe(200);
    const trust = { log: log.vkey, witnesses: [witness.vkey], cosignatures: 1 };
    expect(await checkCheckpoint(nodeHost, utf8(text), trust)).toMatchObject(tree.head(7));
  });

  it("LOG-FORM: nothing else, and bounded requests alone", async () => {
    for (const path of ["/", "/checkpoint", `/${"0".repeat(64)}/checkpoint`, "/add-checkpoint/", "/../keys.json"]) {
      expect((await post("", path, "GET")).status).toBe(404);
    }
    expect((await post("", "/add-checkpoint", "GET")).status).toBe(405);
    expect((await post(new Uint8Array(mostBodyBytes + 1))).status).toBe(413);
    expect(await endless()).toBe("hung up");
    expect((await post("old 0\n\n")).status).toBe(400);
  });
});

/** Sends a request in chunks without end. */
function endless(): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.write("POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    const more = setInterval(() => socket.write(`8000\r\n${"x".repeat(0x8000)}\r\n`), 1);
    socket.on("error", () => undefined);
    socket.once("close", () => {
      clearInterval(more);
      resolve("hung up");
    });
  });
}

describe("a request's bytes", () => {
  it("LOG-FORM: are read as they were written, and no longer ones", async () => {
    const checkpoint = checkpointOf(logs[0] as LogKey, tree.head(200));
    const request = { old: 77, path: tree.path(77, 200), checkpoint };
    expect(readAddCheckpoint(addCheckpointBytes(request))).toEqual(request);
    expect(await codeOf((async () => readAddCheckpoint(new Uint8Array(mostBodyBytes + 1)))())).toBe("LOG-FORM");
  });
});
