import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readDaemonSettings } from "../../../appliance/daemon/settings.ts";
import { root } from "../signer/people.ts";
import { codeOf } from "../signer/test-box.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-settings-"));
  writeFileSync(join(folder, "root.der"), root.certificate);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const settings = {
  appliance: "box-1",
  incompleteSeconds: 60,
  intakeSocket: "intake.sock",
  media: { in: "stick", out: "stick", audit: "keeper" },
  roots: ["root.der"],
  scanSeconds: 1,
  settleSeconds: 1,
  signerSocket: "signer.sock",
  socket: "coldseald.sock",
  spool: "spool",
};

function read(what: object) {
  const file = join(folder, "daemon.json");
  writeFileSync(file, JSON.stringify(what));
  return readDaemonSettings(file);
}

describe("daemon.json", () => {
  it("CONFIG: paths are relative to its folder, and roots are read", () => {
    const { roots, spool } = read(settings);
    expect([spool, roots]).toEqual([join(folder, "spool"), [root.certificate]]);
  });

  it.each([
    ["without roots: what was written would be verified under another trust", { ...settings, roots: undefined }],
    ["with an empty list of roots", { ...settings, roots: [] }],
    ["with a root that is not there", { ...settings, roots: ["nowhere.der"] }],
    ["with a member that nobody knows", { ...settings, more: 1 }],
  ])("CONFIG: a file %s is refused", async (_, what) => {
    expect(await codeOf((async () => read(what))())).toBe("CONFIG");
  });
});
