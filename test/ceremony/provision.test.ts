import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Issuer } from "../../ceremony/provision/certificate.ts";
import type { BoxPaths } from "../../ceremony/provision/layout.ts";
import { provision } from "../../ceremony/provision/provision.ts";
import { certify } from "../../ceremony/provision/test-pki.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { fromBase64, fromHex } from "../../manifests/encoding/bytes.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { wordGroups } from "../../manifests/encoding/words.ts";
import { walkPolicyChain } from "../../manifests/records/policy-chain.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { readPublicKey } from "../../manifests/x509/key.ts";
import { acknowledger, TestLedger } from "../manifests/log/test-ledger.ts";
import { codeOf } from "./software-box.ts";

const main = fileURLToPath(new URL("../../ceremony/provision/main.ts", import.meta.url));
let folder: string;
const runs: string[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-provision-"));
});
afterAll(() => {
  for (const path of [folder, ...runs]) rmSync(path, { recursive: true, force: true });
});

const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const mode = (path: string) => statSync(path).mode & 0o777;

function filesBelow(path: string): string[] {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
}

describe("a provisioned box", () => {
  let box: BoxPaths;
  let said: string;
  beforeAll(() => {
    const { stdout, stderr } = spawnSync(process.execPath, [main, join(folder, "box"), "--json"], { encoding: "utf8" });
    said = stdout + stderr;
    box = JSON.parse(stdout);
    runs.push(box.box.run);
  }, 120_000);

  it("POLICY-CHAIN: the genesis policy holds against the pinned digest, signed by every operator", async () => {
    const { genesis } = json(box.box.signerJson);
    const p7m = new Uint8Array(readFileSync(box.pki.genesisPolicy));
    const { policy } = await walkPolicyChain(nodeHost, [p7m], genesis);
    expect(genesis).toBe(box.genesis);
    expect(readSignedData(p7m).signers).toHaveLength(3);
    expect(policy).toMatchObject({
      number: 1,
      modes: ["test"],
      network: "recorded",
      thresholds: { policy: 2, seal: 2 },
    });
    expect(policy.people.map((one) => one.id)).toEqual(["op1", "op2", "op3", "keeper", "desk"]);
  });

  it("UX8: the genesis digest is written in hex and in words", () => {
    const [hex, ...words] = readFileSync(box.pki.genesisDigest, "utf8").trim().split("\n");
    expect(hex).toBe(box.genesis);
    expect(words.map((line) => line.trim().replace(/^[0-9]+ /, ""))).toEqual(wordGroups(fromHex(box.genesis)));
  });

  it("T23: every key is pinned by URI and public key, the one of its certificate; no two are the same", () => {
    const { keys } = json(box.box.signerJson);
    const spkis = (["sealing", "audit"] as const).map((name) => {
      const [certificate] = keys[name].certificates;
      expect(keys[name].uri).toMatch(/^pkcs11:.*serial=[0-9a-f]+.*;id=%/);
      expect(readCertificate(readFileSync(certificate)).spki.toBase64()).toBe(keys[name].spki);
      return keys[name].spki;
    });
    for (const one of box.operators) {
      spkis.push(readCertificate(readFileSync(json(one.operatorJson).certificate)).spki.toBase64());
    }
    expect(new Set(spkis).size).toBe(5);
    expect(readPublicKey(fromBase64(keys.sealing.spki))).toMatchObject({ kind: "rsa", bits: 3072 });
  });

  it("SECRET: what is secret is its owner's alone, and was not printed", () => {
    const secret =
      /\/(?:pin|so-pin|ca\.key|submitter\.p12|submitter\.p12\.password|store\.db|[^/]+\.json|[^/]+\.object)$/;
    const files = filesBelow(box.dir).filter((path) => secret.test(path) && !path.endsWith("/box.json"));
    expect(files.length).toBeGreaterThan(15);
    for (const path of files) expect([path, mode(path)]).toEqual([path, 0o600]);
    for (const path of [box.box.folder, box.box.state, box.box.run, ...box.operators.map((one) => one.folder)]) {
      expect([path, mode(path)]).toEqual([path, 0o700]);
    }
    const pins = filesBelow(box.dir).filter((path) => /\/(?:so-)?pin$|\.password$/.test(path));
    expect(pins).toHaveLength(9);
    const texts = filesBelow(box.dir).filter((path) => /\.(?:json|conf|txt)$/.test(path));
    for (const pin of pins.map((path) => readFileSync(path, "utf8"))) {
      expect(said).not.toContain(pin);
      for (const path of texts) expect(readFileSync(path, "utf8")).not.toContain(pin);
    }
  });

  it("T11: OpenSSL takes the policy's signatures under the test root", () => {
    const words = ["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-purpose", "any", "-out", "/dev/null"];
    const at = ["-in", box.pki.genesisPolicy, "-CAfile", box.pki.root];
    expect(() => execFileSync("openssl", [...words, ...at], { stdio: "pipe" })).not.toThrow();
  });

  it("USAGE: a box is never made over another", async () => {
    expect(await codeOf(provision(box.dir))).toBe("USAGE");
  });
});

describe("provisioning", () => {
  it("POLICY-PROFILE, CONFIG: other profiles, thresholds and media folders, a ledger; sockets whose path would be too long in a folder of their own", async () => {
    const media = join(folder, "a stick");
    const rules = (await TestLedger.make()).rules();
    const { spki } = acknowledger;
    const certified = (root: Issuer) =>
      certify(root, ownOids(documentationArc), "acknowledging", "Ledger (test)", spki);
    const box = await provision(join(folder, "p384".repeat(25)), {
      profile: "ecdsa-p384-sha384",
      operators: 1,
      threshold: 1,
      media,
      appliance: "vault-7",
      ledger: async (root) => ({ ...rules, acknowledgement: certified(root) }),
    });
    runs.push(box.box.run);
    const { keys, appliance } = json(box.box.signerJson);
    expect(appliance).toBe("vault-7");
    expect(readPublicKey(fromBase64(keys.sealing.spki))).toMatchObject({ kind: "ec", scheme: "ecdsa-p384" });
    expect(json(box.box.daemonJson).media).toEqual({ in: media, out: media, audit: box.keeper });
    const { policy } = await walkPolicyChain(nodeHost, [readFileSync(box.pki.genesisPolicy)], box.genesis);
    expect(policy).toMatchObject({ ledger: { origin: rules.origin, witnesses: rules.witnesses }, version: 2 });
    expect(policy.profile).toEqual({ digest: "sha384", level: "CAdES-B-B", suite: "ecdsa-p384-sha384" });
    const { socket, unlockSocket } = json(box.box.signerJson);
    for (const path of [socket, unlockSocket, json(box.box.daemonJson).socket]) {
      expect(path.startsWith(`${box.box.run}/`)).toBe(true);
      expect(Buffer.byteLength(path)).toBeLessThanOrEqual(90);
    }
    expect(mode(box.box.run)).toBe(0o700);
  }, 120_000);

  it("USAGE: a threshold that cannot be reached is refused before anything is made", async () => {
    const dir = join(folder, "never");
    expect(await codeOf(provision(dir, { operators: 2, threshold: 3 }))).toBe("USAGE");
    expect(() => statSync(dir)).toThrow();
  });

  it("UX7: wrong use ends with 2", () => {
    const run = (...words: string[]) => spawnSync(process.execPath, [main, ...words]).status;
    writeFileSync(join(folder, "file"), "");
    expect(run()).toBe(2);
    expect(run(join(folder, "x"), "--profile", "md5")).toBe(2);
    expect(run(folder)).toBe(2);
  });
});
