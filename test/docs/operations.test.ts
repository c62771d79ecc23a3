import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readDaemonSettings } from "../../appliance/daemon/settings.ts";
import { readAttestationSetting } from "../../appliance/signer/attestation-setting.ts";
import { readOperatorSettings } from "../../ceremony/operator-settings.ts";
import { exitStatus } from "../../host/terminal/refusal-lines.ts";
import { refusalTable } from "../../manifests/refusal.ts";
import { readMountSettings } from "../../media/mount/settings.ts";
import { makeRoot } from "../pki/authority.ts";

const page = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");

it("docs/operations.md explains every refusal code, with its exit status and advice", () => {
  const rows = Object.entries(refusalTable).map(
    ([code, [kind, next]]) => `| \`${code}\` | ${exitStatus[kind]} | ${next} |`,
  );
  expect(page.split("\n").filter((line) => line.startsWith("| `") && / \| [1-4] \| /.test(line))).toEqual(rows);
});

it("CONFIG: the files that docs/operations.md shows are read by the programs that it names", () => {
  const dir = mkdtempSync(join(tmpdir(), "coldseal-operations-"));
  try {
    writeFileSync(join(dir, "root.crt"), makeRoot({ name: "root" }).certificate);
    const [operator = "", daemon = "", attestation = "", mount = ""] = [
      ...page.matchAll(/```json\n([\s\S]*?)```/g),
    ].map(([, json = ""]) => {
      const path = join(dir, `${json.length}.json`);
      writeFileSync(path, json);
      return path;
    });
    expect(readOperatorSettings(operator)).toMatchObject({ certificate: join(dir, "op1.crt"), person: "op1" });
    const setting = readAttestationSetting(JSON.parse(readFileSync(attestation, "utf8")), "attestation");
    expect(setting).toMatchObject({ kind: "tpm", required: true });
    expect(readMountSettings(mount)).toMatchObject({ roles: { in: "any" }, sys: "/sys" });
    expect(readDaemonSettings(daemon)).toMatchObject({ appliance: "box-1", spool: join(dir, "spool") });
  } finally {
    rmSync(dir, { recursive: true });
  }
});
