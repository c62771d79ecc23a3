import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperatorPaths } from "../../ceremony/provision/layout.ts";
import { asOperator, succeeded } from "../../demo/people.ts";
import { type Ran, runCommand } from "../../demo/run-command.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import { contentPath, envelopePath } from "../../manifests/records/names.ts";
import { readRefusalFile } from "../../manifests/records/refusal-record.ts";
import { certtoolEnvelope, gpgsmHome, has, opensslEnvelope, type PemSigner } from "../pki/foreign-cms.ts";
import { type WholeBox, wholeBox } from "./whole-box.ts";

let whole: WholeBox;
let signer: PemSigner;
let op1: OperatorPaths;
let op2: OperatorPaths;

beforeAll(async () => {
  whole = await wholeBox({ plainEnvelopes: 86_400 });
  const { plainSubmitter: certificate, plainSubmitterKey: key, root } = whole.paths.pki;
  signer = { certificate, key, root };
  [op1, op2] = whole.paths.operators as [OperatorPaths, OperatorPaths];
});
afterAll(() => whole?.end());

/** Makes a file with a document and gives its path. */
function document(name: string, content: string | Uint8Array): string {
  mkdirSync(join(whole.paths.dir, "plain"), { recursive: true });
  const path = join(whole.paths.dir, "plain", name);
  writeFileSync(path, content);
  return path;
}

function inbox(folder: string): string {
  mkdirSync(whole.inbox(folder), { recursive: true });
  return whole.inbox(folder);
}

function ready(folder: string, count: number | string): void {
  writeFileSync(join(whole.inbox(folder), "READY"), `${count}`);
}

/** What an operator types who was told how many documents there are. */
function typing(count: number | string) {
  return (printed: string) => {
    if (/Type the exact count of documents: $/.test(printed)) return String(count);
    return /Type Yes to [^\n]*: $/.test(printed) ? "Yes" : undefined;
  };
}

function approve(operator: OperatorPaths, folder: string, count: number | string): Promise<Ran> {
  return asOperator(operator, ["approve", folder], { answer: typing(count) });
}

async function seal(folder: string, count: number): Promise<void> {
  await whole.until(folder, "waiting-for-approval");
  succeeded(await approve(op1, folder, count), "approve");
  succeeded(await approve(op2, folder, count), "approve");
  await whole.until(folder, "released");
}

function content(path: string): Uint8Array {
  return readSignedData(readFileSync(path)).content ?? new Uint8Array();
}

function manifestOf(folder: string) {
  return readManifest(content(join(whole.outbox(folder), "manifest.p7m")));
}

describe("plain envelopes on the real box", () => {
  it("QUORUM: envelopes of OpenSSL in every form are sealed after two people typed the count", async () => {
    const to = inbox("plain");
    const big = new Uint8Array(300_000).map((_, at) => at % 251);
    opensslEnvelope(signer, document("b", "second"), join(to, "b.txt.p7m"), ["-outform", "DER"]);
    opensslEnvelope(signer, document("a", big), join(to, "a.bin.p7m"), ["-outform", "DER", "-stream"]);
    opensslEnvelope(signer, document("c", "third\n"), join(to, "c.pem.p7m"), ["-outform", "PEM"]);
    opensslEnvelope(signer, document("d", "fourth\r\n"), join(to, "Übersicht 2026.txt.p7m"), ["-stream"]);
    opensslEnvelope(signer, document("e", ""), join(to, "e.p7m"), ["-outform", "DER", "-cades"]);
    ready("plain", 5);
    await whole.until("plain", "waiting-for-approval");
    const shown = succeeded(await asOperator(op1, ["show", "plain"]), "show");
    expect(shown.stdout).toContain("PLAIN ENVELOPES: nobody signed what they are together.");
    expect(shown.stdout).toContain("5 documents, together 293 KiB (300,020 bytes)");
    expect(shown.stdout).not.toMatch(/slip\)/);
    const wrong = await approve(op1, "plain", 4);
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toMatch(/DOCUMENT-COUNT: .*; nothing was/);
    await seal("plain", 5);

    const verified = await whole.verify("plain");
    expect(verified.stdout).toContain("VALID: 5 seals, all 5 documents (mode test)");
    expect(verified.stdout).toMatch(/nobody signed their\s+count/);
    expect(verified.status).toBe(0);
    const { request, documents } = manifestOf("plain");
    expect(request).toMatchObject({ kind: "plain-envelopes", composition: "signed by nobody" });
    expect(documents).toMatchObject({ count: 5, bytes: 300_020 });
    const names = ["a.bin", "b.txt", "c.pem", "e", "Übersicht 2026.txt"];
    const listed = readFileSync(join(whole.outbox("plain"), "documents.jsonl"), "utf8")
      .trimEnd()
      .split("\n");
    expect(listed.map((line) => (JSON.parse(line) as { name: string }).name)).toEqual(names);
    expect(readFileSync(join(whole.outbox("plain"), contentPath(1, "a.bin")))).toEqual(Buffer.from(big));
    expect(readFileSync(join(whole.outbox("plain"), contentPath(5, "Übersicht 2026.txt"))).toString()).toBe(
      "fourth\r\n",
    );
    const envelope = readSignedData(readFileSync(join(whole.outbox("plain"), envelopePath(2, "b.txt"))));
    expect(envelope.content).toBeUndefined();
    expect(existsSync(join(whole.outbox("plain"), "batch.p7m"))).toBe(false);
  });
});
