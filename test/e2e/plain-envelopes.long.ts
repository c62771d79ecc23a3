import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
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

  it("SEAL-ONCE: the same contents in other envelopes, renamed, in another folder, get the first receipt and their contents again", async () => {
    const first = manifestOf("plain");
    const to = inbox("again");
    const contents = ["a.bin", "b.txt", "c.pem", "e", "\u00dcbersicht 2026.txt"].map((name, at) =>
      readFileSync(join(whole.outbox("plain"), contentPath(at + 1, name))),
    );
    contents.forEach((bytes, at) => {
      // OpenSSL 3.0 cannot write an empty content with -stream.
      const form = ["-outform", at % 2 ? "DER" : "PEM", ...(bytes.length > 0 ? ["-stream"] : [])];
      opensslEnvelope(signer, document("again", bytes), join(to, `${at}.p7m`), form);
    });
    ready("again", "5\n");
    await whole.until("again", "released");
    expect(manifestOf("again").number).toBe(first.number);
    for (const file of ["manifest.p7m", "envelopes/list.jsonl", "authorization.p7m", contentPath(2, "b.txt")]) {
      expect(readFileSync(join(whole.outbox("again"), file)), file).toEqual(
        readFileSync(join(whole.outbox("plain"), file)),
      );
    }
    const json = JSON.parse((await asOperator(op1, ["--json", "verify-journal"])).stdout) as { manifests: number };
    expect(json.manifests).toBe(first.number);
  });

  it("NOTHING-LOST: exported again it is the same on the same stick; on another one the contents are said to be missing", async () => {
    // A batch is called by the folder in which it came last.
    const same = succeeded(await asOperator(op1, ["--json", "export", "again"]), "export");
    expect(JSON.parse(same.stdout)).toMatchObject({ missing: 0 });
    const other = join(whole.paths.dir, "other-stick");
    mkdirSync(other);
    const ran = succeeded(await asOperator(op1, ["export", "again", "--to", other]), "export");
    expect(ran.stdout).toMatch(/5 documents of the batch are not in it/);
    const bundle = join(other, "coldseal/outbox/again");
    expect(existsSync(join(bundle, "documents"))).toBe(false);
    const { root, genesis } = { root: whole.paths.pki.root, genesis: whole.paths.genesis };
    const verified = await runCommand("desk/main.ts", ["verify", bundle, "--ca", root, "--genesis", genesis]);
    expect(verified.stdout).toMatch(
      /THE RECORD HOLDS: 5 seals \(mode test\), but none of its 5 documents\s+was presented/,
    );
    expect(verified.stdout).toContain("0 of 5 checked, 5 not presented");
  });

  it("HONEST: collect copies contents too, inspect says what a stripped envelope is, a changed content is found", async () => {
    const to = join(whole.paths.dir, "collected");
    const collected = succeeded(
      await runCommand("desk/main.ts", ["collect", whole.paths.stick, "--to", to]),
      "collect",
    );
    expect(collected.stdout).toMatch(/plain +sealed, manifest 1, 5 of 5 seals, 5 of 5/);
    const envelope = join(to, "plain", envelopePath(2, "b.txt"));
    const inspected = succeeded(await runCommand("desk/main.ts", ["inspect", envelope]), "inspect");
    expect(inspected.stdout).toContain("plain envelope without its content");
    expect(inspected.stdout).toContain("Plain envelopes desk");
    writeFileSync(join(to, "plain", contentPath(2, "b.txt")), "Second");
    const { root, genesis } = { root: whole.paths.pki.root, genesis: whole.paths.genesis };
    const args = ["verify", join(to, "plain"), "--ca", root, "--genesis", genesis];
    const verified = await runCommand("desk/main.ts", args);
    expect(verified.status).toBe(4);
    expect(verified.stdout).toMatch(/DOCUMENT-DIGEST\s+documents\/0000\/000002-b\.txt/);
  });

  it("QUORUM: OpenSSL verifies every stripped envelope with the content beside it, as anyone may", async () => {
    for (const [index, name] of [
      [1, "a.bin"],
      [3, "c.pem"],
    ] as const) {
      const bundle = whole.outbox("plain");
      const args = ["-in", join(bundle, envelopePath(index, name)), "-content", join(bundle, contentPath(index, name))];
      const usual = ["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-CAfile", whole.paths.pki.root];
      await promisify(execFile)("openssl", [...usual, ...args, "-out", "/dev/null"]);
    }
  });

  it("SAME-BYTES: a content that changed in the spool after it was approved does not leave the box; put right, it does", async () => {
    opensslEnvelope(signer, document("s", "as it was"), join(inbox("spool"), "s.txt.p7m"), ["-outform", "DER"]);
    ready("spool", 1);
    const { batchDigest } = await whole.until("spool", "waiting-for-approval");
    const copy = join(whole.paths.box.spool, "batches", batchDigest ?? "", "documents/000001");
    writeFileSync(copy, "as it is!");
    succeeded(await approve(op1, "spool", 1), "approve");
    succeeded(await approve(op2, "spool", 1), "approve");
    const stuck = await whole.untilRow(
      "spool",
      ({ state, waiting }) => state === "exporting" && waiting.includes("CHECKED-OUT"),
    );
    expect(stuck.waiting).toContain("not the one that was sealed");
    expect(existsSync(whole.outbox("spool"))).toBe(false);
    writeFileSync(copy, "as it was");
    succeeded(await asOperator(op1, ["export", "spool"]), "export");
    await whole.until("spool", "released");
    expect((await whole.verify("spool")).stdout).toContain("VALID: 1 seal, all 1 document (mode test)");
  });

  it.skipIf(!has("certtool") && !process.env.CI)("QUORUM: envelopes of certtool are sealed", async () => {
    const to = inbox("certtool");
    certtoolEnvelope(signer, document("f", "by certtool"), join(to, "f.txt.p7m"));
    certtoolEnvelope(signer, document("g", "by certtool, DER"), join(to, "g.txt.p7m"), ["--outder"]);
    ready("certtool", 2);
    await seal("certtool", 2);
    expect((await whole.verify("certtool")).stdout).toContain("VALID: 2 seals, all 2 documents (mode test)");
  });

  it.skipIf(!has("gpgsm") && !process.env.CI)("QUORUM: envelopes of gpgsm are sealed", async () => {
    const gpgsm = gpgsmHome(signer);
    try {
      const to = inbox("gpgsm");
      gpgsm.sign(document("h", "by gpgsm"), join(to, "h.txt.p7m"));
      gpgsm.sign(document("i", "by gpgsm, armoured"), join(to, "i.txt.pem"), ["--armor"]);
      ready("gpgsm", 2);
      await seal("gpgsm", 2);
      expect((await whole.verify("gpgsm")).stdout).toContain("VALID: 2 seals, all 2 documents (mode test)");
    } finally {
      gpgsm.end();
    }
  });
});

