import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { containerKind } from "../../../desk/container/container-kind.ts";
import { verifyContainer } from "../../../desk/container/verify-container.ts";
import { openContainer } from "../../../desk/container/zip-read.ts";
import { root } from "../../bundle/people.ts";
import { hostileEntries } from "./hostile-entries.ts";
import { hostileLayouts } from "./hostile-layout.ts";
import { accepted, right } from "./right-zips.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-hostile-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Opens a container and reads all of it. */
async function readAll(bytes: Uint8Array): Promise<Map<string, string>> {
  const file = join(dir, "container.asics");
  writeFileSync(file, bytes);
  const container = await openContainer(file);
  try {
    await containerKind(container);
    const read = new Map<string, string>();
    for (const path of container.paths) read.set(path, Buffer.from(await container.read(path, 1 << 20)).toString());
    return read;
  } finally {
    container.close();
  }
}

describe("containers of other tools", () => {
  it.each(accepted)("BUNDLE-FORM: %s are read", async (_what, bytes) => {
    expect([...(await readAll(bytes))]).toEqual(right.map(({ data, name }) => [name, data]));
  });
});

describe("containers that are hostile", () => {
  it.each([...hostileEntries, ...hostileLayouts])("T2, T4: %s: %s", async (code, _what, said, bytes) => {
    await expect(readAll(bytes)).rejects.toMatchObject({
      name: "Refusal",
      code,
      message: expect.stringContaining(said),
    });
    const file = join(dir, "hostile.asics");
    writeFileSync(file, bytes);
    const { verdict } = await verifyContainer(file, { roots: [root.certificate], at: "2030-01-01T00:00:00Z" });
    expect(verdict.ok).toBe(false);
    expect(verdict.findings.map((finding) => finding.code)).not.toContain("INTERNAL");
  });

  it("USAGE: what is no file at all", async () => {
    for (const path of [dir, join(dir, "nothing"), "/dev/null"]) {
      await expect(openContainer(path), path).rejects.toMatchObject({ code: "USAGE" });
    }
  });
});
