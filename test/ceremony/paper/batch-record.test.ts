import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  type BatchRecordOptions,
  mostNamed,
  readBatchRecord,
  showBatchRecord,
} from "../../../ceremony/batch-record.ts";
import { batchRecordPaper } from "../../../ceremony/paper/batch-record-paper.ts";
import { columns, textOf } from "../../../ceremony/paper/page.ts";
import { documentationArc } from "../../../manifests/encoding/oid.ts";
import type { Manifest } from "../../../manifests/records/manifest.ts";
import { type Bundle, buildBundle } from "../../bundle/build.ts";
import { buildPlainBundle } from "../../bundle/build-plain.ts";
import { root } from "../../bundle/people.ts";
import { codeOf } from "../software-box.ts";
import { has, keptOutput, newFolder, pdfText, put, scanned, squeezed, wordsOf } from "./printed.ts";

const main = fileURLToPath(new URL("../../../ceremony/main.ts", import.meta.url));

/** A stick with the bundle and its documents; `out` is where papers go. */
function lay(bundle: Bundle, documents = true) {
  const dir = newFolder();
  const folder = join(dir, "stick/coldseal/outbox/batch-1");
  for (const [path, bytes] of bundle.files) put(join(folder, path), bytes);
  if (documents)
    for (const [name, bytes] of bundle.documents) put(join(dir, "stick/coldseal/inbox/batch-1/documents", name), bytes);
  const ca = put(join(dir, "ca.der"), root.certificate);
  const out = join(dir, "out");
  const options: BatchRecordOptions = { arc: documentationArc, ca, genesis: bundle.genesis, print: out };
  return { dir, folder, out, options, trust: { roots: [root.certificate], genesis: bundle.genesis } };
}

async function printed(bundle: Bundle, change: Partial<BatchRecordOptions> = {}, documents = true) {
  const { folder, options, out } = lay(bundle, documents);
  const { output, documents: said } = keptOutput();
  await showBatchRecord(output, folder, { ...options, ...change });
  const name = join(out, "box-1-000001.batch-record");
  return { said, out, pdf: `${name}.pdf`, text: readFileSync(`${name}.txt`, "utf8") };
}

