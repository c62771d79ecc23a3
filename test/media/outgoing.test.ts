import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import type { FilePart } from "../../manifests/encoding/file-stream.ts";
import { sealPath } from "../../manifests/records/names.ts";
import { isRefusalFolder, writeAnswer, writeAudit } from "../../media/outgoing/answer.ts";
import { outputNames } from "../../media/outgoing/output-path.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "coldseal-stick-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const answer = {
  "manifest.p7m": "M",
  "documents.jsonl": "",
  "seals/0000/000001-a.p7s": "S1",
  "seals/0001/001000-b.p7s": "S2",
};

async function* parts(files: Record<string, string>, before?: (path: string) => void): AsyncIterable<FilePart> {
  for (const [path, text] of Object.entries(files)) {
    before?.(path);
    const bytes = utf8(text);
    yield { path, size: bytes.length };
    for (const byte of bytes) yield { bytes: Uint8Array.of(byte) };
  }
}

const outbox = (...names: string[]) => join(root, "coldseal/outbox", ...names);

function write(files: Record<string, string>, more: Partial<Parameters<typeof writeAnswer>[0]> = {}) {
  return writeAnswer({ root, folder: "batch-1", files: parts(files), ...more });
}

describe("writeAnswer", () => {
  it("CHECKED-OUT: files stand where they belong, counted, and nothing temporary is left", async () => {
    const written = await write(answer);
    expect(written).toMatchObject({ path: "coldseal/outbox/batch-1", files: 4, bytes: 5 });
    for (const [path, text] of Object.entries(answer)) expect(readFileSync(outbox("batch-1", path), "utf8")).toBe(text);
    expect(readdirSync(outbox())).toEqual(["batch-1"]);
  });

  it("CHECKED-OUT: the same answer again changes nothing, on the same stick and on another", async () => {
    const first = await write(answer);
    expect(await write(answer)).toEqual(first);
    await rm(root, { recursive: true });
    root = await mkdtemp(join(tmpdir(), "coldseal-stick-"));
    const other = await write(answer);
    expect(other.files).toBe(first.files);
  });

  it.each<[string, Record<string, string>]>([
    ["another content", { ...answer, "manifest.p7m": "N" }],
    ["another length", { ...answer, "manifest.p7m": "MM" }],
    ["a file more", { ...answer, "more.p7m": "1" }],
    ["a file fewer", { "manifest.p7m": "M" }],
  ])("MEDIA-TAKEN: %s under the same name is not touched", async (_, other) => {
    await write(answer);
    await expect(write(other)).rejects.toMatchObject({ code: "MEDIA-TAKEN", about: "batch-1" });
    expect(readFileSync(outbox("batch-1/manifest.p7m"), "utf8")).toBe("M");
    expect(readdirSync(outbox())).toEqual(["batch-1"]);
  });

  it("MEDIA-TAKEN: a file stands where the answer's folder belongs", async () => {
    mkdirSync(outbox(), { recursive: true });
    writeFileSync(outbox("batch-1"), "");
    await expect(write(answer)).rejects.toMatchObject({ code: "MEDIA-TAKEN" });
  });

  it("MEDIA-TAKEN: a refusal gives way to a later answer, an answer never to a refusal", async () => {
    await write({ "refusal.json": "{}", "batch.p7m": "B" });
    await write(answer, { replace: isRefusalFolder });
    expect(existsSync(outbox("batch-1/manifest.p7m"))).toBe(true);
    expect(existsSync(outbox("batch-1/refusal.json"))).toBe(false);
    expect(readdirSync(outbox())).toEqual(["batch-1"]);
    await expect(write({ "refusal.json": "{}" }, { replace: isRefusalFolder })).rejects.toMatchObject({
      code: "MEDIA-TAKEN",
    });
  });

  it("T21: what a crash left behind is removed by the next write", async () => {
    mkdirSync(outbox(".partial-0123abcd/batch-1/seals"), { recursive: true });
    writeFileSync(outbox(".partial-0123abcd/batch-1/seals/x"), "half");
    await write(answer);
    expect(readdirSync(outbox())).toEqual(["batch-1"]);
  });

  it("T1: a link where a folder of the stick belongs leads nowhere", async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), "coldseal-elsewhere-"));
    mkdirSync(join(root, "coldseal"));
    symlinkSync(elsewhere, outbox());
    await expect(write(answer)).rejects.toMatchObject({ code: "MEDIA-KIND" });
    await rm(outbox());
    mkdirSync(outbox());
    symlinkSync(elsewhere, outbox("batch-1"));
    await expect(write(answer)).rejects.toMatchObject({ code: "MEDIA-TAKEN" });
    expect(readdirSync(elsewhere)).toEqual([]);
    await rm(elsewhere, { recursive: true });
  });

  it("CHECKED-OUT: a byte that changed on the stick before it was read back is found, and no answer stands there", async () => {
    const tampered = parts(answer, (path) => {
      if (path !== "documents.jsonl") return;
      const [partial] = readdirSync(outbox());
      writeFileSync(outbox(partial as string, "batch-1/manifest.p7m"), "X");
    });
    await expect(write(answer, { files: tampered })).rejects.toMatchObject({
      code: "CHECKED-OUT",
      about: "manifest.p7m",
    });
    expect(readdirSync(outbox())).toEqual([]);
    await write(answer);
  });

  it("CHECKED-OUT: what gave way comes back when the answer cannot be verified", async () => {
    await write({ "refusal.json": "{}" });
    const tampered = parts(answer, (path) => {
      if (path !== "documents.jsonl") return;
      const partial = readdirSync(outbox()).find((name) => name.startsWith(".partial"));
      writeFileSync(outbox(partial as string, "batch-1/manifest.p7m"), "X");
    });
    await expect(write(answer, { files: tampered, replace: isRefusalFolder })).rejects.toMatchObject({
      code: "CHECKED-OUT",
    });
    expect(readdirSync(outbox("batch-1"))).toEqual(["refusal.json"]);
  });

  it("T19: a stick pulled out while it is written is told from a full one, and the answer can go to another", async () => {
    const away = `${root}-away`;
    const pulled = parts(answer, (path) => path === "documents.jsonl" && renameSync(root, away));
    await expect(write(answer, { files: pulled })).rejects.toMatchObject({ code: "MEDIA-WRITE" });
    expect(existsSync(join(away, "coldseal/outbox/batch-1"))).toBe(false);
    await rm(away, { recursive: true });
    await expect(write(answer)).rejects.toMatchObject({ code: "MEDIA-WRITE" });
    mkdirSync(root);
    await write(answer);
  });

  it("T19: another stick in the place of the first is noticed", async () => {
    const away = `${root}-away`;
    const swapped = parts(answer, (path) => {
      if (path !== "documents.jsonl") return;
      renameSync(root, away);
      mkdirSync(root);
    });
    await expect(write(answer, { files: swapped })).rejects.toMatchObject({ code: "MEDIA-WRITE" });
    expect(readdirSync(root)).toEqual([]);
    await rm(away, { recursive: true });
  });

  it("NOTHING-LOST: a source that fails, lies about a size or is stopped leaves nothing behind", async () => {
    async function* failing(): AsyncIterable<FilePart> {
      yield { path: "manifest.p7m", size: 3 };
      throw new Error("signer gone");
    }
    async function* short(): AsyncIterable<FilePart> {
      yield { path: "manifest.p7m", size: 3 };
      yield { bytes: utf8("M") };
    }
    async function* long(): AsyncIterable<FilePart> {
      yield { path: "manifest.p7m", size: 1 };
      yield { bytes: utf8("MM") };
    }
    async function* nothing(): AsyncIterable<FilePart> {}
    await expect(write({}, { files: failing() })).rejects.toThrow("signer gone");
    for (const files of [short(), long(), nothing()]) {
      await expect(write({}, { files })).rejects.toMatchObject({ code: "FRAME" });
    }
    await expect(write(answer, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "STOPPED" });
    expect(readdirSync(outbox())).toEqual([]);
  });

  it("MEDIA-FULL: refused before anything is written when it does not fit", async () => {
    const { bavail, bsize } = statfsSync(root);
    // What others free meanwhile does not make it fit.
    const bytes = bavail * bsize + 2 ** 40;
    await expect(write(answer, { needs: { files: 1, bytes } })).rejects.toMatchObject({ code: "MEDIA-FULL" });
    expect(existsSync(join(root, "coldseal"))).toBe(false);
  });
});

