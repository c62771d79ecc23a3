/** A witness as a process: killed around its one write, put back to an older state, moved forward by a person. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { addCheckpointBytes } from "../../../ledger/witness/add-checkpoint.ts";
import { checkpointText } from "../../../manifests/log/checkpoint.ts";
import { noteBytes, readSignatureLines } from "../../../manifests/log/note.ts";
import { verifierKeyText } from "../../../manifests/log/verifier-key.ts";
import { type LogKey, logKey, logSignature, signedCheckpoint } from "../../manifests/log/log-keys.ts";
import { ledgerCommand } from "../programs.ts";
import { history } from "../trees.ts";
import { RealWitness } from "./real-witness.ts";

const tree = history();
const made: RealWitness[] = [];
afterEach(async () => {
  for (const one of made.splice(0)) await one.remove();
});

async function witnessOf(log: LogKey): Promise<RealWitness> {
  const witness = await RealWitness.make("witness.example/w1", [verifierKeyText(log.vkey)]);
  made.push(witness);
  return witness;
}

describe("a witness that is killed", () => {
  it.each(["before", "after"] as const)(
    "LOG-HEAD: %s its write, goes on from what it gave out or could have",
    async (moment) => {
      const log = await logKey("log.example/1");
      const witness = await witnessOf(log);
      await witness.startDying(moment);
      await expect(witness.ask(log, tree, 0, 5)).rejects.toThrow();
      await witness.served?.end();
      await witness.start();
      const again = await witness.ask(log, tree, 0, 5);
      if (moment === "before") expect(again.status).toBe(200);
      else expect(again).toEqual({ status: 409, text: "5\n" });
      // Whatever it wrote: another history of that size never gets a cosignature.
      expect((await witness.ask(log, history(2), 5, 5)).status).toBe(422);
      expect((await witness.ask(log, tree, 5, 8)).status).toBe(200);
    },
  );
});

describe("a witness that was put back", () => {
  it("LEDGER-STOPPED: cosigns nothing, also after a start, until a person says Yes to its own newest checkpoint", async () => {
    const log = await logKey("log.example/2");
    const witness = await witnessOf(log);
    await witness.start();
    await witness.ask(log, tree, 0, 5);
    await witness.served?.end();
    witness.backUp();
    await witness.start();
    const { text: line } = await witness.ask(log, tree, 5, 9);
    await witness.served?.end();
    witness.restore();
    for (let start = 0; start < 2; start++) {
      await witness.start();
      expect(await witness.ask(log, tree, 5, 7)).toMatchObject({ status: 503 });
      expect(await witness.ask(log, history(7), 5, 9)).toMatchObject({ status: 503 });
      expect(witness.served?.err).toMatch(/STOPPED/);
      await witness.served?.end();
    }

    const text = checkpointText({ origin: log.vkey.name, ...tree.head(9) });
    const file = (name: string, bytes: Uint8Array): string => {
      writeFileSync(join(witness.base, name), bytes);
      return join(witness.base, name);
    };
    const forward = (path: string, input: string) =>
      ledgerCommand(["witness", "forward", witness.folder, path], { input });
    const own = file("own", noteBytes({ text, signatures: [logSignature(log, text), ...readSignatureLines(line)] }));
    const logOnly = file("log-only", signedCheckpoint({ origin: log.vkey.name, ...tree.head(9) }, log));
    const older = file("older", signedCheckpoint({ origin: log.vkey.name, ...tree.head(3) }, log));
    const forked = file("forked", signedCheckpoint({ origin: log.vkey.name, ...history(2).head(9) }, log));
    const unsigned = file("unsigned", noteBytes({ text, signatures: readSignatureLines(line) }));

    expect(await forward(own, "yes\n")).toMatchObject({ status: 3, err: expect.stringContaining("STOPPED") });
    expect(await forward(own, "")).toMatchObject({ status: 3 });
    expect(await forward(logOnly, "Yes\n")).toMatchObject({ status: 4, err: expect.stringContaining("LOG-PROOF") });
    expect(await forward(older, "Yes\n")).toMatchObject({ status: 1, err: expect.stringContaining("LOG-HEAD") });
    expect(await forward(forked, "Yes\n")).toMatchObject({ status: 4, err: expect.stringContaining("LOG-PROOF") });
    expect(await forward(unsigned, "Yes\n")).toMatchObject({ status: 4, err: expect.stringContaining("LOG-NOTE") });
    await witness.start();
    expect(await witness.ask(log, tree, 5, 7)).toMatchObject({ status: 503 });
    expect(await forward(own, "Yes\n")).toMatchObject({ status: 3, err: expect.stringContaining("BUSY") });
    await witness.served?.end();
    expect(await forward(own, "Yes\n")).toMatchObject({ status: 0, out: expect.stringContaining("size 9") });
    await witness.start();
    expect(await witness.ask(log, tree, 5, 7)).toEqual({ status: 409, text: "9\n" });
    expect((await witness.ask(log, tree, 9, 12)).status).toBe(200);
  });

  it("LEDGER-STOPPED: is also moved by a request that proves that the log's newest holds all of its state", async () => {
    const log = await logKey("log.example/3");
    const witness = await witnessOf(log);
    await witness.start();
    await witness.ask(log, tree, 0, 5);
    await witness.served?.end();
    witness.backUp();
    witness.restore();
    const checkpoint = signedCheckpoint({ origin: log.vkey.name, ...tree.head(8) }, log);
    const path = join(witness.base, "request");
    writeFileSync(path, addCheckpointBytes({ old: 5, path: tree.path(5, 8), checkpoint }));
    const args = ["witness", "forward", witness.folder, path, "--json"];
    expect(await ledgerCommand(args, { input: "Yes\n" })).toMatchObject({
      status: 0,
      out: expect.stringContaining('"size":8'),
    });
    await witness.start();
    expect((await witness.ask(log, tree, 8, 9)).status).toBe(200);
  });
});

describe("a witness's program", () => {
  it("BUSY: one process serves a folder; PIN-WRONG: with its passphrase; CONFIG: a folder is made once", async () => {
    const log = await logKey("log.example/4");
    const witness = await witnessOf(log);
    const run = ["witness", "run", witness.folder, "--passphrase-fd", "3"];
    expect(await ledgerCommand(run, { secret: "another passphrase" })).toMatchObject({
      status: 1,
      err: expect.stringContaining("PIN-WRONG"),
    });
    await witness.start();
    expect(await ledgerCommand(run)).toMatchObject({ status: 3, err: expect.stringContaining("BUSY") });
    expect((await witness.ask(log, tree, 0, 5)).status).toBe(200);
    const make = [
      "witness",
      "make",
      witness.folder,
      "--name",
      "w",
      "--log",
      verifierKeyText(log.vkey),
      "--passphrase-fd",
      "3",
    ];
    expect(await ledgerCommand(make)).toMatchObject({ status: 2, err: expect.stringContaining("CONFIG") });
    const other = [...make.slice(0, 2), join(witness.base, "x"), ...make.slice(3)];
    expect(await ledgerCommand(other, { secret: "short" })).toMatchObject({
      status: 1,
      err: expect.stringContaining("SECRET"),
    });
    // Before anybody is asked for a passphrase.
    const none = [...other.slice(0, 6), "nonsense"];
    expect(await ledgerCommand(none)).toMatchObject({ status: 2, err: expect.stringMatching(/^USAGE/) });
  });
});
