import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bundleTree } from "../../desk/anchor/bundle-tree.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { verifyFolder } from "../../host/verify-folder.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { sequence } from "../../manifests/encoding/der-write.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { readEvidenceRecord, writeEvidenceRecord } from "../../manifests/time/evidence-record.ts";
import { type Bundle, buildBundle } from "../bundle/build.ts";
import { memorySource } from "../bundle/memory-source.ts";
import { root } from "../bundle/people.ts";
import { rawToken } from "../manifests/time/raw-token.ts";
import { makeRoot, pem } from "../pki/authority.ts";
import { openTsa, type TestTsa } from "../pki/openssl-tsa.ts";
import { makeToken, makeTsa, tsaRoot } from "../pki/tsa.ts";

let dir: string;
let bundle: Bundle;
let tsa: TestTsa;
let other: TestTsa;
let folders = 0;
let folder: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-anchor-"));
  bundle = await buildBundle();
  [tsa, other] = await Promise.all([openTsa(), openTsa(makeTsa({ name: "another authority" }))]);
  writeFileSync(join(dir, "ca.crt"), pem(root.certificate));
  writeFileSync(join(dir, "other.crt"), pem(makeRoot({ name: "nobody's" }).certificate));
});
beforeEach(() => {
  folder = folderOf(bundle);
  tsa.instead.length = 0;
});
afterAll(() => {
  for (const one of [tsa, other]) one?.end();
  rmSync(dir, { recursive: true, force: true });
});

function folderOf({ documents, files }: Bundle): string {
  const to = join(dir, `${++folders}`, "bundle");
  for (const [path, bytes] of [
    ...files,
    ...[...documents].map(([name, it]) => [`../documents/${name}`, it] as const),
  ]) {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    writeFileSync(join(to, path), bytes);
  }
  return to;
}

const coldseal = (...words: readonly string[]) =>
  new Promise<{ status: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, ["desk/main.ts", ...words], (fault, out, err) => {
      resolve({ status: fault ? Number(fault.code) : 0, out, err });
    });
  });
const anchor = (...more: readonly string[]) => coldseal("anchor", folder, "--tsa-ca", tsa.ca, ...more);
const evidence = () => readdirSync(folder).includes("evidence") && readdirSync(join(folder, "evidence"));
const inOneLine = (text: string) => text.replace(/\s+/g, " ");

async function verdict(authorities: readonly Uint8Array[] = [tsaRoot.certificate]) {
  const trust = { roots: [root.certificate], genesis: bundle.genesis, authorities, at: "2030-01-01T00:00:00Z" };
  return verifyFolder(folder, trust, join(folder, "../documents"));
}

