import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { openModule } from "../../hardware/module.ts";
import { makeSoftHsmFolder, softhsmModule } from "../../hardware/softhsm.ts";

const folder = mkdtempSync(join(tmpdir(), "coldseal-module-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const libm = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
  .map((triplet) => `/lib/${triplet}/libm.so.6`)
  .find((path) => existsSync(path));

describe("PKCS#11 modules", () => {
  it("HSM-MODULE: a shared library that is no PKCS#11 module is refused, and this process lives on", () => {
    expect(libm).toBeDefined();
    expect(() => openModule({ module: libm as string })).toThrow(expect.objectContaining({ code: "HSM-MODULE" }));
    expect(() => openModule({ module: libm as string })).toThrow(expect.objectContaining({ code: "HSM-MODULE" }));
  });

  it.each(["/nowhere/module.so", "libsofthsm2.so", "", fileURLToPath(import.meta.url)])(
    "HSM-MODULE: %j is refused",
    (module) => {
      expect(() => openModule({ module })).toThrow(expect.objectContaining({ code: "HSM-MODULE" }));
    },
  );

  it("HSM-MODULE: a module that ends its process is refused by how it ended", () => {
    const environment = { NODE_OPTIONS: "--max-old-space-size=1" }; // Node itself aborts in the child
    const before = process.env.NODE_OPTIONS;
    expect(() => openModule({ module: softhsmModule(), environment })).toThrow(
      expect.objectContaining({ code: "HSM-MODULE", got: expect.stringMatching(/SIG[A-Z]+/) }),
    );
    expect(process.env.NODE_OPTIONS).toBe(before);
  });

  it("HSM-MODULE: a module whose configuration is not there is refused", () => {
    const environment = { SOFTHSM2_CONF: join(folder, "nothing.conf") };
    expect(() => openModule({ module: softhsmModule(), environment })).toThrow(
      expect.objectContaining({ code: "HSM-MODULE" }),
    );
  });

  it("HSM-MODULE: one module is initialised once, under one environment, whatever path it is called by", async () => {
    const one = await makeSoftHsmFolder(join(folder, "one"));
    const two = await makeSoftHsmFolder(join(folder, "two"));
    const link = join(folder, "link.so");
    symlinkSync(one.module, link);
    const first = openModule(one);
    expect(() => openModule({ ...two, module: link })).toThrow(expect.objectContaining({ code: "HSM-MODULE" }));
    const second = openModule({ ...one, module: link });
    expect(second.library).toBe(first.library);
    expect(second.restart()).toBe(false);
    first.close();
    first.close();
    expect(second.library.C_GetSlotList(true)).toHaveLength(1);
    second.close();
    expect(() => second.library.C_GetSlotList(true)).toThrow(/NOT_INITIALIZED/);
    const other = openModule(two);
    expect(process.env.SOFTHSM2_CONF).toBe(two.environment.SOFTHSM2_CONF);
    expect(other.restart()).toBe(true);
    other.close();
  });

  it("HSM-MODULE: getenv in the module sees what was set in plain Node", async () => {
    const place = await makeSoftHsmFolder(join(folder, "plain"));
    const script = `
      const { initializeToken } = await import(process.argv[1]);
      const pin = new TextEncoder().encode("12345678");
      await initializeToken(JSON.parse(process.argv[2]), { label: "plain", soPin: pin, pin });`;
    const initialize = fileURLToPath(new URL("../../hardware/initialize.ts", import.meta.url));
    const { SOFTHSM2_CONF: _unset, ...env } = process.env;
    const child = spawnSync(
      process.execPath,
      ["--input-type=module", "-e", script, initialize, JSON.stringify(place)],
      {
        env,
        encoding: "utf8",
      },
    );
    expect(child.stderr).toBe("");
    const module = openModule(place);
    const labels = module.library.C_GetSlotList(true).map((slot) => module.library.C_GetTokenInfo(slot).label.trim());
    module.close();
    expect(labels).toContain("plain");
  });
});
