import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf, nodeHost } from "../../../host/crypto-host.ts";
import { verifySeal } from "../../../manifests/verify/seal.ts";
import { root } from "../../bundle/people.ts";
import { pem } from "../../pki/authority.ts";
import { tsaRoot } from "../../pki/tsa.ts";
import { projectRoot } from "../../structure/source-files.ts";
import { archivesByHand } from "../../time/archive-by-hand.ts";
import { isHere } from "../../verifiers/all.ts";
import { bouncycastle, javaArguments } from "../../verifiers/bouncycastle.ts";
import { archiveGround } from "./archive-ground.ts";
import { type ArchiveMutant, archiveMutants, type Ground } from "./archive-time-stamps.ts";

let folder: string;
let ground: Ground;
const made = new Map<ArchiveMutant, Uint8Array>();
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-archive-mutants-"));
  ground = await archiveGround();
  for (const mutant of archiveMutants) made.set(mutant, await mutant.make(ground));
});
afterAll(() => rmSync(folder, { recursive: true }));

const verdictOf = (file: Uint8Array) =>
  verifySeal(
    nodeHost,
    { seal: file, documentDigest: async (hash) => digestOf(hash, ground.document) },
    { roots: [root.certificate], authorities: [tsaRoot.certificate], at: "2030-01-01T00:00:00Z" },
  );

describe("archive time-stamps that are wrong in one thing", () => {
  it.each(archiveMutants.map((mutant) => [mutant.title, mutant] as const))("TIME-IMPRINT: %s", async (_, mutant) => {
    const { findings, times } = await verdictOf(made.get(mutant) as Uint8Array);
    const archives = times.filter(({ file }) => file.startsWith("archive-time-stamp"));
    const said = archives.map(({ discounted }) => discounted?.slice(0, discounted.indexOf(":")) ?? "holds");
    // Whoever has the seal can add one: whatever is wrong with it, the seal holds as before.
    expect([findings, [...new Set(said)]]).toEqual([[], [mutant.ours]]);
    expect(archives.flatMap(({ over }) => over?.leftOut ?? [])).toEqual(mutant.leftOut ?? []);
    const covered = mutant.ours === "holds" && mutant.leftOut?.includes("signature-time-stamp 1") !== true;
    const [stamp] = times.filter(({ file }) => file === "signature-time-stamp 1");
    expect(stamp?.renewals ?? 0).toBe(covered ? archives.length : 0);
  });

  it("TIME-IMPRINT: each has a name of its own, and docs/verify.md has them all", () => {
    expect(new Set(archiveMutants.map(({ title }) => title)).size).toBe(archiveMutants.length);
    const [, page = ""] = readFileSync(join(projectRoot, "docs/verify.md"), "utf8").split("\n## Archive time-stamps\n");
    const rows = archiveMutants.map(({ bouncycastle: word, leftOut, ours, title }) => {
      const said = leftOut ? `holds, and says that it is not over ${leftOut.join(", ")}` : ours;
      return `| ${title} | ${said} | ${word} |`;
    });
    const table = (page.split("\n## ")[0] ?? "").split("\n").filter((line) => line.startsWith("| "));
    expect(table.slice(1)).toEqual(rows);
  });

  it.skipIf(!isHere(bouncycastle))(
    "TIME-IMPRINT: BouncyCastle says of each what the table has it say",
    async () => {
      const put = (name: string, bytes: Uint8Array | string) => {
        writeFileSync(join(folder, name), bytes);
        return join(folder, name);
      };
      const document = put("document", ground.document);
      const files = [...made].flatMap(([, seal], at) => [put(`${at}.p7s`, seal), document]);
      const program = join(projectRoot, "docs/CheckArchive.java");
      const words = [...javaArguments.slice(0, -1), program, put("tsa.crt", pem(tsaRoot.certificate)), ...files];
      const lines = await new Promise<readonly string[]>((resolve) => {
        execFile("java", words, (_fault, out, err) => resolve(`${out}${err}`.trim().split("\n")));
      });
      const said = archiveMutants.map((mutant, at) => [
        mutant.title,
        lines[at]?.startsWith("good: ") ? "accepts" : lines[at],
      ]);
      const table = archiveMutants.map((mutant) => [
        mutant.title,
        mutant.bouncycastle === "accepts" ? "accepts" : expect.stringMatching(/^refused: /),
      ]);
      expect(said).toEqual(table);
    },
    120_000,
  );
});

describe("what an archive time-stamp is over, computed by hand", () => {
  it("TIME-IMPRINT: is what our verifier takes, and nothing else is", () => {
    const right = (title: string) => made.get(archiveMutants.find((one) => one.title === title) as ArchiveMutant);
    for (const title of ["nothing", "another hash than the seal's, throughout", "a second one over the first"]) {
      const all = archivesByHand(right(title) as Uint8Array, ground.document);
      expect(all).toHaveLength(title.startsWith("a second") ? 2 : 1);
      for (const { expected, imprint } of all) expect([title, imprint]).toEqual([title, expected]);
      const last = all.findLast(({ index }) => index[2]?.length === all.length);
      const own = last?.there[2]?.filter((one) => !last.index[2]?.includes(one));
      expect([last?.index[0], last?.index[1], own?.length]).toEqual([last?.there[0], last?.there[1], 1]);
    }
    for (const [mutant, file] of made) {
      if (mutant.ours !== "holds") continue;
      for (const { expected, imprint } of archivesByHand(file, ground.document)) {
        expect([mutant.title, imprint]).toEqual([mutant.title, expected]);
      }
    }
    const wrong = right("a token over the signed attributes as a SET") as Uint8Array;
    for (const { expected, imprint } of archivesByHand(wrong, ground.document)) expect(imprint).not.toBe(expected);
  });
});
