/** Uploads that are taken in by the ingest as a process: what it keeps, and what happens where it, the store or the service does not go on. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../../host/crypto-host.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Bundle } from "../../bundle/build.ts";
import { bundleAt, chainOf, digestOf, other, outboxOf } from "../../bundle/chain.ts";
import { issue, makeRoot, pem } from "../../pki/authority.ts";
import { aService, auditor, certificateOf, clientAuth, inShort, keeper, put, type TestService } from "./a-service.ts";
import { schemasOf } from "./schemas.ts";
import { begun, copies, send, soon } from "./sending.ts";
import { tar, tarOf } from "./tars.ts";

/** Of an upload whose ingest had begun: what of it is taken, the service does not know. */
const halfTaken = {
  consequence: "what was taken before stays taken, and the same again goes on",
  next: "send the same again",
};

let test: TestService;
let bundles: readonly [Bundle, Bundle];
let third: Bundle;
beforeAll(async () => {
  const chain = await chainOf(3);
  bundles = [chain[0], chain[1]] as [Bundle, Bundle];
  third = chain[2] as Bundle;
  test = await aService(bundles[0].genesis);
  await test.start();
});
afterAll(() => test.end());
afterEach(() => {
  test.log.length = 0;
  expect(copies(test)).toEqual([]);
});

// One after another: each goes on where the one before ended.
describe("NOTHING-LOST: an upload", () => {
  it("is taken as ingest takes a stick, and found", async () => {
    const archive = tarOf(outboxOf([bundles[0]]));
    const first = await send(test, archive);
    expect([first.status, first.json()]).toMatchObject([
      200,
      { counts: { chained: 1 }, told: [{ stick: "upload", place: "coldseal/outbox/batch-1", result: { entry: 0 } }] },
    ]);
    expect(first.text).not.toContain(test.ledger.dir);
    const digest = hex(sha256(utf8("%PDF-1.7 1")));
    const found = await test.ask(`/v1/documents/${digest.toUpperCase()}`, { as: auditor });
    expect(found.json()).toMatchObject({ digests: [digest], sealed: true, seals: [{ counts: true, entry: 1 }] });
    expect(test.log).toMatchObject([{ event: "taken", client: "keeper", chained: 1 }]);
    expect(JSON.stringify(test.log)).not.toMatch(/contract|batch-1/);
  });

  it("the same again changes nothing", async () => {
    const archive = tarOf(outboxOf([bundles[0]]));
    const before = await test.ledger.records();
    const again = await send(test, archive);
    expect([again.status, again.json()]).toMatchObject([200, { counts: { known: 1 } }]);
    expect(await test.ledger.records()).toEqual(before);
  });

  it("BUSY: while another process writes the store; nothing is lost, and the next one is taken", async () => {
    const archive = tarOf(outboxOf([bundles[1]]));
    const answer = await test.ledger.ledger.db.writing(() => send(test, archive));
    expect([inShort(answer), answer.headers["retry-after"]]).toEqual(["503 BUSY", "5"]);
    expect(answer.json()).toMatchObject({ refusal: halfTaken });
    expect((await send(test, archive)).json()).toMatchObject({ counts: { chained: 1 } });
  });

  it("STOPPED: where the service ends it is told, and the same again goes on", async () => {
    const before = await test.ledger.records();
    const archive = tarOf(outboxOf([third]));
    const { answer, ended } = await test.ledger.ledger.db.writing(async () => {
      const answer = send(test, archive);
      // Its ingest waits for the store.
      while (copies(test).length === 0) await soon();
      const ended = test.service.stop(0);
      return { answer: await answer, ended };
    });
    await ended;
    expect(answer.status).toBe(503);
    expect(answer.json()).toMatchObject({ refusal: { ...halfTaken, code: "STOPPED" } });
    expect(test.log).toMatchObject([{ event: "refused", code: "STOPPED" }]);
    await test.start();
    expect(await test.ledger.records()).toEqual(before);
    expect((await send(test, archive)).json()).toMatchObject({ counts: { chained: 1 } });
  });

  it("of an archive of nothing is refused, and nothing is there; the document says so", async () => {
    const before = await test.ledger.records();
    const answer = await send(test, tar([]));
    expect(inShort(answer)).toBe("422 USAGE");
    const schemas = await schemasOf(test);
    expect(schemas.holds(schemas.schemaOf(answer, "upload"), answer.json())).toBeNull();
    expect(await test.ledger.records()).toEqual(before);
  });

  it("LEDGER-FORK: tells what is in dispute, and keeps it", async () => {
    const fork = await bundleAt({ number: 1 }, { manifest: other });
    expect(digestOf(fork)).not.toBe(digestOf(bundles[0]));
    const answer = await send(test, tarOf(outboxOf([fork])));
    expect(inShort(answer)).toBe("409 LEDGER-FORK");
    expect((await test.ask("/metrics", { as: keeper })).text).toMatch(
      /^coldseal_ledger_disputes\{box="[0-9a-f]{16}"\} 1$/m,
    );
  });

  it("of one record: what does not hold is refused, and the rest of the answer says so", async () => {
    const record = (kind: string, body: Uint8Array) =>
      test.ask(`/v1/records/${kind}`, {
        ...{ method: "POST", as: keeper, body },
        headers: { "content-type": "application/octet-stream" },
      });
    const refused = await record("transcript", utf8("no CMS"));
    expect(refused.json()).toMatchObject({ counts: { refused: 1 }, told: [{ what: "transcript" }] });
    expect(inShort(refused)).toMatch(/^422 (DER|CMS)/);
    expect((await record("policy", bundles[0].files.get("policy/0001.p7m") as Uint8Array)).status).toBe(200);
    expect(inShort(await record("inbox", utf8("x")))).toBe("400 USAGE");
    expect(inShort(await record("..%2f..", utf8("x")))).toBe("400 USAGE");
    expect(inShort(await record("order", new Uint8Array(0)))).toBe("400 UPLOAD");
  });

  it("CLIENT: by a certificate of an intermediate that the client sends; leave to send is given to whom it is due", async () => {
    const root = makeRoot({ name: "Others" });
    const middle = issue(root, { name: "middle", ca: true });
    put(test.ledger.folder, "clients.crt", pem(root.certificate));
    test.service.reload();
    const leaf = issue(middle, { name: "keeper", eku: [clientAuth] });
    const chain = { cert: pem(leaf.certificate) + pem(middle.certificate), key: certificateOf(leaf).key };
    const { answer, sent } = begun(test, { expect: "100-continue", "content-length": "1024" }, chain);
    sent.on("continue", () => sent.end(tar([])));
    sent.flushHeaders();
    expect(await answer).toBe(422);
  });
});
