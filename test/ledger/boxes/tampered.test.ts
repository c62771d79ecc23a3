/** `coldseal ledger verify` finds whatever somebody changed, took away or put into what is stored of boxes, by another program than the ledger. */

import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import { openLedger } from "../../../ledger/ledger-folder.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import { refusalFileBytes } from "../../../manifests/records/refusal-record.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, keeperOf, layBundle, type Stick } from "../../bundle/chain.ts";
import { audit, issuer, oids } from "../../bundle/people.ts";
import { times } from "../../bundle/signed.ts";
import { refusalRecord } from "../../manifests/verify/refusal-record.ts";
import { type TestLedger, testLedger } from "../ingest/on-real-ledger.ts";
import { copyStore } from "../store/engine.ts";
import { tamper } from "../tampering.ts";

let box: TestLedger;
let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-tampered-"));
  const bundles = await chainOf(4, () => ({ documents: { "a.pdf": "a", "b.pdf": "b" } }));
  const [first, second] = bundles as [Bundle, Bundle, Bundle, Bundle];
  box = await testLedger();
  await box.enrol(first.genesis);
  const stick: Stick = new Map();
  for (const one of [first, second]) layBundle(stick, `coldseal/outbox/b-${one.manifest.number}`, one);
  stick.set(
    "coldseal/outbox/refused/refusal.p7m",
    await signContent(nodeHost, audit.signingKey, {
      eContentType: oids.refusal,
      content: refusalFileBytes({ ...refusalRecord, policyDigest: first.genesis }),
      signingTime: times.manifest,
      extraCertificates: [issuer.certificate],
    }),
  );
  // Number 3 by its digests, number 4 waits for nothing and is in, too.
  await box.ingest(stick, keeperOf(bundles.slice(2)));
  box.ledger.close();
});
afterAll(() => {
  box.end();
  rmSync(dir, { recursive: true, force: true });
});

/** What the check finds after `change`, on a copy. */
async function foundAfter(change: string, name: string): Promise<readonly string[]> {
  const folder = join(dir, name.replace(/\W+/g, "-"));
  cpSync(box.folder, folder, { recursive: true });
  await copyStore(folder);
  for (const statement of change.split(";")) if (statement.trim() !== "") tamper({ folder }, statement);
  const ledger = await openLedger(folder);
  try {
    return (await checkLedger(ledger, [])).findings.map(({ what, where }) => `${where}: ${what}`);
  } finally {
    ledger.close();
  }
}

const changes: readonly (readonly [string, string])[] = [
  ["a manifest's time", "UPDATE box_manifests SET created = '2026-01-01T00:00:00Z' WHERE number = 1"],
  ["a manifest's mode", "UPDATE box_manifests SET mode = 'offline' WHERE number = 2"],
  ["a manifest's digest", "UPDATE box_manifests SET digest = zeroblob(32) WHERE number = 3"],
  [
    "a manifest's content",
    "UPDATE box_manifests SET content = CAST(replace(CAST(content AS TEXT), '\"box-1\"', '\"box-9\"') AS BLOB) WHERE number = 1",
  ],
  [
    "a file",
    "UPDATE evidence SET bytes = zeroblob(length(bytes)) WHERE file = (SELECT file FROM manifest_files WHERE path = 'authorization.p7m' LIMIT 1)",
  ],
  [
    "a file that is gone",
    "DELETE FROM evidence WHERE file = (SELECT file FROM manifest_files WHERE path = 'documents.jsonl' LIMIT 1)",
  ],
  [
    "a file under another's name",
    "UPDATE manifest_files SET file = (SELECT file FROM manifest_files WHERE path = 'batch.p7m' LIMIT 1) WHERE path = 'authorization.p7m' AND manifest = 1",
  ],
  [
    "a file that nothing covers",
    "INSERT INTO manifest_files SELECT manifest, 'extra.bin', file FROM manifest_files WHERE manifest = 1 AND path = 'batch.p7m'",
  ],
  ["a file's row that is gone", "DELETE FROM manifest_files WHERE path = 'certificates/audit-2.der' AND manifest = 1"],
  [
    "a seal",
    "UPDATE box_seals SET bytes = (SELECT bytes FROM box_seals WHERE idx = 2 AND manifest = 1) WHERE idx = 1 AND manifest = 1",
  ],
  ["a seal that is gone", "DELETE FROM box_seals WHERE idx = 1 AND manifest = 2"],
  [
    "a seal that never was",
    "INSERT INTO box_seals SELECT manifest, 9, bytes FROM box_seals WHERE idx = 1 AND manifest = 1",
  ],
  [
    "seals that are said to be verified",
    "INSERT INTO seals_verified SELECT manifest, arrived FROM box_manifests WHERE number = 3",
  ],
  ["seals that are not said to be verified", "DELETE FROM seals_verified WHERE manifest = 1"],
  ["what a document is found by", "UPDATE box_documents SET digest = zeroblob(32) WHERE idx = 1 AND manifest = 1"],
  ["a document that is not found", "DELETE FROM box_documents WHERE idx = 2 AND manifest = 2"],
  [
    "a document that is found and was not sealed",
    "INSERT INTO box_documents SELECT manifest, 3, zeroblob(32) FROM box_documents WHERE idx = 1 AND manifest = 1",
  ],
  ["a place in the chain", "UPDATE chain_links SET number = 9 WHERE number = 2"],
  ["an entry in the chain", "UPDATE chain_links SET entry = entry + 3 WHERE number = 1"],
  ["a place that is gone", "DELETE FROM chain_links WHERE number = 2"],
  ["a manifest that is gone", "DELETE FROM box_manifests WHERE number = 4;DELETE FROM chain_links WHERE number = 4"],
  ["a policy's appliance", "UPDATE box_policies SET appliance = 'box-9'"],
  ["a policy that is gone", "DELETE FROM box_policies"],
  ["a refusal's code", "UPDATE box_records SET about = replace(about, 'MEDIA-KIND', 'MEDIA-NAME')"],
  ["a refusal that is gone", "DELETE FROM box_records"],
  ["the box's genesis", "UPDATE boxes SET genesis = replace(genesis, substr(genesis, 1, 1), 'x')"],
  ["the box's root", "UPDATE box_certificates SET der = zeroblob(length(der))"],
];

describe("a ledger that was tampered with", () => {
  it("LOG-RECORD: untouched, nothing is found", async () => {
    const ledger = await openLedger(box.folder);
    try {
      expect(await checkLedger(ledger, [])).toMatchObject({ count: 0, findings: [] });
    } finally {
      ledger.close();
    }
  });

  it.each(changes)("LOG-RECORD: %s is found", async (name, change) => {
    expect(await foundAfter(change, name)).not.toEqual([]);
  });
});
