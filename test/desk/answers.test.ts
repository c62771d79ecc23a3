import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { collect } from "../../desk/collect.ts";
import { inspectFile } from "../../desk/inspect.ts";
import { fromUtf8, utf8 } from "../../manifests/encoding/bytes.ts";
import { bundleBytes } from "../../manifests/log/tiles.ts";
import { declarationPath } from "../../manifests/records/names.ts";
import { refusalFileBytes } from "../../manifests/records/refusal-record.ts";
import { type Bundle, buildBundle } from "../bundle/build.ts";
import { closingFor, emergencyBundle, signClosing } from "../bundle/emergency.ts";
import { logProofFile } from "../bundle/log.ts";
import { oids, root } from "../bundle/people.ts";
import { TestLedger } from "../manifests/log/test-ledger.ts";
import { folder, write } from "./stick.ts";

const main = fileURLToPath(new URL("../../desk/main.ts", import.meta.url));

function place(bundle: Bundle, stick: string, name = "batch-1"): string {
  const outbox = join(stick, "coldseal/outbox", name);
  const documents = join(stick, "coldseal/inbox", name, "documents");
  for (const [path, bytes] of bundle.files) put(join(outbox, path), bytes);
  for (const [path, bytes] of bundle.documents) put(join(documents, path), bytes);
  return outbox;
}

