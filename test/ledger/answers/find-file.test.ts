/** What a person names to be looked for: a file, or a slip that is told as one. */

import { linkSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../../host/crypto-host.ts";
import { digestsOfFile } from "../../../ledger/answers/find.ts";
import { hex, utf8 } from "../../../manifests/encoding/bytes.ts";

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
