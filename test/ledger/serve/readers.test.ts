import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import type { ConsistencyAnswer, InclusionAnswer } from "../../../ledger/serve/published-log.ts";
import { fromBase64, fromHex, hex } from "../../../manifests/encoding/bytes.ts";
import { checkCheckpoint } from "../../../manifests/log/checkpoint.ts";
import { readBundle, readTile } from "../../../manifests/log/tiles.ts";
import { checkConsistency, checkInclusion } from "../../../manifests/log/tree-proof.ts";
import { leafHash } from "../../../manifests/records/merkle.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, outboxOf } from "../../bundle/chain.ts";
import { aService, inShort, keeper, type TestService } from "./a-service.ts";

let test: TestService;
beforeAll(async () => {
  const [first, second] = (await chainOf(2)) as [Bundle, Bundle];
  test = await aService(first.genesis);
  await test.ledger.ingest(outboxOf([first]));
  await test.bringOut();
  await test.ledger.ingest(outboxOf([second]));
  await test.bringOut();
  await test.start();
});
afterAll(() => test.end());

const checked = (note: string) =>
  checkCheckpoint(nodeHost, fromBase64(note), { log: test.keys.vkey, witnesses: [], cosignatures: 0 });

describe("LOG-PROOF: readers of the service", () => {
  it("get checkpoint, tiles and entries as they are published, without a certificate", async () => {
    const note = await test.ask("/checkpoint");
    expect([note.status, note.headers["content-type"], note.headers["cache-control"]]).toEqual([
      200,
      "text/plain; charset=utf-8",
      "no-cache",
    ]);
    const { root, size } = await checked(note.body.toString("base64"));
    expect(size).toBe(4);
    const tile = await test.ask("/tile/0/000.p/4");
    expect([tile.status, tile.headers["content-type"]]).toEqual([200, "application/octet-stream"]);
    const leaves = readBundle((await test.ask("/tile/entries/000.p/4")).body, 4);
    const hashes = await Promise.all(leaves.map((leaf) => leafHash(nodeHost, leaf)));
    expect(readTile(tile.body, 4).map(hex)).toEqual(hashes.map(hex));
    const [a, b, c, d] = hashes as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const node = (left: Uint8Array, right: Uint8Array) => sha256(Buffer.concat([Uint8Array.of(1), left, right]));
    expect(hex(root)).toBe(hex(node(node(a, b), node(c, d))));
    expect((await test.ask("/tile/0/000.p/4", { method: "HEAD" })).body).toHaveLength(0);
  });

  it("get proofs by index that lead to the signed checkpoint", async () => {
    for (const index of [0, 1, 2, 3]) {
      const answer = await test.ask(`/v1/inclusion?index=${index}`);
      const { checkpoint, path, ...proof } = answer.json<InclusionAnswer>();
      const { root, size } = await checked(checkpoint);
      expect(proof).toMatchObject({ index, size, root: hex(root) });
      await checkInclusion(nodeHost, { index, leafHash: fromHex(proof.leafHash), path: path.map(fromHex), root, size });
    }
    const older = (await test.ask("/v1/inclusion?index=1&size=2")).json<InclusionAnswer>();
    const from = { size: 2, root: fromHex(older.root) };
    const grown = (await test.ask("/v1/consistency?from=2&size=4")).json<ConsistencyAnswer>();
    const to = await checked(grown.checkpoint);
    await checkConsistency(nodeHost, { from, to, path: grown.path.map(fromHex) });
  });

  it.each([
    ["/v1/inclusion?index=4", "404 LOG-PROOF"],
    ["/v1/inclusion?index=9007199254740991", "404 LOG-PROOF"],
    ["/v1/inclusion?index=9999999999999999", "404 LOG-PROOF"],
    ["/v1/inclusion?index=0&size=5", "404 LOG-PROOF"],
    ["/v1/inclusion?index=0&size=0", "404 LOG-PROOF"],
    ["/v1/inclusion", "400 USAGE"],
    ["/v1/inclusion?index=-1", "400 USAGE"],
    ["/v1/inclusion?index=1e3", "400 USAGE"],
    ["/v1/inclusion?index=1&index=2", "400 USAGE"],
    ["/v1/inclusion?index=1&x=2", "400 USAGE"],
    ["/v1/consistency?from=5", "404 LOG-PROOF"],
    ["/v1/consistency?from=3&size=2", "404 LOG-PROOF"],
    ["/v1/consistency?from=0x1", "400 USAGE"],
    ["/tile/0/001", "404 UNPUBLISHED"],
    ["/tile/0/000.p/3", "404 UNPUBLISHED"],
    ["/tile/0/000.p/999", "400 LOG-FORM"],
    ["/tile/0/../../origin", "400 LOG-FORM"],
    ["/tile/../origin", "400 LOG-FORM"],
    ["/tile/%2e%2e/%2e%2e/store.sqlite", "400 LOG-FORM"],
    ["/tile/0/..%2f..%2f..%2fstore.sqlite", "400 LOG-FORM"],
    ["/tile/0/000%00", "400 LOG-FORM"],
    ["/tile/0/000.p/4?x=1", "400 USAGE"],
    ["/tile/%30/000.p/4", "400 LOG-FORM"],
    ["/tile/7/000", "400 LOG-FORM"],
    ["/tile/0/x999/x999/x999/x999/x999/x999/999", "400 LOG-FORM"],
    ["/tile/0/x999/x999/x999/x999/999", "404 UNPUBLISHED"],
    ["/tile/", "400 LOG-FORM"],
    ["/origin", "404 USAGE"],
    ["/store.sqlite", "404 USAGE"],
    ["/..%2f..%2fetc/passwd", "404 USAGE"],
    ["//", "404 USAGE"],
    ["/%", "400 USAGE"],
  ])("%s: %s", async (path, expected) => {
    expect(inShort(await test.ask(path))).toBe(expected);
  });

  it("STORE: go on while the store is gone, which a search is told; it is found again when it is back", async () => {
    const digest = "ab".repeat(32);
    const find = () => test.ask(`/v1/documents/${digest}`, { as: keeper });
    expect((await find()).status).toBe(200);
    const store = join(test.ledger.folder, "store.sqlite");
    renameSync(store, `${store}.away`);
    const gone = await find();
    expect([inShort(gone), gone.headers["retry-after"]]).toEqual(["503 STORE", "30"]);
    expect(gone.text).not.toContain(test.ledger.folder);
    expect((await test.ask("/v1/inclusion?index=3")).status).toBe(200);
    expect((await test.ask("/health")).json()).toMatchObject({ healthy: false, entry: { problem: { code: "STORE" } } });
    expect((await test.ask("/metrics", { as: keeper })).text).toMatch(/^coldseal_ledger_healthy 0$/m);
    writeFileSync(store, "no database");
    expect(inShort(await find())).toBe("503 STORE");
    rmSync(store);
    renameSync(`${store}.away`, store);
    expect((await find()).status).toBe(200);
  });

  it("LOG-RECORD: are never given a proof that does not hold", async () => {
    const tile = join(test.ledger.folder, "published/tile/0/000.p/4");
    const bytes = (await test.ask("/tile/0/000.p/4")).body;
    writeFileSync(tile, Buffer.concat([bytes.subarray(0, 127), Uint8Array.of((bytes[127] as number) ^ 1)]));
    expect(inShort(await test.ask("/v1/inclusion?index=0"))).toBe("500 LOG-RECORD");
    expect(inShort(await test.ask("/v1/consistency?from=3"))).toBe("500 LOG-RECORD");
    writeFileSync(tile, bytes);
    expect((await test.ask("/v1/inclusion?index=0")).status).toBe(200);
  });
});
