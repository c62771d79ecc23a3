/** What a person names to be looked for: a file, or a slip that is told as one. */

import { linkSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { sha256 } from "../../../host/crypto-host.ts";
import { digestsOfFile } from "../../../ledger/answers/find.ts";
import { sealFileAnswer } from "../../../ledger/answers/seal-file.ts";
import { oneLine } from "../../../ledger/boxes/one-line.ts";
import { runFind } from "../../../ledger/commands/find.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import type { Bundle } from "../../bundle/build.ts";
import { chainOf, outboxOf } from "../../bundle/chain.ts";
import { type TestLedger, testLedger } from "../ingest/on-real-ledger.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-find-"));
  writeFileSync(join(dir, "one.pdf"), "one");
  linkSync(join(dir, "one.pdf"), join(dir, "two.pdf"));
  symlinkSync("one.pdf", join(dir, "link.pdf"));
});
afterAll(() => rmSync(dir, { recursive: true }));

describe("a document that is asked for", () => {
  it("is known by its bytes, whatever its name", async () => {
    const digests = await digestsOfFile(join(dir, "one.pdf"));
    expect(digests[0]).toBe(hex(sha256(utf8("one"))));
    expect(await digestsOfFile(join(dir, "two.pdf"))).toEqual(digests);
  });

  it("USAGE: not a folder, a link, or nothing", async () => {
    for (const name of ["", "link.pdf", "none.pdf", "."])
      await expect(digestsOfFile(join(dir, name))).rejects.toMatchObject({ code: "USAGE" });
    await expect(digestsOfFile("")).rejects.toMatchObject({ code: "USAGE" });
  });
});

describe("a seal that is asked for in the place of its document", () => {
  let bundle: Bundle;
  let other: Bundle;
  let box: TestLedger;
  beforeAll(async () => {
    [bundle, other] = (await chainOf(2)) as [Bundle, Bundle];
    box = await testLedger();
    await box.enrol(bundle.genesis);
    await box.ingest(outboxOf([bundle]));
  });
  afterAll(() => box.end());
  const sealIn = ({ files }: Bundle) => [...files].find(([path]) => path.endsWith(".p7s"))?.[1] as Uint8Array;
  const answer = (bytes: Uint8Array) => box.ledger.db.reading((sql) => sealFileAnswer(sql, bytes));

  it("HONEST: is said to be one, and of which document, where a manifest that is here says so", async () => {
    const { line } = await firstLine();
    const place = { appliance: "box-1", number: 1, index: 1 };
    expect(await answer(sealIn(bundle))).toMatchObject({
      ...place,
      document: { name: line.name, digest: line.digest },
    });
    expect(await answer(sealIn(other))).toMatchObject({ ...place, number: 2, document: null });
    expect(await answer(utf8("no seal"))).toBeUndefined();
    expect(await answer(bundle.files.get("manifest.p7m") as Uint8Array)).toBeUndefined();
  });

  it("find says so in words, and is not found all the same", async () => {
    const { line } = await firstLine();
    expect(await found(sealIn(bundle))).toMatch(
      new RegExp(`^NOT FOUND[\\s\\S]*no document but a seal[\\s\\S]*${line.digest}`),
    );
    expect(await found(sealIn(other))).toMatch(/^NOT FOUND[\s\S]*manifest 2 of box-1[\s\S]*name the document/);
    expect(await found(utf8("no seal"))).not.toContain("but a seal");
  });

  async function firstLine() {
    const row = await box.ledger.db.reading((sql) => oneLine(sql, 1, 1));
    return { line: row as NonNullable<typeof row> };
  }

  async function found(bytes: Uint8Array): Promise<string> {
    const file = join(box.dir, "asked.p7s");
    writeFileSync(file, bytes);
    const said: string[] = [];
    const out = vi.spyOn(process.stdout, "write").mockImplementation((text) => said.push(String(text)) > 0);
    try {
      await runFind(box.folder, file, {});
      expect(process.exitCode).toBe(1);
    } finally {
      out.mockRestore();
      process.exitCode = 0;
    }
    return said.join("");
  }
});