function isPrintable(text: string): void {
  expect(text).toMatch(/^[\n\f\x20-\x7e]*$/);
  expect(Math.max(...text.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(columns);
}

describe("a batch record", () => {
  it("HONEST: says the slip, who approved when, policy, digests, keys, labels, time with its error, and the documents", async () => {
    const bundle = await buildBundle();
    const { said, text } = await printed(bundle);
    isPrintable(text);
    const { manifest } = bundle;
    const [first] = said as { digest: string; batchDigest: string; number: number; outcome: string }[];
    expect(first).toMatchObject({ batchDigest: manifest.request.digest, number: 1, outcome: "sealed" });
    const flat = squeezed(text);
    for (const digest of [manifest.request.digest, first?.digest ?? ""]) {
      expect(flat).toContain(`${wordsOf(digest)} ${digest}`);
    }
    for (const line of [
      "outcome sealed: 3 of 3 documents sealed",
      "purpose Q4 supplier contracts",
      "submitter CN=Contracts desk,O=Coldseal test",
      "documents 3 documents, together 15 bytes",
      "expires 2026-11-21T10:00:00Z",
      "Operator 1 (op1), 2026-11-20T11:00:00Z, certificate",
      "Operator 2 (op2), 2026-11-20T11:00:00Z, certificate",
      `policy number 1, ${manifest.policy.digest}`,
      "quorum counted anew; policies pinned to the genesis digest given",
      `challenge ${manifest.authorization.digest}`,
      "time 2026-11-20T12:00:05Z, by the box's own clock",
      "error at most 2 seconds, as the box claims; no time-stamp",
      "verified the bundle holds: 3 seals; documents: 3 of 3 checked",
      `sealing key ${manifest.keys.sealing.key} certificate ${manifest.keys.sealing.certificate}`,
      `software coldseal 0.1.0, by its own word: ${manifest.software.digest}`,
      "HSM SIMULATED: a software token",
      "media SIMULATED: a folder in the place of a stick",
      "attestation NONE",
      `Merkle root ${manifest.documents.root}`,
      "1 contract 0113.pdf 12 e6d49ab2abf82176003da667a50ba1d708796b091f2957400c19699badfb6a20",
      "2 \\u{dc}bersicht.pdf 3 3fc4ccfe",
      "Manifest no. 1. Archive number ____",
      "Operator 2 ____",
    ])
      expect(flat).toContain(line);
    expect(text).toContain("*** MODE TEST ***");
    expect(text).not.toContain("!!");
  });

  it("HONEST: an aborted one says so on every page and first of all, and lists what was asked for", async () => {
    const { pdf, text } = await printed(await buildBundle({ abortedAfter: 1 }));
    expect(text).toContain("*** ABORTED: no seal counts; MODE TEST ***");
    expect(text).toContain("!! ABORTED: none of its seals counts");
    expect(squeezed(text)).toContain("outcome aborted: 1 of 3 documents sealed reason op1: the wrong stick");
    for (const name of ["contract 0113.pdf", "empty.bin"]) expect(text).toContain(name);
    if (!has("pdftotext")) return;
    const pages = pdfText(pdf).split("\f").slice(0, -1);
    expect(pages.filter((page) => !page.includes("ABORTED: no seal counts; MODE TEST"))).toEqual([]);
    // What is signed in ink stands with the digest that it is under.
    for (const part of ["Manifest digest", "Archive number", "Operator 1 ", "For the keeper"])
      expect(pages.at(-1)).toContain(part);
  });

  it("HONEST: of plain envelopes it says that nobody signed what they are together; without the genesis digest, whose word the quorum is", async () => {
    const { genesis: _, ...bundle } = await buildPlainBundle();
    const laid = lay({ ...bundle, genesis: "" }, false);
    const { genesis: __, print: ___, ...options } = laid.options;
    const { output, said } = keptOutput();
    await showBatchRecord(output, laid.folder, options);
    const text = said.join("\n");
    isPrintable(text);
    expect(text).toContain("!! PLAIN ENVELOPES: composition signed by nobody.");
    expect(text).toContain("!! NO GENESIS DIGEST was given");
    expect(squeezed(text)).toContain("documents: 0 of 3 checked, 3 not presented");
    expect(squeezed(text)).toContain("names names and sizes are as intake reported them");
    expect(squeezed(text)).toContain("3 \\u{dc}bersicht.pdf 3 3fc4ccfe");
  });

  it("PRINTER: printed again it says so and is otherwise equal, as text and as PDF", async () => {
    const bundle = await buildBundle();
    const [once, again] = [await printed(bundle), await printed(bundle, { reprint: 3 })];
    expect(again.text).toMatch(/^\*\*\* MODE TEST; REPRINT 3, \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \*\*\*$/m);
    isPrintable(again.text);
    expect(again.text.replace(/; REPRINT 3, [^ ]*/, "")).toBe(once.text);
    expect(readFileSync((await printed(bundle)).pdf).equals(readFileSync(once.pdf))).toBe(true);
    if (!has("pdftotext")) return;
    expect(squeezed(pdfText(again.pdf)).replace(/; REPRINT 3, [^ ]*/g, "")).toBe(squeezed(pdfText(once.pdf)));
  });

  it.runIf(has("zbarimg", "pdftoppm"))("PRINTER: a scanner reads batch digest and manifest digest back", async () => {
    const { said, pdf } = await printed(await buildBundle());
    const [{ batchDigest, digest }] = said as [{ batchDigest: string; digest: string }];
    expect(scanned(pdf)).toEqual([batchDigest, digest].sort());
  });

  it("PRINTER: of many documents the first are named, and the list's digest and root stand for the rest", async () => {
    const names = Array.from({ length: mostNamed + 7 }, (_, at) => `contract ${at + 1}.pdf`);
    const bundle = await buildBundle({ documents: Object.fromEntries(names.map((name) => [name, name])) });
    const { text } = await printed(bundle);
    const flat = squeezed(text);
    expect(flat).toContain(`${mostNamed} contract ${mostNamed}.pdf`);
    expect(flat).not.toContain(`contract ${mostNamed + 1}.pdf`);
    expect(flat).toContain(`... and 7 more of ${mostNamed + 7} documents`);
    expect(flat).toContain(bundle.manifest.documents.digest);
  });

  it("T2: whatever names, purpose, reason and reported facts hold, the paper is ASCII within its columns, and no escape is cut", async () => {
    const long = {
      [`${"\u00dc".repeat(120)}.pdf`]: "long",
      [`${"a ".repeat(120)}b`]: "blanks",
      "\u{1f600}.txt": "face",
    };
    const bundle = await buildBundle({
      documents: long,
      head: (head) => ({ ...head, purpose: `Q4 \u202egnp.exe ${"p".repeat(180)}` }),
    });
    const { folder, trust } = lay(bundle);
    const record = await readBatchRecord(folder, trust);
    const text = textOf(batchRecordPaper(record));
    isPrintable(text);
    expect(text).toContain("Q4 \\u{202e}gnp.exe");
    expect(text.match(/\\u\{dc\}/g)).toHaveLength(120);
    expect(text).toContain("\\u{1f600}.txt");
    // What no reader lets in, the composer still escapes.
    const evil = "\u001b[2J\u202e!!\n\f ABORTED".repeat(40);
    const manifest: Manifest = {
      ...record.manifest,
      appliance: evil.slice(0, 64),
      reason: evil,
      reported: { [evil]: evil },
    };
    const approvers = record.verdict.approvers.map((one) => ({ ...one, name: evil, person: evil }));
    const documents = [{ digest: "ab".repeat(64), name: evil, size: Number.MAX_SAFE_INTEGER }];
    isPrintable(
      textOf(batchRecordPaper({ ...record, manifest, documents, verdict: { ...record.verdict, approvers } })),
    );
  });
});

describe("a bundle that does not verify", () => {
  it.each([
    ["a seal is another", "seals/0000/000001-contract-0113.pdf.p7s"],
    ["the manifest is changed", "manifest.p7m"],
    ["the list is changed", "documents.jsonl"],
  ])("MANIFEST-BIND: has no record where %s; nothing is written", async (_, path) => {
    const bundle = await buildBundle();
    const { folder, options, out } = lay(bundle);
    const bytes = readFileSync(join(folder, path));
    bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 1;
    writeFileSync(join(folder, path), bytes);
    expect(await codeOf(showBatchRecord(keptOutput().output, folder, options))).toBe("MANIFEST-BIND");
    expect(existsSync(out)).toBe(false);
  });

  it("USAGE: of a refusal it says that it is one, and what to do with it", async () => {
    for (const [name, todo] of [
      ["refusal.p7m", "`coldseal verify "],
      ["refusal.json", "it is not signed"],
    ] as const) {
      const folder = newFolder();
      put(join(folder, name), new Uint8Array(3));
      const made = showBatchRecord(keptOutput().output, folder, lay(await buildBundle(), false).options);
      await expect(made).rejects.toMatchObject({
        code: "USAGE",
        got: `a refusal (${name})`,
        message: expect.stringContaining(todo),
      });
    }
  });

  it("MANIFEST-BIND: nor where a document is another, or the genesis is another's", async () => {
    const { folder, options } = lay(await buildBundle());
    const { output } = keptOutput();
    const other = { ...options, genesis: "0".repeat(64) };
    expect(await codeOf(showBatchRecord(output, folder, other))).toBe("MANIFEST-BIND");
    writeFileSync(join(folder, "../../inbox/batch-1/documents/contract 0113.pdf"), "another");
    await expect(showBatchRecord(output, folder, options)).rejects.toMatchObject({
      code: "MANIFEST-BIND",
      got: expect.stringMatching(/^DOCUMENT-SIZE documents\/contract 0113.pdf: /),
    });
  });

  it("USAGE: no such folder, --lp alone", async () => {
    const { folder, options, dir } = lay(await buildBundle());
    const { print: _, ...shown } = options;
    const { output } = keptOutput();
    expect(await codeOf(showBatchRecord(output, join(dir, "nowhere"), options))).toBe("USAGE");
    expect(await codeOf(showBatchRecord(output, folder, { ...options, documents: join(dir, "nowhere") }))).toBe(
      "USAGE",
    );
    expect(await codeOf(showBatchRecord(output, folder, { ...shown, lp: "office" }))).toBe("USAGE");
  });

  it("MANIFEST-BIND: the command ends with 4; with 0 and both files where the bundle holds", async () => {
    const { folder, options, out } = lay(await buildBundle());
    const args = [main, "batch-record", folder, "--ca", options.ca, "--print", out];
    const ran = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect([ran.status, ran.stderr]).toEqual([0, ""]);
    expect(readdirSync(out).sort()).toEqual(["box-1-000001.batch-record.pdf", "box-1-000001.batch-record.txt"]);
    writeFileSync(join(folder, "extra.txt"), "extra");
    const refused = spawnSync(process.execPath, [...args, "--json"], { encoding: "utf8" });
    expect(refused.status).toBe(4);
    expect(JSON.parse(refused.stdout)).toMatchObject({ refusal: { code: "MANIFEST-BIND" } });
  });
});