describe("names on sticks", () => {
  it.each(["../x", "a/../b", "A.p7s", "a/Ü", "a/b~1.p7s", "/a", "a//b", "nul", "a/con.p7s", "a.", "a b", "a/x\0"])(
    "T26: %j is not written",
    async (path) => {
      await expect(write({ [path]: "" })).rejects.toMatchObject({ code: "MEDIA-NAME" });
      expect(readdirSync(outbox())).toEqual([]);
    },
  );

  it("T26: two files of one name are not written over each other", async () => {
    async function* twice(): AsyncIterable<FilePart> {
      yield* parts({ "a.p7s": "1" });
      yield* parts({ "a.p7s": "2" });
    }
    await expect(write({}, { files: twice() })).rejects.toMatchObject({ code: "MEDIA-NAME" });
  });

  it.each(["../x", "A", "a/b", "", ".", ".."])("T2: %j is no answer's folder", async (folder) => {
    await expect(write(answer, { folder })).rejects.toMatchObject({ code: "MEDIA-NAME" });
  });

  it("T26: every seal's path can be written, whatever the document's name", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999 }), fc.string({ unit: "binary" }), (index, name) => {
        expect(outputNames(`batch/${sealPath(index, name)}`)).toHaveLength(4);
      }),
    );
  });
});

