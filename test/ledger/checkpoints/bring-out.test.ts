/** From stored to published, in that order alone: what is done stays done, what is down delays only what follows, and what went another way is refused. */

import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { askWitness } from "../../../ledger/checkpoints/ask-witness.ts";
import type { BroughtOut } from "../../../ledger/checkpoints/bring-out.ts";
import { lastPublished } from "../../../ledger/checkpoints/last-published.ts";
import type { WitnessSettings } from "../../../ledger/checkpoints/witness-settings.ts";
import { broughtOutLines } from "../../../ledger/commands/checkpoint-words.ts";
import { provenConsistency } from "../../../ledger/log/proofs.ts";
import { treeHead } from "../../../ledger/log/tree-head.ts";
import { publish } from "../../../ledger/publish/publish.ts";
import { checkCheckpoint, readCheckpoint } from "../../../manifests/log/checkpoint.ts";
import { noteBytes, readNote, signatureLine } from "../../../manifests/log/note.ts";
import { cosignature, logKey } from "../../manifests/log/log-keys.ts";
import { codeOf } from "../../manifests/time/code-of.ts";
import { aLedger, recordsFrom } from "../a-ledger.ts";
import { storeKept } from "../store/engine.ts";
import { aLog, noSigner, type TestLog, type TestWitness } from "./a-log.ts";

const none: WitnessSettings = { cosignatures: 0, witnesses: [] };

let log: TestLog;
const servers: Server[] = [];
beforeEach(async () => {
  log = await aLog();
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
  await log.end();
});

const grow = async (count: number) => {
  const { size } = await log.ledger.db.reading(treeHead);
  await log.ledger.add(recordsFrom(size, count));
};

/** What a place shows; undefined: no checkpoint. */
const shownAt = (at: number) => {
  const path = join(log.places[at]?.name ?? "", "checkpoint");
  return existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined;
};
const sizeAt = (at: number) => readCheckpoint(shownAt(at) as Uint8Array).size;

const trust = (witnesses: readonly TestWitness[], cosignatures: number) => ({
  log: log.log,
  witnesses: witnesses.map(({ key }) => key),
  cosignatures,
});

const done = ({ waiting, published }: BroughtOut) => [waiting?.code ?? null, published?.size ?? null];

describe("bringing out", () => {
  it("LOG-HEAD: signs what is stored, has it cosigned, and publishes it everywhere; again changes nothing and signs nothing", async () => {
    const witnesses = [await log.witness("witness.example/1"), await log.witness("witness.example/2")];
    const settings = { cosignatures: 2, witnesses };
    expect(await log.bringOut(settings, { signer: noSigner })).toMatchObject({
      size: 0,
      waiting: null,
      published: null,
    });
    for (const more of [3, 1, 300]) {
      await grow(more);
      const out = await log.bringOut(settings);
      const { root, size } = await log.ledger.db.reading(treeHead);
      expect(done(out)).toEqual([null, size]);
      for (const at of [0, 1]) {
        expect(await checkCheckpoint(nodeHost, shownAt(at) as Uint8Array, trust(witnesses, 2))).toMatchObject({
          root,
          size,
        });
      }
      const before = shownAt(0);
      const again = { ...out, places: out.places.map((place) => ({ ...place, changed: false })) };
      expect(await log.bringOut(settings, { signer: noSigner })).toEqual(again);
      expect(shownAt(0)).toEqual(before);
      expect(await lastPublished(log.ledger.db, settings, log.places)).toEqual(out.published);
    }
  });

  it("LOG-RECORD: says of a place that has the checkpoint already that it was not looked at again, also where its files were changed", async () => {
    const said = async () => broughtOutLines(await log.bringOut(none), none).slice(2);
    await grow(3);
    expect(await said()).toEqual(log.places.map(({ name }) => `  ${name}: published`));
    rmSync(join(log.places[0]?.name ?? "", "tile"), { recursive: true });
    const asBefore = "as before, not looked at again (`coldseal ledger verify`)";
    expect(await said()).toEqual(log.places.map(({ name }) => `  ${name}: ${asBefore}`));
    await grow(1);
    expect(await said()).toEqual(log.places.map(({ name }) => `  ${name}: published`));
  });

  it("LOG-HEAD: two at once come to the same", async () => {
    const settings = { cosignatures: 1, witnesses: [await log.witness("witness.example/1")] };
    await grow(5);
    const both = await Promise.all([log.bringOut(settings), log.bringOut(settings)]);
    expect(both.map(done)).toEqual([
      [null, 5],
      [null, 5],
    ]);
    expect(both[0]?.published).toEqual(both[1]?.published);
  });

  it("LOG-HEAD: goes on after a crash behind each step: signed and not kept, cosigned and not kept, published and not noted", async () => {
    const witness = await log.witness("witness.example/1");
    const settings = { cosignatures: 1, witnesses: [witness] };
    await grow(5);
    await log.bringOut(settings);
    await grow(4);
    const head = await log.ledger.db.reading(treeHead);
    const path = await log.ledger.db.reading((sql) => provenConsistency(sql, 5, 9));
    const note = await (await log.signer()).checkpoint(head, 5, path);
    const answer = await askWitness(witness, { old: 5, path, checkpoint: note }, AbortSignal.timeout(5000));
    if (answer.kind !== "cosigned") throw new Error("not cosigned");
    await publish(
      log.ledger,
      log.places[0] as never,
      noteBytes({ ...readNote(note), signatures: [...readNote(note).signatures, answer.signature] }),
    );
    log.ledger = await log.ledger.reopened();
    const out = await log.bringOut(settings);
    expect(done(out)).toEqual([null, 9]);
    expect(out.witnesses).toEqual([{ witness: "witness.example/1", by: "ourselves", cosigned: true, why: null }]);
    expect([sizeAt(0), sizeAt(1)]).toEqual([9, 9]);
  });
});

