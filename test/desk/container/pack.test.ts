import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { coldseal, laid, packing, place } from "./packed.ts";
import { storedFiles } from "./raw-zip.ts";

const here = place();
afterAll(() => here.end());
const { fresh, pack, verdict } = packing(here);

describe("coldseal pack", () => {
  it("TIME-IMPRINT: a batch in one container is verified as the bundle is, with nothing else at hand", async () => {
    const dir = fresh();
    await laid(dir, {}, 2);
    const file = join(dir, "batch.asice");
    const told = await pack(dir, "--to", file);
    expect([told.status, told.err]).toEqual([0, ""]);
    expect(told.out).toContain("3 documents, 2 files of evidence");
    expect(told.out).toContain("Nothing of it was verified.");
    const bundle = await verdict(join(dir, "bundle"), "--documents", join(dir, "documents"));
    expect(bundle).toMatchObject({ status: 0, verdict: { ok: true, times: [{ discounted: null }, {}] } });
    const before = readFileSync(file);
    rmSync(join(dir, "bundle"), { recursive: true });
    rmSync(join(dir, "documents"), { recursive: true });
    expect(await verdict(file)).toEqual(bundle);
    expect((await coldseal("verify", file, ...here.trust)).out).toContain("VALID: 3 seals, all 3 documents");
    expect(readFileSync(file)).toEqual(before);
  });

  it("SEAL-BIND: a document in a container of its own has its seal, its quorum and its time with it", async () => {
    const dir = fresh();
    const { genesis } = await laid(dir);
    const told = await pack(dir, "--each", "--to", join(dir, "each"));
    expect([told.status, told.err]).toEqual([0, ""]);
    const names = readdirSync(join(dir, "each")).sort();
    expect(names).toEqual(["000001-contract-0113.pdf.asics", "000002--bersicht.pdf.asics", "000003-empty.bin.asics"]);
    rmSync(join(dir, "bundle"), { recursive: true });
    rmSync(join(dir, "documents"), { recursive: true });
    for (const [at, name] of ["contract 0113.pdf", "Übersicht.pdf", "empty.bin"].entries()) {
      const file = join(dir, "each", names[at] as string);
      expect(await verdict(file, "--genesis", genesis)).toMatchObject({
        status: 0,
        verdict: {
          ok: true,
          index: at + 1,
          manifest: "lists it",
          name,
          quorum: "pinned to genesis",
          provenTime: "2026-11-20T12:31:00Z",
        },
      });
    }
  });

  it("MANIFEST-BIND: a document's container says nothing of the other documents, neither their names nor digests", async () => {
    const dir = fresh();
    await laid(dir);
    const list = readFileSync(join(dir, "bundle/documents.jsonl"), "utf8").trimEnd().split("\n");
    expect((await pack(dir, "--each", "--to", join(dir, "each"), "2")).status).toBe(0);
    const files = storedFiles(readFileSync(join(dir, "each/000002--bersicht.pdf.asics")));
    const others = [1, 3].map((index) => JSON.parse(list[index - 1] as string));
    const secret = others.flatMap(({ digest, name, sealDigest }) => [name, digest, sealDigest]);
    expect(secret).toHaveLength(6);
    for (const [path, bytes] of files) {
      for (const one of secret) expect(Buffer.from(bytes).includes(one), `${path} ${one}`).toBe(false);
    }
    const inclusion = files.get("META-INF/coldseal/inclusion.json") as Uint8Array;
    expect(JSON.parse(Buffer.from(inclusion).toString()).leaf).toEqual(JSON.parse(list[1] as string));
  });

  it("SEAL-BIND: unpacked, its seal is verified by the line that lies beside it; another document's line is found", async () => {
    const dir = fresh();
    await laid(dir);
    expect((await pack(dir, "--each", "--to", join(dir, "each"))).status).toBe(0);
    const [first, second] = ["000001-contract-0113.pdf", "000002--bersicht.pdf"].map((name) =>
      storedFiles(readFileSync(join(dir, "each", `${name}.asics`))),
    ) as [Map<string, Uint8Array>, Map<string, Uint8Array>];
    const unpacked = join(dir, "unpacked");
    mkdirSync(join(unpacked, "policy"), { recursive: true });
    mkdirSync(join(unpacked, "seals/0000"), { recursive: true });
    for (const name of ["manifest.p7m", "authorization.p7m", "policy/0001.p7m", "inclusion.json"]) {
      writeFileSync(join(unpacked, name), second.get(`META-INF/coldseal/${name}`) as Uint8Array);
    }
    const seal = join(unpacked, "seals/0000/000002--bersicht.pdf.p7s");
    writeFileSync(seal, second.get("META-INF/signature.p7s") as Uint8Array);
    const document = join(dir, "documents/Übersicht.pdf");
    expect(await verdict(seal, document)).toMatchObject({ status: 0, verdict: { manifest: "lists it" } });
    writeFileSync(join(unpacked, "inclusion.json"), first.get("META-INF/coldseal/inclusion.json") as Uint8Array);
    const other = await verdict(seal, document);
    expect(other.verdict).toMatchObject({ ok: false, manifest: "not shown", findings: [{ code: "SEAL-BIND" }] });
  });

  it("USAGE: without the folder of documents, where they lie beside the bundle", async () => {
    const dir = fresh();
    await laid(dir);
    const { err, status } = await coldseal("pack", join(dir, "bundle"), "--to", join(dir, "x"));
    expect([status, err]).toEqual([2, expect.stringContaining("--documents")]);
  });

  it("BUNDLE-FORM: the same bundle makes the same bytes", async () => {
    const dir = fresh();
    await laid(dir);
    for (const name of ["a", "b"]) await pack(dir, "--to", join(dir, name));
    expect(readFileSync(join(dir, "a"))).toEqual(readFileSync(join(dir, "b")));
  });
});
