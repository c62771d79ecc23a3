import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closingPath, declarationPath } from "../../../manifests/records/names.ts";
import { closingFor, emergencyBundle, signClosing } from "../../bundle/emergency.ts";
import { anchored, coldseal, lay, type Place, place } from "./packed.ts";

let here: Place;
let dir: string;
beforeAll(() => {
  here = place();
  dir = mkdtempSync(join(tmpdir(), "coldseal-emergency-"));
});
afterAll(() => {
  here?.end();
  rmSync(dir, { recursive: true, force: true });
});

describe("the container of a batch that was sealed in an emergency", () => {
  it("EMERGENCY: holds what declared it and what closed it, and is verified as the bundle is", async () => {
    const bundle = await emergencyBundle();
    bundle.files.set(closingPath, await signClosing(await closingFor(bundle)));
    lay(dir, await anchored(bundle));
    const file = join(dir, "batch.asice");
    const packed = await coldseal("pack", join(dir, "bundle"), "--documents", join(dir, "documents"), "--to", file);
    expect([packed.status, packed.err]).toEqual([0, ""]);
    const verified = async (...words: readonly string[]) => {
      const { out, status } = await coldseal("--json", "verify", ...words, ...here.trust);
      return { status, verdict: JSON.parse(out) };
    };
    const inFolder = await verified(join(dir, "bundle"), "--documents", join(dir, "documents"));
    expect(inFolder).toMatchObject({
      status: 0,
      verdict: { emergency: { closing: { file: closingPath, seals: 3 }, officers: ["op1", "op2"] }, ok: true },
    });
    expect(await verified(file)).toEqual(inFolder);
  });

  it("EMERGENCY: without what declared it, it does not hold", async () => {
    const bundle = await emergencyBundle();
    bundle.files.delete(declarationPath);
    const without = join(dir, "without");
    lay(without, await anchored(bundle));
    const file = join(dir, "without.asice");
    await coldseal("pack", join(without, "bundle"), "--documents", join(without, "documents"), "--to", file);
    const { out } = await coldseal("--json", "verify", file, ...here.trust);
    expect(JSON.parse(out)).toMatchObject({ findings: [{ code: "BUNDLE-FORM", file: declarationPath }], ok: false });
  });
});