function put(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

function coldseal(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

function ca(): string {
  return write(folder(), "ca.der", root.certificate);
}

/** What is told of the one answer of a stick that cannot be copied or read. */
async function oddOf(stick: string, to: string) {
  const [{ answer } = { answer: undefined }] = await collect(stick, to);
  return answer?.kind === "odd" ? answer.refusal : undefined;
}

describe("coldseal collect", () => {
  it("UX2: the table of collect keeps within 80 columns, however long a name or a refusal is", () => {
    const stick = folder();
    const refusal = refusalFileBytes({
      appliance: "box-1",
      created: "2026-11-23T10:00:00Z",
      journal: { head: "ab".repeat(32), sequence: 1 },
      policyDigest: "cd".repeat(32),
      reported: { batchDigest: null, code: "MEDIA-NAME", details: {}, folder: "f", message: "word ".repeat(60).trim() },
      signed: false,
      type: "refusal",
      version: 1,
    });
    put(join(stick, "coldseal/outbox", "a".repeat(64), "refusal.json"), refusal);
    const { stdout } = coldseal("collect", stick, "--to", join(folder(), "a"));
    const [title = "", row = ""] = stdout.split("\n");
    expect(title).toContain("answer");
    expect(row).toContain("refused (MED");
    expect([title.length <= 80, row.length <= 80]).toEqual([true, true]);
  });

  it("copies every answer whole and tells what is missing", async () => {
    const [stick, to] = [folder(), folder()];
    const bundle = await buildBundle();
    place(bundle, stick);
    mkdirSync(join(stick, "coldseal/inbox/batch-2"));
    const answers = await collect(stick, to);
    expect(answers.map((one) => [one.folder, one.answer.kind, one.missing])).toEqual([
      ["batch-1", "sealed", undefined],
      ["batch-2", "none", "no answer on this stick yet"],
    ]);
    for (const [path, bytes] of bundle.files) expect(readFileSync(join(to, "batch-1", path)).equals(bytes)).toBe(true);
    expect((await collect(stick, to))[0]?.copied?.fresh).toBe(false);
  });

  it("NOTHING-LOST: never writes over another answer that is there", async () => {
    const [stick, to] = [folder(), folder()];
    place(await buildBundle(), stick);
    await collect(stick, to);
    writeFileSync(join(stick, "coldseal/outbox/batch-1/manifest.p7m"), "other");
    expect(await oddOf(stick, to)).toMatchObject({ code: "MEDIA-TAKEN" });
    expect(readFileSync(join(to, "batch-1/manifest.p7m"), "latin1")).not.toBe("other");
    expect(existsSync(join(to, "batch-1.partial"))).toBe(false);
  });

  it("NOTHING-LOST: evidence of time that was added since is no other answer, and stays", async () => {
    const [stick, to] = [folder(), folder()];
    place(await buildBundle(), stick);
    await collect(stick, to);
    mkdirSync(join(to, "batch-1/evidence"));
    writeFileSync(join(to, "batch-1/evidence/0001.ers"), "added");
    expect((await collect(stick, to))[0]?.copied?.fresh).toBe(false);
    expect(readFileSync(join(to, "batch-1/evidence/0001.ers"), "latin1")).toBe("added");
    writeFileSync(join(to, "batch-1/more.txt"), "added");
    expect(await oddOf(stick, to)).toMatchObject({ code: "MEDIA-TAKEN" });
  });

  it("T1: follows no link in the outbox", async () => {
    const stick = folder();
    const outbox = place(await buildBundle(), stick);
    symlinkSync("/etc/hostname", join(outbox, "evidence.txt"));
    expect(await oddOf(stick, folder())).toMatchObject({ code: "MEDIA-KIND" });
  });

  it("MEDIA-FULL, MEDIA-KIND, CMS-FORM: an answer that cannot be copied or read keeps none of the others back, and ends with its code", async () => {
    const [stick, to] = [folder(), folder()];
    const bundle = await buildBundle();
    place(bundle, stick);
    const outbox = join(stick, "coldseal/outbox");
    for (const name of ["a-sparse", "b-pipe", "c-junk"]) mkdirSync(join(outbox, name));
    writeFileSync(join(outbox, "a-sparse/manifest.p7m"), "");
    truncateSync(join(outbox, "a-sparse/manifest.p7m"), 2 ** 43);
    execFileSync("mkfifo", [join(outbox, "b-pipe/manifest.p7m")]);
    writeFileSync(join(outbox, "c-junk/manifest.p7m"), "junk");
    const answers = await collect(stick, to);
    const told = answers.map(({ answer, folder: name }) => [
      name,
      answer.kind === "odd" ? answer.refusal.code : answer.kind,
    ]);
    expect(told).toEqual([
      ["a-sparse", "MEDIA-FULL"],
      ["b-pipe", "MEDIA-KIND"],
      ["batch-1", "sealed"],
      ["c-junk", expect.stringMatching(/^(?:CMS-FORM|DER)$/)],
    ]);
    expect(readdirSync(to).sort()).toEqual(["batch-1", "c-junk"]);
    const ran = coldseal("collect", stick, "--to", to);
    expect(ran.status).not.toBe(0);
    expect(ran.stdout).toContain("sealed, manifest");
    expect(ran.stdout).toContain("cannot be read (MEDIA-KIND)");
    expect(ran.stderr).toContain("MEDIA-FULL");
  });

  it("says which seals are missing, and ends with 4", async () => {
    const stick = folder();
    const bundle = await buildBundle();
    const seal = [...bundle.files.keys()].find((path) => path.endsWith(".p7s"));
    bundle.files.delete(seal ?? "");
    place(bundle, stick);
    const ran = coldseal("collect", stick, "--to", folder());
    expect(ran.status).toBe(4);
    expect(ran.stderr).toMatch(/BUNDLE-FORM[\s\S]*batch-1: 1 of \d+ seals missing/);
  });

  it("refuses a folder that is no stick with USAGE", () => {
    expect(coldseal("collect", folder(), "--to", folder())).toMatchObject({ status: 2, stdout: "" });
  });
});

describe("coldseal verify", () => {
  it("holds for a whole bundle with its documents, and says what rests on the box's word", async () => {
    const bundle = await buildBundle();
    const outbox = place(bundle, folder());
    const unpinned = coldseal("verify", outbox, "--ca", ca());
    expect(unpinned).toMatchObject({ status: 0, stderr: "" });
    expect(unpinned.stdout).toMatch(/^VALID: /);
    expect(unpinned.stdout).toMatch(/only as the\s+box claims/);
    expect(unpinned.stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    const pinned = coldseal("verify", outbox, "--ca", ca(), "--genesis", bundle.genesis);
    expect(pinned.stdout).toContain("from the genesis digest you gave");
    const other = coldseal("verify", outbox, "--ca", ca(), "--genesis", "0".repeat(64));
    expect(other).toMatchObject({ status: 4 });
    expect(other.stdout).toMatch(/POLICY-CHAIN {2}policy\/0001.p7m/);
  });

  it("names a document that was changed, in words and as JSON", async () => {
    const bundle = await buildBundle();
    const stick = folder();
    const outbox = place(bundle, stick);
    const [name] = bundle.documents.keys();
    writeFileSync(join(stick, "coldseal/inbox/batch-1/documents", name ?? ""), "changed");
    const ran = coldseal("verify", outbox, "--ca", ca());
    expect(ran.status).toBe(4);
    expect(ran.stdout).toMatch(/^NOT VALID/);
    expect(ran.stdout).toContain(`documents/${name}`);
    const json = JSON.parse(coldseal("--json", "verify", outbox, "--ca", ca()).stdout);
    expect(json).toMatchObject({ ok: false, findings: [{ file: `documents/${name}` }] });
  });

  it("DOCUMENT-MISSING: a listed document that is absent is named where documents were given or lie on the stick", async () => {
    const bundle = await buildBundle();
    const stick = folder();
    const outbox = place(bundle, stick);
    const documents = join(stick, "coldseal/inbox/batch-1/documents");
    const [name = ""] = bundle.documents.keys();
    rmSync(join(documents, name));
    for (const given of [[], ["--documents", documents], ["--documents", folder()]]) {
      const ran = coldseal("verify", outbox, "--ca", ca(), ...given);
      expect(ran.status).toBe(4);
      expect(ran.stdout).toMatch(/^NOT VALID/);
      expect(ran.stdout).toContain(`DOCUMENT-MISSING  documents/${name}: the document is missing`);
    }
    rmSync(join(stick, "coldseal/inbox"), { recursive: true });
    const keepers = coldseal("verify", outbox, "--ca", ca());
    expect(keepers).toMatchObject({ status: 1 });
    expect(keepers.stdout).toContain(`${bundle.documents.size} not presented`);
  });

  it("verifies one seal with its document, alone and in its bundle", async () => {
    const bundle = await buildBundle();
    const stick = folder();
    const outbox = place(bundle, stick);
    const lines = readFileSync(join(outbox, "documents.jsonl"), "utf8").trimEnd().split("\n");
    const { name, seal } = JSON.parse(lines[0] ?? "") as { name: string; seal: string };
    const document = join(stick, "coldseal/inbox/batch-1/documents", name);
    const inside = coldseal("verify", join(outbox, seal), document, "--ca", ca(), "--genesis", bundle.genesis);
    expect(inside).toMatchObject({ status: 0 });
    expect(inside.stdout).toContain("which lists this very seal");
    const alone = write(folder(), "a.p7s", readFileSync(join(outbox, seal)));
    const ran = coldseal("verify", alone, document, "--ca", ca());
    expect(ran).toMatchObject({ status: 0 });
    expect(ran.stdout).toContain("which was not shown");
    expect(coldseal("verify", alone, write(folder(), "x", "other"), "--ca", ca())).toMatchObject({ status: 4 });
  });

  it.each([
    [["verify"], 2],
    [["verify", "/nowhere", "--ca", "/etc/hostname"], 2],
    [["verify", "/tmp", "--ca", "/nowhere"], 2],
    [["frobnicate"], 2],
    [["inspect", "/nowhere"], 2],
    [["verify"], 2],
    [["--help"], 0],
    [["--version"], 0],
    [["batch", "create", "--help"], 0],
  ])("%j ends with %i", (args, status) => {
    expect(coldseal(...args).status).toBe(status);
  });
});

describe("coldseal inspect", () => {
  it("says what each file of a bundle is, and that nothing was verified", async () => {
    const { files } = await buildBundle();
    const kinds = ["manifest", "authorization", "policy"].map((kind) => {
      const file = files.get(kind === "policy" ? "policy/0001.p7m" : `${kind}.p7m`);
      return [kind, inspectFile(file ?? utf8(""), oids)] as const;
    });
    for (const [kind, found] of kinds) {
      expect(found).toMatchObject({ kind: `${kind}, signed`, verified: false, content: { type: kind } });
      expect(found.signers.length).toBeGreaterThan(0);
    }
    const seal = [...files].find(([path]) => path.endsWith(".p7s"))?.[1];
    expect(inspectFile(seal ?? utf8(""), oids)).toMatchObject({ facts: { mode: "test", index: 1 } });
  });

  it("T5, T29: refuses what only begins like JSON, and JSON that nobody could look at", () => {
    for (const text of ['{"a":', `{"a":${"[".repeat(200)}${"]".repeat(200)}}`]) {
      expect(() => inspectFile(utf8(text), oids)).toThrow(expect.objectContaining({ code: "JSON" }));
    }
    expect(inspectFile(utf8('{ "a": [[1]] }'), oids)).toMatchObject({ content: { a: [[1]] } });
  });

  it("HONEST: of a log's proof it says which log and entries it names, and that nothing was verified", async () => {
    const proof = await logProofFile(await buildBundle(), { seals: [2] });
    expect(inspectFile(proof, oids)).toMatchObject({
      kind: "proof of a ledger's log",
      verified: false,
      facts: { log: "ledger.example/log", entries: 14, "entry 5": "manifest", "entry 7": "seal" },
    });
    const none = utf8('{"type":"log-proof"}');
    expect(() => inspectFile(none, oids)).toThrow(expect.objectContaining({ code: "LOG-FORM" }));
  });

  it("HONEST: of what a ledger publishes it says what it is, and that nothing was verified", async () => {
    const proof = JSON.parse(fromUtf8(await logProofFile(await buildBundle(), { seals: [2] })));
    const checkpoint = Uint8Array.fromBase64(proof.checkpoint);
    expect(inspectFile(checkpoint, oids)).toMatchObject({
      kind: "checkpoint of a ledger's log",
      verified: false,
      facts: { log: "ledger.example/log", entries: 14, signatures: expect.stringContaining("ledger.example/log") },
    });
    const entry = utf8(`{"digest":"${"ab".repeat(32)}","type":"seal","version":1}`);
    const bundle = bundleBytes([entry, entry]);
    expect(inspectFile(bundle, oids)).toMatchObject({ kind: expect.stringMatching(/^entries/), facts: { entries: 2 } });
    const tile = new Uint8Array(96).fill(0xa5);
    expect(inspectFile(tile, oids)).toMatchObject({ kind: expect.stringMatching(/^hashes/), facts: { hashes: 3 } });
    for (const other of [bundle.slice(1), tile.slice(1), utf8("n".repeat(32)), new Uint8Array(0)])
      expect(() => inspectFile(other, oids)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^(CMS-FORM|DER)$/) }),
      );
  });

  it("T5: refuses what is none of Coldseal's files", () => {
    expect(() => inspectFile(utf8("nothing"), oids)).toThrow(expect.objectContaining({ code: "CMS-FORM" }));
    expect(coldseal("inspect", write(folder(), "x", "nothing"))).toMatchObject({ status: 1 });
  });

  it("HONEST: what declared an emergency, what closed it and what a ledger acknowledges are named, and nothing of them is said to be verified", async () => {
    const bundle = await emergencyBundle();
    const order = inspectFile(bundle.files.get(declarationPath) as Uint8Array, oids);
    expect(order).toMatchObject({ kind: "order, signed", verified: false, content: { kind: "declare-emergency" } });
    const closing = inspectFile(await signClosing(await closingFor(bundle)), oids);
    expect(closing).toMatchObject({ kind: "closing, signed", verified: false, content: { seals: 3 } });
    const ledger = await TestLedger.make();
    await ledger.hold({ appliance: "box-1", genesis: bundle.genesis }, { number: 1, digest: "ab".repeat(32) });
    const ack = await ledger.acknowledgement({ box: { appliance: "box-1", genesis: bundle.genesis } });
    expect(inspectFile(ack, oids)).toMatchObject({ kind: "acknowledgement, signed", content: { number: 1 } });
  });
});
