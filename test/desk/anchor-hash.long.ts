import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { projectRoot } from "../structure/source-files.ts";
import { isHere } from "../verifiers/all.ts";
import { bouncycastle, javaArguments } from "../verifiers/bouncycastle.ts";
import { type AnchorPlace, anchorPlace, atFolder, coldseal, run } from "./anchor-place.ts";

let place: AnchorPlace;
let at: ReturnType<typeof atFolder>;
beforeAll(async () => {
  place = await anchorPlace();
});
beforeEach(() => {
  at = atFolder(place, place.lay());
  place.tsa.instead.length = 0;
});
afterAll(() => place?.end());

describe("coldseal anchor --renew --hash", () => {
  it("TIME-IMPRINT: is over everything hashed anew, for the batch and for each document alone, several times and between other renewals", async () => {
    await at.anchor();
    const { status, out, err } = await at.renew("sha512", ...at.documents);
    expect([status, err]).toEqual([0, ""]);
    expect(out).toContain(
      "Renewed: evidence/0001.ers, by sha512, over the record, 3 documents with their seals, and all time-stamps before",
    );
    await coldseal("anchor", at.folder, "--tsa", place.other.url, "--tsa-ca", place.tsa.ca, "--renew");
    const told = await coldseal(
      "--json",
      "anchor",
      at.folder,
      "--tsa",
      place.tsa.url,
      "--tsa-ca",
      place.tsa.ca,
      "--renew",
      "--hash",
      "sha384",
      ...at.documents,
    );
    expect(JSON.parse(told.out)).toMatchObject([
      { file: "evidence/0001.ers", renewed: { hash: "sha384", documents: 3 } },
    ]);
    expect(at.hashes()).toEqual([["sha256"], ["sha512", "sha512"], ["sha384"]]);
    const whole = await at.verdict(at.folder, ...at.documents);
    expect([whole.ok, whole.times]).toMatchObject([true, [{ renewals: 3, discounted: null }]]);

    const to = join(at.folder, "../single");
    expect((await coldseal("evidence", at.folder, "--to", to)).err).toContain(
      "the documents are needed for their sha512",
    );
    expect((await coldseal("evidence", at.folder, "--to", to, ...at.documents)).status).toBe(0);
    const seals = [...place.bundle.files.keys()].filter((path) => path.startsWith("seals/")).sort();
    const names = [...place.bundle.documents.keys()];
    const single = readdirSync(to).sort();
    expect(single).toHaveLength(3);
    for (const [index, seal] of seals.entries()) {
      const files = [join(at.folder, seal), join(at.folder, "../documents", names[index] as string)];
      const alone = await at.verdict(...files, "--evidence", join(to, single[index] as string));
      expect([alone.ok, alone.times]).toMatchObject([true, [{ renewals: 3, discounted: null }]]);
      const wrong = await at.verdict(...files, "--evidence", join(to, single[(index + 1) % 3] as string));
      expect(wrong.findings).toMatchObject([{ code: "TIME-IMPRINT" }]);
    }
  }, 60_000);

  it.skipIf(!isHere(bouncycastle))(
    "TIME-IMPRINT: BouncyCastle takes the batch's record and a document's, and no other's",
    async () => {
      await at.anchor();
      await at.renew("sha512", ...at.documents);
      await at.renew("sha384", ...at.documents);
      const to = join(at.folder, "../single");
      await coldseal("evidence", at.folder, "--to", to, ...at.documents);
      const check = (file: string, ...files: readonly string[]) =>
        run("java", [
          ...javaArguments.slice(0, -1),
          join(projectRoot, "docs/CheckEvidence.java"),
          place.tsa.ca,
          file,
          ...files,
        ]);
      const group = ["authorization.p7m", "documents.jsonl", "manifest.p7m"].map((name) => join(at.folder, name));
      const batch = await check(at.evidence.file, ...group);
      expect([batch.status, batch.out.match(/renewed/g)?.length]).toEqual([0, 2]);
      const [path = ""] = [...place.bundle.files.keys()].filter((one) => one.startsWith("seals/")).sort();
      const [name = "", another = ""] = [...place.bundle.documents.keys()];
      const [first = "", second = ""] = readdirSync(to).sort();
      const pair = [join(at.folder, "../documents", name), join(at.folder, path)];
      const alone = await check(join(to, first), ...pair);
      expect([alone.status, alone.out.match(/renewed/g)?.length]).toEqual([0, 2]);
      expect((await check(join(to, second), ...pair)).status).toBe(1);
      expect(
        (await check(join(to, first), join(at.folder, "../documents", another), join(at.folder, path))).status,
      ).toBe(1);
    },
    120_000,
  );

  it("TIME-FORM: as many chains as a verifier reads, and no more: what is there stays", async () => {
    await at.anchor();
    for (let count = 1; count < 8; count++) {
      expect((await at.renew(count % 2 === 1 ? "sha512" : "sha256", ...at.documents)).status).toBe(0);
    }
    const was = at.evidence.read();
    const { status, err } = await at.renew("sha384", ...at.documents);
    expect([status === 0, err, at.evidence.read()]).toEqual([false, expect.stringContaining("TIME-FORM"), was]);
    expect((await at.verdict(at.folder, ...at.documents)).times).toMatchObject([{ renewals: 7, discounted: null }]);
  }, 60_000);
});
