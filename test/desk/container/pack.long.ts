import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { sha256 } from "../../../host/crypto-host.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { buildBundle } from "../../bundle/build.ts";
import { buildPlainBundle } from "../../bundle/build-plain.ts";
import { stampedBundle } from "../../bundle/local-time.ts";
import { issuer, root } from "../../bundle/people.ts";
import { makePolicy } from "../../bundle/signed.ts";
import { attestationMutants } from "../../manifests/mutants/attestations.ts";
import { bundleOf, type Mutant } from "../../manifests/mutants/mutant.ts";
import { makeCrl } from "../../pki/crl.ts";
import { anchored, coldseal, laid, lay, packing, place } from "./packed.ts";
import { rawZip, storedFiles } from "./raw-zip.ts";

const here = place();
afterAll(() => here.end());
const { fresh, pack, verdict } = packing(here);

describe("coldseal pack", () => {
  it("QUOTE-BIND: a TPM's quote and its log are in the container, and verified there; a changed log is found", async () => {
    const dir = fresh();
    lay(dir, await anchored(await bundleOf(attestationMutants[0] as Mutant)));
    const file = join(dir, "batch.asice");
    expect((await pack(dir, "--to", file)).err).toBe("");
    const attestation = { kind: "tpm", proven: true, explained: [0, 4, 7], device: null };
    expect(await verdict(file)).toMatchObject({ status: 0, verdict: { ok: true, attestation } });
    const files = storedFiles(readFileSync(file)).set("bundle/evidence/event-log.bin", Uint8Array.of(1));
    writeFileSync(file, rawZip([...files].map(([name, data]) => ({ name, data }))));
    const changed = await verdict(file);
    expect(changed.verdict.findings).toMatchObject([{ code: "MANIFEST-BIND", file: "evidence/event-log.bin" }]);
    const more = [...files]
      .map(([name, data]) => ({ name, data }))
      .concat({ name: "bundle/evidence/0001.ers", data: Uint8Array.of(1) });
    writeFileSync(file, rawZip(more));
    expect((await verdict(file)).verdict.findings).toContainEqual(
      expect.objectContaining({ file: "bundle/evidence/0001.ers" }),
    );
  });

  it("TIME-LOCAL, REVOCATION-STALE: the box's own time-stamp and revocation data go along, and are missed where they are gone", async () => {
    const dir = fresh();
    const lists = [makeCrl(root), makeCrl(issuer)];
    const revocation = { maximumAgeSeconds: 604_800, roots: [root.certificate], stale: "refuse" } as const;
    const named = lists.map((bytes) => ({ digest: hex(sha256(bytes)), kind: "crl" }) as const);
    const bundle = await stampedBundle({
      policy: (policy) => ({ ...policy, revocation }),
      manifest: (manifest) => ({ ...manifest, revocation: { files: named, stale: [] } }),
    });
    const files = new Map(bundle.files);
    for (const [at, bytes] of lists.entries()) files.set(`revocation/000${at + 1}.crl`, bytes);
    lay(dir, await anchored({ ...bundle, files }));
    const file = join(dir, "batch.asice");
    expect((await pack(dir, "--to", file)).err).toBe("");
    const packed = storedFiles(readFileSync(file));
    for (const path of ["local-time.tst", "revocation/0001.crl", "revocation/0002.crl"])
      expect(packed.get(`bundle/${path}`)).toEqual(files.get(path));
    const held = await verdict(file);
    expect(held).toMatchObject({ status: 0, verdict: { ok: true, localTime: { accuracySeconds: 2 } } });
    expect(held.verdict.indication.revocation).toBe("CRLs in the bundle");
    expect((await pack(dir, "--each", "--to", join(dir, "each"), "2")).status).toBe(0);
    expect(await verdict(join(dir, "each/000002--bersicht.pdf.asics"))).toMatchObject({ verdict: { ok: true } });
    rmSync(join(dir, "bundle/local-time.tst"));
    expect((await pack(dir, "--to", join(dir, "less.asice"))).status).not.toBe(0);
  });

  it("TIME-IMPRINT: what was not anchored makes no container of a batch, and containers of documents without a time", async () => {
    const dir = fresh();
    lay(dir, await buildBundle());
    const told = await pack(dir, "--to", join(dir, "batch.asice"));
    expect([told.status, readdirSync(dir).sort()]).toEqual([2, ["bundle", "documents"]]);
    expect(told.err).toContain("this bundle was not anchored");
    expect((await pack(dir, "--each", "--to", join(dir, "each"), "2")).status).toBe(0);
    expect(readdirSync(join(dir, "each"))).toEqual(["000002--bersicht.pdf.asics"]);
    const alone = await verdict(join(dir, "each/000002--bersicht.pdf.asics"));
    expect(alone).toMatchObject({ status: 0, verdict: { ok: true, manifest: "lists it", provenTime: null } });
  });

  it("T24: contents of plain envelopes go along, out of the bundle", async () => {
    const dir = fresh();
    const plain = await buildPlainBundle();
    const list = Buffer.from(plain.files.get("documents.jsonl") as Uint8Array).toString();
    const { contentPath } = await import("../../../manifests/records/names.ts");
    for (const line of list.trimEnd().split("\n")) {
      const { index, name } = JSON.parse(line);
      plain.files.set(contentPath(index, name), plain.documents.get(name) as Uint8Array);
    }
    lay(dir, { ...(await anchored(plain)), documents: new Map() });
    const [file, each] = [join(dir, "batch.asice"), join(dir, "each")];
    expect(await coldseal("pack", join(dir, "bundle"), "--to", file)).toMatchObject({ status: 0, err: "" });
    expect(await coldseal("pack", join(dir, "bundle"), "--each", "--to", each)).toMatchObject({ status: 0, err: "" });
    const whole = await verdict(file);
    expect(whole).toEqual(await verdict(join(dir, "bundle")));
    expect(whole).toMatchObject({ status: 0, verdict: { ok: true, documents: { checked: 3, count: 3 } } });
    for (const name of readdirSync(each)) expect((await verdict(join(each, name))).status, name).toBe(0);
  });

  it("POLICY-PROFILE: longer digests stand in manifests and records as in the batch", async () => {
    const dir = fresh();
    const digest = "sha512" as const;
    const profile = { ...makePolicy().profile, digest };
    await laid(dir, {
      head: (head) => ({ ...head, digestAlgorithm: digest }),
      policy: (policy) => ({ ...policy, profile }),
    });
    const file = join(dir, "batch.asice");
    expect(await pack(dir, "--to", file)).toMatchObject({ status: 0, err: "" });
    const { verdict: held } = await verdict(file);
    expect(held.findings.filter(({ file: at }: { file: string }) => at.startsWith("META-INF"))).toEqual([]);
    const xml = storedFiles(readFileSync(file)).get("META-INF/ASiCEvidenceRecordManifest0001-000001.xml");
    expect(
      Buffer.from(xml as Uint8Array)
        .toString()
        .match(/xmlenc#sha512/g),
    ).toHaveLength(2);
  });

  it.each<[string, string, RegExp, (dir: string) => unknown, (readonly string[])?]>([
    [
      "DOCUMENT-DIGEST",
      "another document",
      /not the one that was sealed/,
      (dir) => writeFileSync(join(dir, "documents/Übersicht.pdf"), "TWO"),
    ],
    [
      "DOCUMENT-SIZE",
      "a longer document",
      /expected +3 bytes/,
      (dir) => writeFileSync(join(dir, "documents/Übersicht.pdf"), "three"),
    ],
    [
      "DOCUMENT-SIZE",
      "a shorter document",
      /expected +3 bytes/,
      (dir) => writeFileSync(join(dir, "documents/Übersicht.pdf"), ""),
    ],
    ["DOCUMENT-MISSING", "a document that is not there", /missing/, (dir) => rmSync(join(dir, "documents/empty.bin"))],
    [
      "SEAL-BIND",
      "another seal",
      /not the seal/,
      (dir) => {
        const seals = join(dir, "bundle/seals/0000");
        writeFileSync(join(seals, "000001-contract-0113.pdf.p7s"), readFileSync(join(seals, "000003-empty.bin.p7s")));
      },
    ],
    [
      "USAGE",
      "a container that is there",
      /something there already/,
      (dir) => {
        mkdirSync(join(dir, "each"));
        for (const file of ["batch.asice", "each/000001-contract-0113.pdf.asics"])
          writeFileSync(join(dir, file), "mine");
      },
    ],
  ])("%s: %s is refused, both ways, and no part of a container is left behind", async (code, _what, said, change) => {
    const dir = fresh();
    await laid(dir);
    change(dir);
    const files = () =>
      (readdirSync(dir, { recursive: true }) as string[]).filter((name) => !name.startsWith("each")).sort();
    const had = files();
    for (const words of [
      ["--to", join(dir, "batch.asice")],
      ["--each", "--to", join(dir, "each")],
    ]) {
      const { err, out, status } = await pack(dir, ...words);
      expect(status).not.toBe(0);
      expect(out).toBe("");
      expect(err).toContain(code);
      expect(err).toMatch(said);
    }
    expect(files()).toEqual(had);
    const whole = code === "USAGE" || !existsSync(join(dir, "each")) ? [] : readdirSync(join(dir, "each"));
    for (const name of whole) expect((await verdict(join(dir, "each", name))).status, name).toBe(0);
    expect(whole.length).toBeLessThan(3);
    if (code === "USAGE") expect(readFileSync(join(dir, "batch.asice"), "utf8")).toBe("mine");
  });

  it.each<[string, string, Parameters<typeof buildBundle>[0], (dir: string) => readonly string[]]>([
    ["ABORTED", "an aborted batch", { abortedAfter: 1 }, (dir) => ["--to", join(dir, "x")]],
    [
      "BUNDLE-FORM",
      "a file that nothing covers",
      {},
      (dir) => {
        writeFileSync(join(dir, "bundle/note.txt"), "approved");
        return ["--to", join(dir, "x")];
      },
    ],
    [
      "TIME-IMPRINT",
      "another bundle's evidence",
      {},
      (dir) => {
        writeFileSync(
          join(dir, "bundle/evidence/0001.ers"),
          readFileSync(join(here.dir, "other/bundle/evidence/0001.ers")),
        );
        return ["--to", join(dir, "x")];
      },
    ],
    [
      "DOCUMENT-NAME",
      "a document that is called as a container's own file",
      { documents: { MimeType: "x", b: "y" } },
      (dir) => ["--each", "--to", join(dir, "x")],
    ],
    ["USAGE", "names without --each", {}, (dir) => ["--to", join(dir, "x"), "1"]],
    ["USAGE", "a document that the batch has not", {}, (dir) => ["--each", "--to", join(dir, "x"), "no such"]],
    ["USAGE", "a folder that is not there", {}, (dir) => ["--to", join(dir, "no/x")]],
  ])("%s: %s", async (code, _what, changes, words) => {
    const dir = fresh();
    await laid(join(here.dir, "other"), { documents: { a: "another" } });
    await laid(dir, changes);
    const { err, out, status } = await pack(dir, ...words(dir));
    expect([status === 0, out]).toEqual([false, ""]);
    expect(err).toContain(code);
    expect(
      readdirSync(dir)
        .filter((name) => name === "x")
        .flatMap((name) => readdirSync(join(dir, name))),
    ).toEqual([]);
  });
});
