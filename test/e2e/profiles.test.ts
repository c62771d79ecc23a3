import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { profiles } from "../../ceremony/provision/provision.ts";
import { checkBundle, cmsVerify } from "../../demo/openssl.ts";
import { approve, succeeded } from "../../demo/people.ts";
import { type WholeBox, wholeBox } from "./whole-box.ts";

const run = promisify(execFile);
const documents = { "contract.pdf": "%PDF-1.4 contract", "Übersicht 2026.txt": "overview\n", "empty.dat": "" };

describe("the main job, end to end", () => {
  it.each(profiles)(
    "QUORUM: %s: two of three approve, every signed file verifies with OpenSSL, a changed byte never",
    async (profile) => {
      const whole = await wholeBox({ profile });
      onTestFinished(whole.end);
      const slip = await whole.bring("contracts", documents, ["--digest", profile.slice(profile.lastIndexOf("-") + 1)]);
      await whole.until("contracts", "waiting-for-approval");
      const [op1, op2] = whole.paths.operators;
      if (!op1 || !op2) throw new Error("no operators");
      succeeded(await approve(op1, slip), "approve");
      expect(readdirSync(join(whole.paths.stick, "coldseal/outbox"))).toEqual([]);
      succeeded(await approve(op2, slip), "approve");
      await whole.until("contracts", "released");
      const verified = await whole.verify("contracts");
      expect(verified).toMatchObject({ status: 0 });
      expect(verified.stdout).toContain("VALID: 3 seals, all 3 documents (mode test)");
      const checks = await checkBundle(
        whole.outbox("contracts"),
        join(whole.inbox("contracts"), "documents"),
        whole.paths.pki.root,
      );
      expect(checks.filter((one) => one.refusal !== undefined)).toEqual([]);
      expect(checks).toHaveLength(6);
      await everyChangeIsRefused(whole);
    },
  );
});

/** A copy of each signed file with one byte of its signature's last quarter changed is refused by OpenSSL. */
async function everyChangeIsRefused(whole: WholeBox): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "coldseal-tampered-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const outbox = whole.outbox("contracts");
  const seals = readFileSync(join(outbox, "documents.jsonl"), "utf8").trimEnd().split("\n");
  const listed = seals.map((line) => JSON.parse(line) as { name: string; seal: string });
  const targets = [
    ...["batch.p7m", "authorization.p7m", "manifest.p7m"].map((file) => ({ file, document: undefined })),
    ...listed.map(({ name, seal }) => ({ file: seal, document: join(whole.inbox("contracts"), "documents", name) })),
  ];
  for (const { file, document } of targets) {
    const bytes = readFileSync(join(outbox, file));
    const at = bytes.length - 5;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const copy = join(dir, "copy");
    writeFileSync(copy, bytes);
    await expect(run("openssl", cmsVerify(copy, whole.paths.pki.root, document)), file).rejects.toThrow();
  }
}