describe("witnesses that do not cosign", () => {
  it("WITNESS: one that is down delays nothing where enough are there, and is led on from where it stood when it is back", async () => {
    const [one, two] = [await log.witness("witness.example/1"), await log.witness("witness.example/2")];
    const settings = { cosignatures: 1, witnesses: [one, two] };
    await grow(5);
    await log.bringOut(settings);
    const away = { ...settings, witnesses: [one, { ...two, url: "http://127.0.0.1:1" }] };
    await grow(3);
    const out = await log.bringOut(away);
    expect(done(out)).toEqual([null, 8]);
    expect(out.witnesses[1]).toMatchObject({ cosigned: false, why: expect.stringContaining("does not answer") });
    await grow(1);
    const back = await log.bringOut(settings);
    expect(done(back)).toEqual([null, 9]);
    expect(back.cosigners).toBe(2);
  });

  it("WITNESS: too few, and nothing is published; signed and kept it waits, and goes on without its signer", async () => {
    const one = await log.witness("witness.example/1");
    const two = await log.witness("witness.example/2");
    await grow(5);
    await log.bringOut({ cosignatures: 1, witnesses: [one] });
    await grow(3);
    const settings = { cosignatures: 2, witnesses: [one, { ...two, url: "http://127.0.0.1:1" }] };
    const out = await log.bringOut(settings);
    expect(done(out)).toEqual(["WITNESS", null]);
    expect(out).toMatchObject({ size: 8, cosigners: 1, places: [] });
    expect(out.waiting?.got).toContain("witness.example/2");
    expect([sizeAt(0), sizeAt(1)]).toEqual([5, 5]);
    expect(done(await log.bringOut({ ...settings, witnesses: [one, two] }, { signer: noSigner }))).toEqual([null, 8]);
  });

  it("WITNESS: an answer counts for what was verified of it alone", async () => {
    await grow(5);
    const asked = await log.witness("witness.example/1");
    const liar = await logKey("witness.example/1", "cosignature/v1");
    const answers: readonly (readonly [string, RequestListener])[] = [
      [
        "another key under its name",
        answering(200, (text) => signatureLine({ ...cosignature(liar, text, 1), id: asked.key.id })),
      ],
      ["another witness's line", answering(200, (text) => signatureLine(cosignature(liar, text, 1)))],
      ["no line", answering(200, () => "")],
      ["rubbish", answering(200, () => "rubbish\n")],
      ["bytes that are no text", (_, response) => response.end(Buffer.from([0xff, 0xfe]))],
      ["a refusal", answering(422, () => "LOG-PROOF: no\u001b[2J\n")],
      ["a larger size", answering(409, () => "77\n")],
      ["a size that is none", answering(409, () => "5")],
      ["the same size for ever", answering(409, () => "5\n")],
      ["elsewhere", (_, response) => response.writeHead(307, { location: "http://127.0.0.1:1/" }).end()],
      ["an answer without end", (_, response) => endless(response)],
      ["no answer", () => undefined],
      ["a hang-up", (request) => request.socket.destroy()],
    ];
    for (const [what, listener] of answers) {
      const settings = { cosignatures: 1, witnesses: [{ ...asked, url: await served(listener) }] };
      const started = performance.now();
      const out = await log.bringOut(settings, { patience: { each: 1500, others: 200 } });
      expect([what, ...done(out)]).toEqual([what, "WITNESS", null]);
      expect(performance.now() - started).toBeLessThan(20_000);
      expect(shownAt(0)).toBeUndefined();
    }
    expect(done(await log.bringOut({ cosignatures: 1, witnesses: [asked] }))).toEqual([null, 5]);
  });

  it("LEDGER-STOPPED: one that lost what it cosigned is shown its own cosignature, and stops", async () => {
    const witness = await log.witness("witness.example/1");
    const settings = { cosignatures: 1, witnesses: [witness] };
    await grow(5);
    await log.bringOut(settings);
    await grow(3);
    await log.bringOut(settings);
    const { heads } = witness.witness;
    const name = log.log.name;
    const head = heads.head.bind(heads);
    // As if its state were the one before the last checkpoint.
    const older = await log.ledger.db.reading((sql) =>
      sql.get<{ root: Uint8Array }>("SELECT root FROM checkpoints WHERE size = 5"),
    );
    heads.head = (origin) => ({ ...head(origin), size: 5, root: older?.root as Uint8Array });
    await grow(1);
    const out = await log.bringOut(settings);
    expect(done(out)).toEqual(["WITNESS", null]);
    expect(out.witnesses[0]?.why).toMatch(/put back: it stands at size 5, and cosigned size 8/);
    heads.head = head;
    expect(heads.head(name).stopped).toMatch(/cosigned size 8 before/);
    expect(done(await log.bringOut(settings))).toEqual(["WITNESS", null]);
  });
});