describe("coldseal anchor", () => {
  it("TIME-IMPRINT: adds one file, by which a verdict says when all of it existed; nothing else changes", async () => {
    const before = new Map([...bundle.files.keys()].map((path) => [path, readFileSync(join(folder, path))]));
    const { status, out, err } = await anchor("--tsa", tsa.url);
    expect([status, err]).toEqual([0, ""]);
    expect(out).toContain("Written: evidence/0001.ers");
    expect(out).toContain("That the bundle itself holds was not verified.");
    for (const [path, bytes] of before) expect(readFileSync(join(folder, path))).toEqual(bytes);
    const words = ["verify", folder, "--ca", join(dir, "ca.crt"), "--documents", join(folder, "../documents")];
    const told = await coldseal(...words, "--tsa-ca", tsa.ca);
    expect(told.status).toBe(0);
    expect(inOneLine(told.out)).toMatch(/existed by 20\d\d-[^ ]* at the latest, by time-stamps that hold/);
    expect(inOneLine(told.out)).toContain("time by time-stamps");
    const untrusted = inOneLine((await coldseal(...words)).out);
    expect(untrusted).toContain("it does not count: no root of a time-stamp authority was given");
    expect(untrusted).not.toContain("existed by");
    const foreign = inOneLine((await coldseal(...words, "--tsa-ca", join(dir, "other.crt"))).out);
    expect(foreign).toContain("it does not count: PATH-ROOT");
  });

  it("TSA-ANSWER: goes on to the next authority, and says which gave none and why", async () => {
    tsa.instead.push(() => ({ status: 503 }));
    const { status, out } = await anchor("--tsa", "http://127.0.0.1:1/", tsa.url, other.url);
    expect(status).toBe(0);
    expect(out).toMatch(/http:\/\/127\.0\.0\.1:1\/ gave none: TSA-ANSWER: the authority does not answer: /);
    expect(out).toContain(
      `${tsa.url} gave none: TSA-ANSWER: the authority does not answer as one (got HTTP status 503)`,
    );
    expect(out).toContain(`from       ${other.url}`);
    expect((await verdict()).times).toMatchObject([
      { discounted: null, authority: expect.stringContaining("another") },
    ]);
  });

  it("TSA-ANSWER: several side by side, and none of them is given up silently", async () => {
    expect((await anchor("--each", "--tsa", tsa.url, other.url)).status).toBe(0);
    expect((await verdict()).times).toHaveLength(2);
    tsa.instead.push(() => utf8("no response"));
    const { status, err } = await anchor("--each", "--tsa", tsa.url, other.url);
    expect([status, evidence()]).toEqual([3, ["0001.ers", "0002.ers", "0003.ers"]]);
    expect(inOneLine(err)).toContain("1 of 2 authorities gave no token that counts");
    expect(err).toContain("evidence/0003.ers");
  });

  it.each<[string, () => TestTsa["instead"][number]]>([
    ["an error response", () => () => Uint8Array.of(0x30, 5, 0x30, 3, 2, 1, 2)],
    ["no DER", () => () => utf8("<html>")],
    ["nothing", () => () => new Uint8Array(0)],
    ["more than any response has", () => () => new Uint8Array(1 << 20)],
    ["a redirection's status", () => () => ({ status: 302 })],
    ["a granted response without token", () => () => sequence(sequence(Uint8Array.of(2, 1, 0)))],
  ])("TSA-ANSWER: %s is no time-stamp, and leaves nothing behind", async (_what, instead) => {
    tsa.instead.push(instead());
    const { status, out, err } = await anchor("--tsa", tsa.url);
    expect([status, out, evidence()]).toEqual([3, "", false]);
    expect(err).toContain("TSA-ANSWER");
  });

  it("TSA-ANSWER: an old token, over something else or with another nonce, is found; and a root that nobody gave", async () => {
    let old: Uint8Array | undefined;
    tsa.instead.push((request) => {
      old = request;
      return { status: 500 };
    });
    await anchor("--tsa", tsa.url);
    const replayed = await tsa.reply(old as Uint8Array);
    tsa.instead.push(() => replayed);
    expect((await anchor("--tsa", tsa.url)).err).toContain("it may be an old one");
    folder = folderOf(await buildBundle({ documents: { a: "another" } }));
    tsa.instead.push(() => replayed);
    expect((await anchor("--tsa", tsa.url)).err).toContain("TIME-IMPRINT");
    const { status, err } = await coldseal("anchor", folder, "--tsa-ca", join(dir, "other.crt"), "--tsa", tsa.url);
    expect([status, evidence()]).toEqual([3, false]);
    expect(err).toContain("PATH-ROOT");
  });

  it.each<[string, string, () => readonly string[]]>([
    ["USAGE", "no address", () => ["--tsa", "tsa.example"]],
    ["USAGE", "a file's address", () => ["--tsa", "file:///etc/passwd"]],
    ["USAGE", "a password in an address", () => ["--tsa", "http://me:secret@127.0.0.1/"]],
    ["USAGE", "each and renew", () => ["--tsa", tsa.url, "--each", "--renew"]],
    ["USAGE", "nothing to renew", () => ["--tsa", tsa.url, "--renew"]],
  ])("%s: %s", async (code, _what, words) => {
    const { status, err } = await anchor(...words());
    expect([status, evidence()]).toEqual([2, false]);
    expect(err).toContain(code);
  });

  it("MANIFEST-BIND: a list or a seal that was changed is not anchored", async () => {
    const path = join(folder, "documents.jsonl");
    writeFileSync(path, readFileSync(path, "utf8").replace('"index":1', '"index":1 '));
    expect((await anchor("--tsa", tsa.url)).err).toMatch(/JSON|MANIFEST-BIND/);
    folder = folderOf(bundle);
    const [first, second] = [...bundle.files.keys()].filter((name) => name.startsWith("seals/")) as [string, string];
    writeFileSync(join(folder, first), bundle.files.get(second) as Uint8Array);
    const { err } = await anchor("--tsa", tsa.url);
    expect(err).toContain("SEAL-BIND");
    expect(evidence()).toBe(false);
  });

  it("TIME-ORDER: a batch of the future is not anchored", async () => {
    folder = folderOf(await buildBundle({ manifest: (right) => ({ ...right, created: "2029-01-01T00:00:00Z" }) }));
    expect((await anchor("--tsa", tsa.url)).err).toContain("TIME-ORDER");
    expect(evidence()).toBe(false);
  });

  it("TIME-ORDER: is renewed by another authority, and counts while the last one does", async () => {
    await anchor("--tsa", tsa.url);
    const { status, out } = await anchor("--renew", "--tsa", other.url);
    expect([status, out]).toEqual([0, expect.stringContaining("Renewed: evidence/0001.ers")]);
    const { ok, times } = await verdict();
    expect([ok, times]).toMatchObject([true, [{ renewals: 1, discounted: null }]]);
    const broken = readFileSync(join(folder, "evidence/0001.ers"));
    broken[broken.length - 3] = (broken.at(-3) as number) ^ 1;
    writeFileSync(join(folder, "evidence/0001.ers"), broken);
    expect((await verdict()).ok).toBe(false);
    expect((await anchor("--renew", "--tsa", other.url)).status).not.toBe(0);
  });

  it("TIME-FORM: as many renewals and files of evidence as a verifier reads, and no more: what is there stays", async () => {
    await anchor("--tsa", tsa.url);
    const path = join(folder, "evidence/0001.ers");
    const [[first] = []] = readEvidenceRecord(readFileSync(path));
    const members = [first as NonNullable<typeof first>];
    while (members.length < 64) {
      const over = (members.at(-1) as (typeof members)[number]).token;
      const token = await makeToken({ over, time: utcOf(Date.now()) });
      members.push({ hash: "sha256", tree: [], token });
    }
    const record = writeEvidenceRecord([members]);
    writeFileSync(path, record);
    expect((await verdict()).times).toMatchObject([{ renewals: 63, discounted: null }]);
    const { status, err } = await anchor("--renew", "--tsa", tsa.url);
    expect([status === 0, err]).toEqual([false, expect.stringContaining("TIME-FORM")]);
    expect(new Uint8Array(readFileSync(path))).toEqual(record);
    for (let number = 2; number <= 16; number++) {
      writeFileSync(join(folder, `evidence/${String(number).padStart(4, "0")}.ers`), record);
    }
    const more = await anchor("--tsa", tsa.url);
    expect([more.status, more.err]).toEqual([2, expect.stringContaining("as many files of evidence as one may have")]);
    expect((await verdict()).ok).toBe(true);
  });

  it("CHAIN: an aborted batch's record is anchored alone", async () => {
    const aborted = await buildBundle({ abortedAfter: 1 });
    folder = folderOf(aborted);
    expect((await anchor("--tsa", tsa.url)).status).toBe(0);
    const trust = { roots: [root.certificate], genesis: aborted.genesis, authorities: [tsaRoot.certificate] };
    const { outcome, ok, times } = await verifyFolder(folder, trust);
    expect([outcome, ok, times.length]).toEqual(["aborted", true, 1]);
  });
});

