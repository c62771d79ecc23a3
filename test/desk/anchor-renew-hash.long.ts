import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { contentPath } from "../../manifests/records/names.ts";
import { buildBundle } from "../bundle/build.ts";
import { buildPlainBundle } from "../bundle/build-plain.ts";
import { changeLastByte } from "../host/change-file.ts";
import { type AnchorPlace, anchorPlace, atFolder, coldseal } from "./anchor-place.ts";

let place: AnchorPlace;
let at: ReturnType<typeof atFolder>;
/** the evidence of a bundle that was anchored, which every folder of it may have */
let anchored: Uint8Array;
beforeAll(async () => {
  place = await anchorPlace();
  at = atFolder(place, place.lay());
  await at.anchor();
  anchored = new Uint8Array(at.evidence.read());
});
beforeEach(() => {
  at = atFolder(place, place.lay());
  place.tsa.instead.length = 0;
});
afterAll(() => place?.end());

describe("coldseal anchor --renew --hash", () => {
  it("TIME-IMPRINT: containers of a batch that was renewed so hold, also of one document", async () => {
    await at.anchor();
    await at.renew("sha512", ...at.documents);
    const whole = join(at.folder, "../batch.asice");
    expect((await coldseal("pack", at.folder, ...at.documents, "--to", whole)).status).toBe(0);
    const each = join(at.folder, "../each");
    expect((await coldseal("pack", at.folder, ...at.documents, "--each", "--to", each)).status).toBe(0);
    for (const file of [whole, ...readdirSync(each).map((one) => join(each, one))]) {
      const { ok, times } = await at.verdict(file);
      expect([ok, times]).toMatchObject([true, [{ renewals: 1, discounted: null }]]);
    }
  }, 60_000);

  it("TIME-IMPRINT: of plain envelopes the documents are in the bundle; of an aborted batch none is needed", async () => {
    const plain = await buildPlainBundle();
    for (const [before, name] of [...plain.documents.keys()].entries()) {
      plain.files.set(contentPath(before + 1, name), plain.documents.get(name) as Uint8Array);
    }
    at = atFolder(place, place.lay(plain));
    await at.anchor();
    expect(await at.renew("sha512")).toMatchObject({
      status: 0,
      out: expect.stringContaining("by sha512, over the record, 3 documents"),
    });
    at = atFolder(place, place.lay(await buildBundle({ abortedAfter: 1 })));
    await at.anchor();
    expect(await at.renew("sha512")).toMatchObject({
      status: 0,
      out: expect.stringContaining("by sha512, over the record, 0 documents"),
    });
    expect((await at.verdict(at.folder)).times).toMatchObject([{ renewals: 1, discounted: null }]);
  });

  it.each<[string, number, () => readonly string[], (() => void)?]>([
    ["USAGE", 2, () => ["--renew", "--hash", "sha512"]],
    ["USAGE", 2, () => ["--renew", "--hash", "sha256", ...at.documents]],
    ["USAGE", 2, () => ["--hash", "sha512", ...at.documents]],
    ["USAGE", 2, () => ["--renew", ...at.documents]],
    ["USAGE", 2, () => ["--renew", "--hash", "md5", ...at.documents]],
    [
      "DOCUMENT-DIGEST",
      4,
      () => ["--renew", "--hash", "sha512", ...at.documents],
      () => changeLastByte(join(at.folder, "../documents", [...place.bundle.documents.keys()][1] as string)),
    ],
    [
      "DOCUMENT-SIZE",
      4,
      () => ["--renew", "--hash", "sha512", ...at.documents],
      () => writeFileSync(join(at.folder, "../documents", [...place.bundle.documents.keys()][0] as string), "short"),
    ],
    ["DOCUMENT-MISSING", 1, () => ["--renew", "--hash", "sha512", "--documents", join(at.folder, "evidence")]],
    [
      "SEAL-BIND",
      4,
      () => ["--renew", "--hash", "sha512", ...at.documents],
      () => {
        const [one, two] = [...place.bundle.files.keys()].filter((path) => path.startsWith("seals/")) as [
          string,
          string,
        ];
        writeFileSync(join(at.folder, one), place.bundle.files.get(two) as Uint8Array);
      },
    ],
    [
      "TIME-IMPRINT",
      4,
      () => ["--renew", "--hash", "sha512", ...at.documents],
      () => changeLastByte(join(at.folder, "authorization.p7m")),
    ],
    [
      "TSA-ANSWER",
      3,
      () => ["--renew", "--hash", "sha512", ...at.documents],
      () => place.tsa.instead.push(() => ({ status: 503 })),
    ],
  ])("%s, exit %i: what is there stays", async (code, status, words, before) => {
    mkdirSync(join(at.folder, "evidence"));
    writeFileSync(at.evidence.file, anchored);
    const was = at.evidence.read();
    before?.();
    const told = await at.anchor(...words());
    expect([told.status, told.err]).toEqual([status, expect.stringContaining(code)]);
    expect(at.evidence.read()).toEqual(was);
  });
});
