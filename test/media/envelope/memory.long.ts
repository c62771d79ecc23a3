import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../../host/crypto-host.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes } from "../../../manifests/encoding/canonical-json.ts";
import { policyJson, readPolicy } from "../../../manifests/records/policy.ts";
import { issue } from "../../pki/authority.ts";
import { armoured, envelopeParts, inBer, inDer, smime } from "../../pki/plain.ts";
import { now, oids, policyText, root } from "../signed-batch.ts";

const run = promisify(execFile);
const mebibytes = 50;
const desk = issue(root, { name: "Plain desk", eku: [oids.plainSubmitter] });
const content = new Uint8Array(mebibytes << 20).map((_, at) => (at * 31) >> 7);

let dir: string;
let policyFile: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-memory-"));
  policyFile = join(dir, "policy.json");
  const policy = readPolicy(utf8(policyText({})));
  const submitters = { ...policy.submitters, plainEnvelopes: { maximumAgeSeconds: 86_400 } };
  writeFileSync(policyFile, canonicalBytes(policyJson({ ...policy, submitters })));
  put("small", inDer(await envelopeParts(desk, "small")));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function put(folder: string, envelope: Uint8Array): void {
  const path = join(dir, "stick/coldseal/inbox", folder);
  mkdirSync(path, { recursive: true });
  const file = openSync(join(path, "a.bin.p7m"), "w");
  for (let at = 0; at < envelope.length; ) at += writeSync(file, envelope, at);
  closeSync(file);
  writeFileSync(join(path, "READY"), "1");
}

/** In pieces as OpenSSL writes them. */
const pieces = Array.from({ length: content.length / 4096 }, (_, at) => content.subarray(at * 4096, (at + 1) * 4096));

describe("memory", () => {
  it.each<[string, (parts: Awaited<ReturnType<typeof envelopeParts>>) => Uint8Array]>([
    ["DER", inDer],
    ["BER in pieces of 4 KiB", (parts) => inBer(parts, { pieces })],
    ["PEM", (parts) => armoured(inBer(parts, { pieces }))],
    ["S/MIME", (parts) => smime(inDer(parts))],
  ])("T5: an envelope of 50 MiB in %s needs at most 50 MiB more than a small one", async (form, make) => {
    const folder = form.toLowerCase().replace(/[^a-z]+/g, "-");
    put(folder, make(await envelopeParts(desk, content)));
    const spool = mkdtempSync(join(dir, "spool-"));
    const main = join(import.meta.dirname, "memory-main.ts");
    const args = [main, join(dir, "stick"), spool, folder, policyFile, now];
    const { stdout } = await run(process.execPath, args);
    const { outcome, grownKiB } = JSON.parse(stdout) as { outcome: string; grownKiB: number };
    expect(outcome).toBe("taken");
    expect(grownKiB).toBeLessThanOrEqual(mebibytes * 1024);
    const copy = readFileSync(join(spool, folder, "documents/000001"));
    expect(createHash("sha256").update(copy).digest()).toEqual(Buffer.from(sha256(content)));
    rmSync(spool, { recursive: true, force: true });
    process.stdout.write(`${form}: ${grownKiB} KiB\n`);
  });
});