describe("evidence in a bundle that is not its own", () => {
  it("TIME-IMPRINT, BUNDLE-FORM: another bundle's, a changed one, and what is none, are findings of their file", async () => {
    await anchor("--tsa", tsa.url);
    const good = readFileSync(join(folder, "evidence/0001.ers"));
    folder = folderOf(await buildBundle({ documents: { a: "another" } }));
    mkdirSync(join(folder, "evidence"));
    writeFileSync(join(folder, "evidence/0001.ers"), good);
    writeFileSync(join(folder, "evidence/0002.ers"), good.subarray(1));
    writeFileSync(join(folder, "evidence/note.txt"), "a note");
    const { findings, ok, provenTime } = await verdict();
    expect([ok, provenTime]).toEqual([false, null]);
    expect(findings.map(({ code, file }) => `${file} ${code}`)).toEqual(
      expect.arrayContaining([
        "evidence/0001.ers TIME-IMPRINT",
        "evidence/0002.ers TIME-FORM",
        "evidence/note.txt BUNDLE-FORM",
      ]),
    );
  });

  it("TIME-ORDER: a time-stamp from before the seals is a finding", async () => {
    await anchor("--tsa", tsa.url);
    const der = readFileSync(join(folder, "evidence/0001.ers"));
    const [[first] = []] = readEvidenceRecord(der);
    expect(first?.tree[0]).toHaveLength(3);
    const late = await buildBundle({ manifest: (right) => ({ ...right, created: "2029-01-01T00:00:00Z" }) });
    const { tree } = await bundleTree(nodeHost, memorySource(late));
    folder = folderOf(late);
    mkdirSync(join(folder, "evidence"));
    const token = await rawToken(tree.root, { time: "2028-12-31T00:00:00Z" });
    writeFileSync(
      join(folder, "evidence/0001.ers"),
      writeEvidenceRecord([[{ hash: "sha256", tree: tree.reduced(0), token }]]),
    );
    const { findings } = await verdict();
    expect(findings.map(({ code, file }) => `${file} ${code}`)).toContain("evidence/0001.ers TIME-ORDER");
  });
});