describe("writeAudit", () => {
  const manifests = { "1/manifest.p7m": "A", "1/authorization.p7m": "", "2/manifest.p7m": "B" };

  it("CHAIN: each number is placed once; what the keeper's stick holds already stays", async () => {
    const first = await writeAudit({ root, files: parts(manifests) });
    expect(first).toMatchObject({ path: "coldseal/audit", numbers: ["1", "2"], files: 3 });
    const second = await writeAudit({ root, files: parts({ ...manifests, "3/manifest.p7m": "C" }) });
    expect(second.numbers).toEqual(["1", "2", "3"]);
    expect(readdirSync(join(root, "coldseal/audit"))).toEqual(["1", "2", "3"]);
  });

  it("T25: another manifest under a number that is there is refused, and nothing new appears", async () => {
    await writeAudit({ root, files: parts(manifests) });
    const forked = writeAudit({ root, files: parts({ "2/manifest.p7m": "Z", "3/manifest.p7m": "C" }) });
    await expect(forked).rejects.toMatchObject({ code: "MEDIA-TAKEN", about: "2" });
    expect(readdirSync(join(root, "coldseal/audit"))).toEqual(["1", "2"]);
  });

  it("MEDIA-NAME: only numbers, policies and certificates stand in audit, each file right below", async () => {
    for (const path of ["x/manifest.p7m", "policy/old/0001.p7m", "certificates.der"]) {
      await expect(writeAudit({ root, files: parts({ [path]: "" }) })).rejects.toMatchObject({ code: "MEDIA-NAME" });
    }
  });

  const audit = (...names: string[]) => join(root, "coldseal/audit", ...names);

  it("CHAIN: policies and certificates are added to those that are there, which stay", async () => {
    const first = { ...manifests, "policy/0001.p7m": "P1", "certificates/aa.der": "C1" };
    expect((await writeAudit({ root, files: parts(first) })).numbers).toEqual(["1", "2"]);
    const { ino } = statSync(audit("policy/0001.p7m"));
    const later = {
      "3/manifest.p7m": "C",
      "policy/0001.p7m": "P1",
      "policy/0002.p7m": "P2",
      "certificates/bb.der": "C2",
    };
    expect(await writeAudit({ root, files: parts(later) })).toMatchObject({ numbers: ["3"], files: 4 });
    expect(readdirSync(audit("policy"))).toEqual(["0001.p7m", "0002.p7m"]);
    // It was compared, not written again.
    expect(statSync(audit("policy/0001.p7m")).ino).toBe(ino);
    expect(readdirSync(audit("certificates"))).toEqual(["aa.der", "bb.der"]);
    expect(readFileSync(audit("certificates/aa.der"), "utf8")).toBe("C1");
    await writeAudit({ root, files: parts(later) });
    expect(readdirSync(audit())).toEqual(["1", "2", "3", "certificates", "policy"]);
  });

  it("T25: another policy under a number that is there is refused, and nothing is added", async () => {
    await writeAudit({ root, files: parts({ "1/manifest.p7m": "A", "policy/0001.p7m": "P1" }) });
    const other = { "2/manifest.p7m": "B", "policy/0001.p7m": "Q1", "policy/0002.p7m": "P2" };
    await expect(writeAudit({ root, files: parts(other) })).rejects.toMatchObject({
      code: "MEDIA-TAKEN",
      about: "policy",
      got: "0001.p7m",
    });
    expect(readdirSync(audit())).toEqual(["1", "policy"]);
    expect(readdirSync(audit("policy"))).toEqual(["0001.p7m"]);
  });

  it("MEDIA-KIND: a link in place of a policy, or of their folder, is not followed", async () => {
    await writeAudit({ root, files: parts({ "1/manifest.p7m": "A", "policy/0001.p7m": "P1" }) });
    writeFileSync(join(root, "elsewhere"), "P2");
    symlinkSync(join(root, "elsewhere"), audit("policy/0002.p7m"));
    const more = { "2/manifest.p7m": "B", "policy/0001.p7m": "P1", "policy/0002.p7m": "P2" };
    await expect(writeAudit({ root, files: parts(more) })).rejects.toMatchObject({ code: "MEDIA-KIND" });
    expect(readdirSync(audit())).toEqual(["1", "policy"]);
  });

  it("CHAIN: a number that was written without the request gets it beside what is there, and nothing else", async () => {
    const three = { "1/manifest.p7m": "A", "1/authorization.p7m": "B", "1/documents.jsonl": "C" };
    await writeAudit({ root, files: parts(three) });
    const forked = writeAudit({ root, files: parts({ ...three, "1/manifest.p7m": "Z", "1/batch.p7m": "R" }) });
    await expect(forked).rejects.toMatchObject({ code: "MEDIA-TAKEN", about: "1", got: "manifest.p7m" });
    expect(readdirSync(audit("1"))).toHaveLength(3);
    await writeAudit({ root, files: parts({ ...three, "1/batch.p7m": "R" }) });
    expect(readdirSync(audit("1"))).toEqual(["authorization.p7m", "batch.p7m", "documents.jsonl", "manifest.p7m"]);
    // From now on the number stands as a whole.
    const other = writeAudit({ root, files: parts(three) });
    await expect(other).rejects.toMatchObject({ code: "MEDIA-TAKEN", got: "a file too many" });
  });

  it("CHECKED-OUT: what was added is taken back when it is read back otherwise", async () => {
    await writeAudit({ root, files: parts({ "1/manifest.p7m": "A", "policy/0001.p7m": "P1" }) });
    const more = { "policy/0001.p7m": "P1", "policy/0002.p7m": "P2", "9/manifest.p7m": "Z" };
    async function* changing() {
      for await (const part of parts(more)) {
        if ("path" in part && part.path.startsWith("9")) {
          const partial = readdirSync(audit()).find((name) => name.startsWith(".partial-")) as string;
          writeFileSync(audit(partial, "policy/0002.p7m"), "XX");
        }
        yield part;
      }
    }
    await expect(writeAudit({ root, files: changing() })).rejects.toMatchObject({ code: "CHECKED-OUT" });
    expect(readdirSync(audit("policy"))).toEqual(["0001.p7m"]);
    expect(readdirSync(audit())).toEqual(["1", "policy"]);
  });
});