describe("plain envelopes that the box refuses", () => {
  const refused = async (folder: string) => {
    await whole.until(folder, "refused");
    const { reported } = readRefusalFile(content(join(whole.outbox(folder), "refusal.p7m")));
    expect(readdirSync(whole.outbox(folder))).toEqual(["refusal.p7m"]);
    return reported;
  };

  it("QUORUM: a rejection ends them, and goes out beside the refusal", async () => {
    opensslEnvelope(signer, document("r", "rejected"), join(inbox("rejected"), "r.p7m"), ["-outform", "DER"]);
    ready("rejected", 1);
    await whole.until("rejected", "waiting-for-approval");
    const ran = await asOperator(op1, ["reject", "rejected", "--reason", "not expected"], { answer: typing(1) });
    succeeded(ran, "reject");
    await whole.until("rejected", "rejected");
    expect(readdirSync(whole.outbox("rejected")).sort()).toEqual(["refusal.p7m", "rejection.p7m"]);
  });

  it("T5: what is no envelope, READY that is wrong, and a certificate of the other kind: coded refusals, signed", async () => {
    writeFileSync(join(inbox("junk"), "a.p7m"), "junk");
    ready("junk", 1);
    opensslEnvelope(signer, document("m", "more"), join(inbox("more"), "m.p7m"), ["-outform", "DER"]);
    opensslEnvelope(signer, document("m", "more"), join(inbox("more"), "n.p7m"), ["-outform", "DER"]);
    ready("more", 1);
    opensslEnvelope(signer, document("o", "old digest"), join(inbox("sha1"), "o.p7m"), [
      "-outform",
      "DER",
      "-md",
      "sha1",
    ]);
    ready("sha1", 1);
    opensslEnvelope(signer, document("p", "bare"), join(inbox("bare"), "p.p7m"), ["-outform", "DER", "-noattr"]);
    ready("bare", 1);
    expect(await refused("junk")).toMatchObject({ code: "ENVELOPE-FORM" });
    expect(await refused("more")).toMatchObject({ code: "DOCUMENT-COUNT" });
    expect(await refused("sha1")).toMatchObject({ code: "CMS-ALGORITHM" });
    expect(await refused("bare")).toMatchObject({ code: "CMS-ATTRIBUTES" });
  });
});