describe("coldseal evidence", () => {
  it("TIME-IMPRINT: of a seal that was extended since, the record over the file that the box made holds", async () => {
    await anchor("--tsa", tsa.url);
    const [to, extended] = [join(folder, "../record"), join(folder, "../extended")];
    const [name] = [...bundle.documents.keys()] as [string];
    const [seal] = [...bundle.files.keys()].filter((path) => path.startsWith("seals/")).sort() as [string];
    await coldseal("evidence", folder, name, "--to", to);
    await coldseal("extend", join(folder, seal), "--to", extended, "--tsa", tsa.url, "--tsa-ca", tsa.ca);
    const [file] = readdirSync(extended) as [string];
    const [record] = readdirSync(to) as [string];
    const words = [join(extended, file), join(folder, "../documents", name), "--evidence", join(to, record)];
    const told = await coldseal("verify", ...words, "--ca", join(dir, "ca.crt"), "--tsa-ca", tsa.ca);
    expect([told.status, told.out]).toEqual([0, expect.stringContaining("existed by")]);
  });

  it("TIME-IMPRINT: takes out one document's evidence, which holds with its seal and with no other", async () => {
    await anchor("--each", "--tsa", tsa.url, other.url);
    const to = join(folder, "../single");
    const [name, another] = [...bundle.documents.keys()] as [string, string];
    const told = await coldseal("evidence", folder, name, "--to", to);
    expect([told.status, told.err]).toEqual([0, ""]);
    const files = readdirSync(to);
    expect(files).toHaveLength(2);
    expect(files[0]).toMatch(/^000001-.*\.0001\.ers$/);
    const seals = [...bundle.files.keys()].filter((path) => path.startsWith("seals/")).sort();
    const alone = (at: number, document: string) => {
      const record = files.map((file) => join(to, file));
      const words = [join(folder, seals[at] as string), join(folder, "../documents", document)];
      return coldseal(
        "--json",
        "verify",
        ...words,
        "--ca",
        join(dir, "ca.crt"),
        "--tsa-ca",
        tsa.ca,
        "--evidence",
        ...record,
      );
    };
    const held = JSON.parse((await alone(0, name)).out);
    expect(held).toMatchObject({ ok: true, provenTime: expect.any(String), times: [{ discounted: null }, {}] });
    const wrong = JSON.parse((await alone(1, another)).out);
    expect([wrong.ok, wrong.provenTime]).toEqual([false, null]);
    expect(wrong.findings.map(({ code }: { code: string }) => code)).toEqual(["TIME-IMPRINT", "TIME-IMPRINT"]);
    const again = await coldseal("evidence", folder, name, "--to", to);
    expect([again.status === 0, readdirSync(to)]).toEqual([false, files]);
    const twice = await coldseal("evidence", folder, name, "1", "--to", join(folder, "../twice"));
    expect([twice.status, readdirSync(join(folder, "../twice"))]).toEqual([0, files]);
    const inspected = await coldseal("inspect", join(to, files[0] as string));
    expect(inspected.out).toMatch(/^evidence record \(RFC 4998\).*\n +time-stamp 1 +20\d\d-.*, sha256\n/);
    const unknown = await coldseal("evidence", folder, "no such", "--to", to);
    expect([unknown.status, unknown.err]).toEqual([2, expect.stringContaining("no such document")]);
    expect(told.out).toContain("Each is over one document and its seal");
  });

  it("TIME-IMPRINT: evidence of another bundle is not taken apart", async () => {
    await anchor("--tsa", tsa.url);
    const record = readFileSync(join(folder, "evidence/0001.ers"));
    folder = folderOf(await buildBundle({ documents: { a: "another" } }));
    const none = await coldseal("evidence", folder, "--to", join(folder, "../single"));
    expect([none.status, none.err]).toEqual([2, expect.stringContaining("there is no evidence of time")]);
    mkdirSync(join(folder, "evidence"));
    writeFileSync(join(folder, "evidence/0001.ers"), record);
    expect((await coldseal("evidence", folder, "--to", join(folder, "../single"))).err).toContain("TIME-IMPRINT");
  });
});
