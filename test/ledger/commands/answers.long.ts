/** The ledger's answers as processes, in words and as JSON: records with their proofs, and reconciliation. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { treeHead } from "../../../ledger/log/tree-head.ts";
import { placesOf } from "../../../ledger/publish/places.ts";
import { publish } from "../../../ledger/publish/publish.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { verifierKeyText } from "../../../manifests/log/verifier-key.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, layBundle, outboxOf, type Stick } from "../../bundle/chain.ts";
import { oids, op1, op2 } from "../../bundle/people.ts";
import { signedBy } from "../../bundle/signed.ts";
import { logKey, signedCheckpoint } from "../../manifests/log/log-keys.ts";
import { transcriptContent } from "../../manifests/records/transcript-content.ts";
import { type TestLedger, testLedger } from "../ingest/on-real-ledger.ts";
import { ledgerCommand } from "../programs.ts";

let bundles: readonly Bundle[];
let box: TestLedger;
let transcript: Uint8Array;
beforeAll(async () => {
  bundles = await chainOf(2);
  box = await testLedger();
  await box.enrol((bundles[0] as Bundle).genesis);
  const people = [op1, op2].map(({ certificate }, at) => ({ id: `op${at + 1}`, certificate }));
  transcript = await transcriptContent(people, { run: "live" });
  const stick: Stick = new Map([
    ["coldseal/transcripts/2026-001-genesis.p7m", await signedBy([op1, op2], oids.transcript, transcript)],
    ...outboxOf(bundles),
  ]);
  await box.ingest(stick);
  const { root, size } = await box.ledger.db.reading(treeHead);
  const { origin } = box.ledger;
  const note = signedCheckpoint({ origin, root, size }, await logKey(origin));
  for (const place of placesOf(box.ledger)) await publish(box.ledger, place, note);
});
afterAll(() => box.end());

describe("records beside manifests", () => {
  it("LOG-PROOF: one goes with its proof to whoever checks it by the log's key alone", async () => {
    const list = await ledgerCommand(["records", box.folder, "box-1"]);
    expect([list.status, list.out]).toEqual([0, expect.stringMatching(/^entry +record.*\n +4 +transcript/)]);
    expect((await ledgerCommand(["list", box.folder])).out).toMatch(/records.*\nbox-1 .* 1 +goes on/);
    const to = join(box.dir, "given");
    const given = await ledgerCommand(["records", box.folder, "box-1", "--entry", "4", "--to", to, "--json"]);
    const [record, proof] = [join(to, "transcript-4.p7m"), join(to, "transcript-4.log.json")];
    expect(JSON.parse(given.out)).toMatchObject({
      record: { type: "transcript", entry: 4, about: { archive: "2026-001" } },
      files: [record, proof],
    });
    const log = ["--log", verifierKeyText((await logKey(box.ledger.origin)).vkey)];
    expect(await ledgerCommand(["proven", proof, record, ...log])).toMatchObject({
      status: 0,
      out: expect.stringContaining("IN THE LOG: transcript of box-1"),
    });
    writeFileSync(record, await signedBy([op1], oids.transcript, transcript.slice(1)));
    expect(await ledgerCommand(["proven", proof, record, ...log])).toMatchObject({
      status: 4,
      err: expect.stringMatching(/^LOG-PROOF: the proof is of another record/),
    });
    expect(await ledgerCommand(["records", box.folder, "box-1", "--entry", "0"])).toMatchObject({ status: 1 });
    expect(await ledgerCommand(["records", box.folder, "box-1", "--type", "x"])).toMatchObject({ status: 2 });
  });
});

describe("reconcile", () => {
  it("LEDGER-ANSWER, UX9: ends with 1 and a line for what is unexplained; else with 0", async () => {
    const files: Stick = new Map();
    for (const bundle of bundles) {
      layBundle(files, `answers/batch-${bundle.manifest.number}`, bundle);
      for (const [name, bytes] of bundle.documents) files.set(`documents/${name}`, bytes);
    }
    const right = box.stick(files, "right");
    expect(await ledgerCommand(["reconcile", box.folder, "--desk", right])).toMatchObject({
      status: 0,
      out: expect.stringMatching(/box-1 .* 2 .*NOT HELD AGAINST the HSM.*everything is explained/s),
    });
    files.set("documents/none.pdf", utf8("nobody sealed this"));
    const wrong = box.stick(files, "wrong");
    const told = await ledgerCommand(["reconcile", box.folder, "box-1", "--desk", wrong]);
    expect([told.status, told.out]).toEqual([
      1,
      expect.stringMatching(/UNEXPLAINED: 1\n .*none\.pdf: a document without seal/),
    ]);
    const json = await ledgerCommand(["reconcile", box.folder, "--desk", wrong, "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({ unexplained: [{ what: "document-without-seal" }], explained: [] });
  });
});

describe("emergencies", () => {
  it("EMERGENCY: none is said to be none", async () => {
    expect(await ledgerCommand(["emergencies", box.folder])).toMatchObject({
      status: 0,
      out: "no emergency, as far as records came in\n",
    });
  });
});
