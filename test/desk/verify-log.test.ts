import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifierKeyText } from "../../manifests/log/verifier-key.ts";
import { logProofPath } from "../../manifests/verify/log-proofs.ts";
import { type Bundle, buildBundle } from "../bundle/build.ts";
import { logProofFile, logTrust, origin } from "../bundle/log.ts";
import { anchored, coldseal, lay, packing, place } from "./container/packed.ts";
import { storedFiles } from "./container/raw-zip.ts";

const here = place();
afterAll(() => here.end());
const { pack, verdict } = packing(here);

let bundle: Bundle;
let keys: readonly string[];
let log: string;
const dir = join(here.dir, "logged");
const folder = join(dir, "bundle");
const presented = ["--documents", join(dir, "documents")];
const seal = "seals/0000/000001-contract-0113.pdf.p7s";
const document = join(dir, "documents/contract 0113.pdf");
beforeAll(async () => {
  bundle = await anchored(await buildBundle());
  bundle.files.set(logProofPath(1), await logProofFile(bundle));
  lay(dir, bundle);
  const trust = await logTrust();
  log = verifierKeyText(trust.log);
  keys = ["--log", log, "--witness", ...trust.witnesses.map(verifierKeyText), "--cosigned", "2"];
});

const words = async (...more: readonly string[]) => {
  const { err, out, status } = await coldseal("verify", ...more, ...here.trust);
  return { status, err, text: out.replace(/\s+/g, " ") };
};

describe("coldseal verify --log", () => {
  it("LOG-PROOF: of a bundle it says the index, the checkpoint and the witnesses, in words and as JSON", async () => {
    const said = await words(folder, ...presented, ...keys);
    expect([said.status, said.err]).toEqual([0, ""]);
    expect(said.text).toContain(
      `log in ${origin}: entry 5 is the manifest, by its checkpoint of 14 entries; cosigned by 2 of 3 witnesses, 2 asked for: witness.example/a (2026-11-30T00:53:20Z), witness.example/b`,
    );
    const json = await verdict(folder, ...presented, ...keys);
    expect(json).toMatchObject({
      status: 0,
      verdict: {
        ok: true,
        log: { log: origin, cosignatures: 2, shown: [{ manifest: 5, seal: null, discounted: null }] },
      },
    });
  });

  it("LOG-PROOF: a report says by which keys it was judged", async () => {
    const report = join(here.dir, "report.html");
    expect((await words(folder, ...presented, ...keys, "--report", report)).status).toBe(0);
    const html = readFileSync(report, "utf8");
    for (const key of keys.filter((word) => word.includes("+"))) expect(html).toContain(key);
    expect(html).toContain(`in ${origin}: entry 5 is the manifest`);
  });

  it("HONEST: without witnesses it says so, without a key that the proof does not count, and without a proof that none was shown", async () => {
    const alone = await words(folder, ...presented, "--log", log);
    expect([alone.status, alone.text]).toEqual([
      0,
      expect.stringContaining("witnesses: none, so that nobody but the log"),
    ]);
    const bare = await words(folder, ...presented);
    expect([bare.status, bare.text]).toEqual([0, expect.stringContaining("does not count: no key of a log was given")]);
    const none = join(here.dir, "none");
    lay(none, await buildBundle());
    const shown = await words(join(none, "bundle"), ...presented, "--log", log);
    expect([shown.status, shown.text]).toEqual([
      0,
      expect.stringContaining(`log not shown: no proof here shows that it is in ${origin}`),
    ]);
    expect((await words(join(none, "bundle"), ...presented)).text).not.toContain(" log ");
  });

  it("LOG-NOTE: fewer cosignatures than were asked for are a finding, and all are asked for unless it is said", async () => {
    const all = keys.slice(0, -2);
    const said = await words(folder, ...presented, ...all);
    expect([said.status, said.text]).toEqual([
      4,
      expect.stringContaining(
        "LOG-NOTE evidence/log-0001.json: too few witnesses cosigned a checkpoint, expected 3 of 3, got 2",
      ),
    ]);
  });

  it("USAGE: keys that are none, and witnesses without a log, are refused before anything is read", async () => {
    for (const wrong of [
      ["--log", "ledger"],
      ["--witness", log],
      ["--log", log, "--cosigned", "1"],
      ["--cosigned", "x"],
    ]) {
      const { err, out, status } = await coldseal("verify", folder, ...wrong, ...here.trust);
      expect([status, out, err.includes("USAGE")], wrong.join(" ")).toEqual([2, "", true]);
    }
  });

  it("LOG-PROOF: of a seal in its bundle the manifest's entry is shown, and its own with a proof of its own", async () => {
    const beside = await verdict(join(folder, seal), document, ...keys);
    expect(beside).toMatchObject({ status: 0, verdict: { ok: true, log: { shown: [{ manifest: 5, seal: null }] } } });
    const own = join(here.dir, "own.json");
    writeFileSync(own, await logProofFile(bundle, { seals: [1] }));
    mkdirSync(join(here.dir, "apart"));
    const apart = join(here.dir, "apart/seal.p7s");
    writeFileSync(apart, readFileSync(join(folder, seal)));
    const said = await words(apart, document, "--evidence", own, ...keys);
    expect([said.status, said.text]).toEqual([
      0,
      expect.stringContaining("entry 5 is the manifest, entry 6 this seal, by"),
    ]);
    writeFileSync(own, await logProofFile(bundle, { seals: [2] }));
    const other = await words(apart, document, "--evidence", own, ...keys);
    expect([other.status, other.text]).toEqual([4, expect.stringContaining("LOG-PROOF")]);
  });

  it("LOG-PROOF: containers carry the batch's proof, and say what the folder says", async () => {
    const [whole, each] = [join(here.dir, "batch.asice"), join(here.dir, "each")];
    expect((await pack(dir, "--to", whole)).status).toBe(0);
    const { log: shown } = (await verdict(folder, ...presented, ...keys)).verdict;
    const batch = await verdict(whole, ...keys);
    expect([batch.status, batch.verdict.log]).toEqual([0, shown]);
    expect((await pack(dir, "--each", "--to", each, "1")).status).toBe(0);
    const file = join(each, "000001-contract-0113.pdf.asics");
    expect([...storedFiles(readFileSync(file)).keys()]).toContain("META-INF/coldseal/evidence/log-0001.json");
    const one = await verdict(file, ...keys);
    expect([one.status, one.verdict.log]).toEqual([0, shown]);
    rmSync(whole);
  });
});