describe("a store that is not the one that was signed", () => {
  it("LOG-HEAD: put back to before what was signed: nothing more is signed", async () => {
    await grow(5);
    await log.bringOut(none);
    log.ledger = await log.ledger.reopened();
    log.ledger.close();
    const putBack = await storeKept(log.ledger.folder);
    log.ledger = await log.ledger.reopened();
    await grow(4);
    await log.bringOut(none);
    log.ledger.close();
    putBack();
    log.ledger = await log.ledger.reopened();
    await grow(1);
    expect(await codeOf(log.bringOut(none))).toBe("LOG-HEAD");
    await grow(7);
    expect(await codeOf(log.bringOut(none))).toBe("LOG-HEAD");
    expect(sizeAt(0)).toBe(9);
  });

  it("LOG-HEAD: of another history under the same keys: nothing more is signed, cosigned or published", async () => {
    await grow(5);
    const settings = { cosignatures: 1, witnesses: [await log.witness("witness.example/1")] };
    await log.bringOut(settings);
    const other = await aLedger();
    try {
      await other.add(recordsFrom(100, 8));
      const [own] = [log.ledger];
      log.ledger = other;
      expect(await codeOf(log.bringOut(settings))).toBe("LOG-HEAD");
      log.ledger = own;
    } finally {
      other.end();
    }
    expect(sizeAt(0)).toBe(5);
  });

  it("LOG-NOTE: a checkpoint of another key is not taken from a signer, nor out of the store", async () => {
    await grow(2);
    const stranger = await aLog();
    try {
      await stranger.ledger.add(recordsFrom(0, 1));
      expect(await codeOf(log.bringOut(none, { signer: stranger.signer }))).toBe("LOG-NOTE");
    } finally {
      await stranger.end();
    }
    expect(done(await log.bringOut(none))).toEqual([null, 2]);
  });
});

describe("places that are down", () => {
  it("STORE: the other place has it all the same; nothing counts as published everywhere before both have", async () => {
    await grow(5);
    await log.bringOut(none);
    await grow(3);
    const [, second] = log.places;
    const away = `${second?.name}.away`;
    renameSync(second?.name as string, away);
    const out = await log.bringOut(none);
    expect(done(out)).toEqual(["STORE", null]);
    expect(out.places.map(({ published }) => published)).toEqual([true, false]);
    expect(sizeAt(0)).toBe(8);
    expect((await lastPublished(log.ledger.db, none, log.places))?.size).toBe(5);
    renameSync(away, second?.name as string);
    expect(done(await log.bringOut(none, { signer: noSigner }))).toEqual([null, 8]);
    expect(sizeAt(1)).toBe(8);
    expect((await lastPublished(log.ledger.db, none, log.places))?.size).toBe(8);
  });
});

async function served(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers with what `make` makes of the checkpoint's text. */
function answering(status: number, make: (text: string) => string): RequestListener {
  return async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    const text = body.slice(body.indexOf("\n\n") + 2, body.lastIndexOf("\n\n") + 1);
    response.writeHead(status).end(make(text));
  };
}

function endless(response: import("node:http").ServerResponse): void {
  const more = setInterval(() => response.write("x".repeat(10_000)), 5);
  response.on("close", () => clearInterval(more));
}
