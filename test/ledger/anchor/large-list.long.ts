/** A list of 100,000 documents: one round over it takes bounded memory and time, and every line's evidence holds. */

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import { recordsOf } from "../../../ledger/anchor/records.ts";
import { keepBytes } from "../../../ledger/boxes/evidence.ts";
import { concat } from "../../../manifests/encoding/bytes.ts";
import { listLeaf, listLine } from "../../../manifests/records/documents-list.ts";
import { manifestBytes } from "../../../manifests/records/manifest.ts";
import { sealPath } from "../../../manifests/records/names.ts";
import { checkEvidence } from "../../../manifests/time/check-evidence.ts";
import { lineGroup } from "../../../manifests/verify/seal-evidence.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf } from "../../bundle/chain.ts";
import { type FreeTsa, freeTsa } from "../../time/free-tsa.ts";
import { type AnchoredLedger, anchoredLedger } from "./anchored-ledger.ts";

const count = 100_000;
let box: AnchoredLedger;
let tsa: FreeTsa;
let bundle: Bundle;
beforeAll(async () => {
  [bundle] = (await chainOf(1)) as [Bundle];
  [box, tsa] = await Promise.all([anchoredLedger(bundle.genesis), freeTsa()]);
  await box.take(bundle);
});
afterAll(() => {
  box?.end();
  tsa?.end();
});

const lineAt = (index: number) => {
  const digest = index.toString(16).padStart(64, "0");
  const name = `document ${index}.pdf`;
  return { digest, index, name, seal: sealPath(index, name), sealDigest: digest, size: index };
};

it("LEDGER-TIME: 100,000 lines under one token, in less than 250 MiB above what a process takes anyway", async () => {
  const lines = concat(Array.from({ length: count }, (_, at) => listLine(lineAt(at + 1))));
  const { documents } = bundle.manifest;
  const content = manifestBytes({ ...bundle.manifest, documents: { ...documents, count, sealed: count } });
  // As if it had come in so: what is kept of a manifest is not looked at again here.
  const file = await box.ledger.db.writing((sql) => keepBytes(sql, lines));
  box.tamper(`UPDATE manifest_files SET file = x'${Buffer.from(file).toString("hex")}' WHERE path = 'documents.jsonl'`);
  box.tamper(`UPDATE box_manifests SET content = x'${Buffer.from(content).toString("hex")}'`);
  await box.work({ urls: [tsa.url] });
  const told = await measured(box.folder);
  expect(told).toMatchObject({ manifests: 1, seals: count });
  expect(told.mebibytes).toBeLessThan(250);
  const records = await box.ledger.db.reading((sql) => recordsOf(sql, 1, 1));
  for (const index of [1, 2, 4711, count - 1, count]) {
    const group = lineGroup(nodeHost, content, listLeaf(lineAt(index)));
    expect(await checkEvidence(nodeHost, records(index), group)).toHaveLength(1);
  }
}, 240_000);

/** One round in a process of its own. */
async function measured(folder: string) {
  const script = `
    import { anchorWaiting } from "./ledger/anchor/anchor-waiting.ts";
    import { anchorSettings } from "./ledger/anchor/settings.ts";
    import { openLedger } from "./ledger/ledger-folder.ts";
    const { db } = await openLedger(${JSON.stringify(folder)});
    const settings = await db.reading(anchorSettings);
    const before = process.memoryUsage.rss();
    const started = performance.now();
    const { manifests, seals } = await anchorWaiting({ db, settings, now: () => new Date().toISOString().slice(0, 19) + "Z" });
    const mebibytes = (process.resourceUsage().maxRSS * 1024 - before) / 2 ** 20;
    console.log(JSON.stringify({ manifests, seals, mebibytes, seconds: (performance.now() - started) / 1000 }));
  `;
  const root = join(import.meta.dirname, "../../..");
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { cwd: root });
  return JSON.parse(stdout) as { manifests: number; seals: number; mebibytes: number; seconds: number };
}
