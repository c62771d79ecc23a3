import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleTree } from "../../desk/anchor/bundle-tree.ts";
import { batchToPack } from "../../desk/container/batch-to-pack.ts";
import { packBatch } from "../../desk/container/pack-batch.ts";
import { documentPacker } from "../../desk/container/pack-document.ts";
import { nodeHost, sha256 } from "../../host/crypto-host.ts";
import { deviceRecordBytes } from "../../manifests/attest/device-record.ts";
import { objectAttributes } from "../../manifests/attest/public-area.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { signerInfo } from "../../manifests/cms/write.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { verifierKeyText } from "../../manifests/log/verifier-key.ts";
import { manifestBytes } from "../../manifests/records/manifest.ts";
import { sealFile } from "../../manifests/records/seal.ts";
import { writeEvidenceRecord } from "../../manifests/time/evidence-record.ts";
import { subIndications } from "../../manifests/verify/indication.ts";
import { type Bundle, buildBundle, signManifest } from "../bundle/build.ts";
import { stampedBundle } from "../bundle/local-time.ts";
import { type LogChanges, logProofFile, logTrust, origin } from "../bundle/log.ts";
import { memorySource } from "../bundle/memory-source.ts";
import { root, sealing } from "../bundle/people.ts";
import { rawZip, storedFiles } from "../desk/container/raw-zip.ts";
import { tpmHere } from "../hardware/tpm/swtpm.ts";
import {
  akAttributes,
  attested,
  bootLog,
  bootPcrs,
  type Forging,
  otherKey,
  paperDevice,
} from "../manifests/attest/paper-tpm.ts";
import { logKey } from "../manifests/log/log-keys.ts";
import type { Mutant } from "../manifests/mutants/mutant.ts";
import { mutants } from "../manifests/mutants/table.ts";
import { rawToken } from "../manifests/time/raw-token.ts";
import { withArchive, withSignatureStamp } from "../pki/archive.ts";
import { pem } from "../pki/authority.ts";
import { signWith } from "../pki/keys.ts";
import { tsaRoot } from "../pki/tsa.ts";
import { projectRoot } from "../structure/source-files.ts";
import { isHere, verifiers } from "../verifiers/all.ts";
import { bouncycastle } from "../verifiers/bouncycastle.ts";
import { certtool } from "../verifiers/certtool.ts";
import { letsPass, versionsTried } from "../verifiers/lets-pass.ts";
import { openssl } from "../verifiers/openssl.ts";
import { zipPrograms } from "../verifiers/zip-programs.ts";

const read = (path: string) => readFileSync(join(projectRoot, path), "utf8");
const page = read("docs/verify.md");
const sections = new Map(
  page.split(/^## /m).map((section) => [section.slice(0, section.indexOf("\n")), section] as const),
);

/** The lines to type of a section, as they are written. */
function linesOf(section: string): string {
  const lines = (sections.get(section) ?? "").split("\n").filter((line) => line.startsWith("    "));
  expect(lines.length, section).toBeGreaterThan(0);
  return lines.map((line) => line.slice(4)).join("\n");
}

const outbox = "demo-out/stick/coldseal/outbox/2026-q4-contracts";
const extended = "demo-out/extended/contract-0113.pdf.p7s";
const early = "2021-01-01T00:00:00Z";
const inbox = "demo-out/stick/coldseal/inbox/2026-q4-contracts/documents";
const documents = { "Übersicht.txt": "one\n", "contract-0113.pdf": "two" };
/** Holds `1`, `2` and `3`, each as the project's folder after the demo, with the batches of manifests number 1 and 2, and one with a TPM's quote. */
let folder: string;
let another: Bundle;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-page-"));
  const first = await stampedBundle({ bundle: { documents } });
  const previous = hex(sha256(manifestBytes(first.manifest)));
  const manifest = (right: Bundle["manifest"]) => ({ ...right, number: 2, previous });
  const second = await stampedBundle({ bundle: { documents, manifest } });
  const measured = await stampedBundle({ bundle: { documents } });
  measured.files.set("manifest.p7m", await signManifest(await attested(measured.manifest)));
  measured.files.set("evidence/event-log.bin", bootLog);
  another = await stampedBundle({ bundle: { documents: { ...documents, "contract-0113.pdf": "three" } } });
  for (const [at, bundle] of [first, second, measured].entries()) {
    const put = (path: string, bytes: string | Uint8Array) => {
      const file = join(folder, `${at + 1}`, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
    };
    for (const [path, bytes] of bundle.files) put(`${outbox}/${path}`, bytes);
    for (const [name, bytes] of bundle.documents) put(`${inbox}/${name}`, bytes);
    put("demo-out/pki/ca.crt", pem(root.certificate));
    put("demo-out/pki/genesis.txt", `${bundle.genesis}\n 1 words and more words\n`);
    put("demo-out/stick/coldseal/outbox/the-batch-before/manifest.p7m", first.files.get("manifest.p7m") as Uint8Array);
    put("demo-out/pki/tsa-ca.crt", pem(tsaRoot.certificate));
    put("demo-out/pki/device.json", await deviceRecordBytes(nodeHost, paperDevice()));
    put("demo-out/pki/log.vkey", `${verifierKeyText((await logTrust()).log)}\n`);
    put(`${outbox}/evidence/log-0001.json`, await logProofFile(bundle));
    put(`${outbox}/evidence/0001.ers`, await evidenceOf(bundle));
    for (const [name, bytes] of await containersOf(bundle)) put(`demo-out/containers/${name}`, bytes);
    for (const program of ["docs/CheckCms.java", "docs/CheckEvidence.java", "docs/CheckArchive.java"]) {
      put(program, read(program));
    }
    put(extended, await archivedOf(bundle));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

type Replaced = Readonly<Record<string, (bytes: Buffer) => Uint8Array | string>>;

/** Runs lines of the page as they are written, in a copy of the folder in which files may be replaced. Holds: all ended with 0. */
async function run(
  lines: string,
  number: 1 | 2 | 3,
  replaced: Replaced = {},
): Promise<{ holds: boolean; said: string }> {
  const copy = mkdtempSync(join(folder, "copy-"));
  cpSync(join(folder, `${number}`), copy, { recursive: true });
  for (const [path, change] of Object.entries(replaced)) {
    writeFileSync(join(copy, path), change(readFileSync(join(copy, path))));
  }
  const script = `set -euo pipefail\n${linesOf("Set-up")}\n${lines}`;
  const env = { ...process.env, TMPDIR: copy, JAVA_TOOL_OPTIONS: "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC" };
  return new Promise((resolve) => {
    execFile("bash", ["-c", script], { cwd: copy, env }, (fault, stdout, stderr) => {
      resolve({ holds: fault === null, said: `${stdout}${stderr}` });
    });
  });
}

const seal = `${outbox}/seals/0000/000002-contract-0113.pdf.p7s`;
const document = `${inbox}/contract-0113.pdf`;
const authorization = `${outbox}/authorization.p7m`;
const manifest = `${outbox}/manifest.p7m`;

const flipped = (bytes: Buffer) => {
  const at = bytes.length - 5;
  bytes[Math.max(0, at)] = (bytes[Math.max(0, at)] as number) ^ 1;
  return bytes;
};

describe("docs/verify.md, its lines", () => {
  const programs = [
    { section: "OpenSSL", name: "OpenSSL", damaged: [document, seal, authorization, manifest] },
    { section: "gpgsm", name: "gpgsm", damaged: [document, seal, authorization, manifest] },
    { section: "GnuTLS certtool", name: "certtool", damaged: [document, seal, authorization, manifest] },
    { section: "BouncyCastle", name: "BouncyCastle", damaged: [document] },
  ];
  for (const { section, name, damaged } of programs) {
    const here = verifiers.some((kind) => kind.name === name && isHere(kind));
    it.skipIf(!here)(`HONEST: for ${name} they hold as they stand, and fail for what was changed`, async () => {
      const lines = linesOf(section);
      const { holds, said } = await run(lines, 1);
      expect(holds, said).toBe(true);
      for (const path of damaged) expect((await run(lines, 1, { [path]: flipped })).holds, path).toBe(false);
    });
  }

  it.skipIf(!isHere(openssl))("TIME-LOCAL: of the box's own time-stamp hold, and fail for another one", async () => {
    const lines = [
      linesOf("OpenSSL"),
      `sum() { sha256sum | cut -d ' ' -f 1; }`,
      linesOf("The box's own time-stamp"),
    ].join("\n");
    for (const number of [1, 2] as const) {
      const { holds, said } = await run(lines, number);
      expect(holds, said).toBe(true);
      expect(said).toMatch(new RegExp(`Serial number: 0x0${number}`));
      expect(said).toContain("Policy OID: 1.3.6.1.4.1.32473.1.41");
    }
    const path = `${outbox}/local-time.tst`;
    expect((await run(lines, 1, { [path]: flipped })).holds).toBe(false);
    expect((await run(lines, 1, { [path]: () => another.files.get("local-time.tst") as Uint8Array })).holds).toBe(
      false,
    );
  });

  it.skipIf(!isHere(openssl))(
    "TIME-IMPRINT: OpenSSL's take an evidence record apart, and fail for what was changed",
    async () => {
      const lines = linesOf("Evidence of time").split("\n");
      const java = lines.findIndex((line) => line.startsWith("java "));
      const alone = lines.slice(0, java).join("\n");
      const { holds, said } = await run(alone, 1);
      expect(holds, said).toBe(true);
      expect(said).toContain("Time stamp: Jan  1 00:00:00 2021 GMT");
      for (const path of [manifest, `${outbox}/documents.jsonl`, `${outbox}/evidence/0001.ers`]) {
        expect((await run(alone, 1, { [path]: flipped })).holds, path).toBe(false);
      }
      const others = readFileSync(join(folder, "2", outbox, "evidence/0001.ers"));
      expect((await run(alone, 1, { [`${outbox}/evidence/0001.ers`]: () => others })).holds).toBe(false);
    },
  );

  it.skipIf(!isHere(openssl))(
    "LOG-PROOF: of a ledger's log hold for each place in it, and fail for another record, path, root or signature",
    async () => {
      const [sum = ""] = linesOf("The chain of digests, by hand").split("\n");
      const lines = [linesOf("OpenSSL"), sum, linesOf("A ledger's log")].join("\n");
      const proof = `${outbox}/evidence/log-0001.json`;
      for (const number of [1, 2] as const) {
        const { holds, said } = await run(lines, number);
        expect(holds, said).toBe(true);
        expect(said).toContain("Signature Verified Successfully");
      }
      const [first] = await Promise.all([stampedBundle({ bundle: { documents } })]);
      first.files.set("manifest.p7m", readFileSync(join(folder, "1", manifest)));
      first.files.set("documents.jsonl", readFileSync(join(folder, "1", outbox, "documents.jsonl")));
      const imposter = await logKey("imposter");
      const changes: readonly LogChanges[] = [
        {
          record: (right) => ({ ...right, appliance: "box-2" }),
          opened: (right) => ({ ...right, record: { ...right.record, appliance: "box-1" } }),
        },
        { record: (right) => (right.type === "manifest" ? { ...right, digest: "00".repeat(32) } : right) },
        { opened: (right) => ({ ...right, salt: "00".repeat(32) }) },
        { opened: (right) => ({ ...right, index: right.index + 1 }) },
        { opened: (right) => ({ ...right, path: right.path.toReversed() }) },
        { checkpoint: (right) => ({ ...right, root: right.root.toReversed() }) },
        { log: { ...imposter, vkey: { ...imposter.vkey, name: origin } } },
      ];
      expect((await run(lines, 1, { [proof]: () => readFileSync(join(folder, "1", proof)) })).holds).toBe(true);
      for (const change of changes) {
        const wrong = await logProofFile(first, change);
        expect((await run(lines, 1, { [proof]: () => wrong })).holds, String(Object.values(change)[0])).toBe(false);
      }
      // The manifest in places all over the tree: left and right of the way, and left over.
      for (const around of [0, 1, 2, 5, 8, 12]) {
        const right = await logProofFile(first, { around });
        const { holds, said } = await run(lines, 1, { [proof]: () => right });
        expect(holds, `${around}: ${said}`).toBe(true);
      }
    },
  );

  it.skipIf(!isHere(openssl) || !tpmHere)(
    "QUOTE-BIND: tpm2-tools' hold for a TPM's quote, and fail for what was changed",
    async () => {
      const [sum = ""] = linesOf("The chain of digests, by hand").split("\n");
      const lines = [linesOf("OpenSSL"), sum, linesOf("A TPM's quote")].join("\n");
      const { holds, said } = await run(lines, 3);
      expect(holds, said).toBe(true);
      for (const digest of [...bootPcrs.values()].slice(0, 3)) expect(said.toLowerCase()).toContain(hex(digest));
      const right = await signManifest(await attested(another.manifest));
      expect((await run(lines, 3, { [manifest]: () => right })).holds).toBe(true);
      for (const forging of wrongAttestations) {
        const wrong = await signManifest(await attested(another.manifest, forging));
        expect((await run(lines, 3, { [manifest]: () => wrong })).holds).toBe(false);
      }
      expect((await run(lines, 3, { [`${outbox}/evidence/event-log.bin`]: flipped })).holds).toBe(false);
    },
  );

  it.skipIf(!isHere(bouncycastle))("TIME-IMPRINT: BouncyCastle's hold, and fail for another record", async () => {
    const lines = linesOf("Evidence of time").split("\n");
    const jars = linesOf("BouncyCastle").split("\n").slice(0, 2);
    const alone = [...jars, ...lines.slice(lines.findIndex((line) => line.startsWith("java ")))].join("\n");
    const { holds, said } = await run(alone, 1);
    expect(holds, said).toBe(true);
    expect((await run(alone, 1, { [manifest]: flipped })).holds).toBe(false);
  });

  it.skipIf(!isHere(bouncycastle))(
    "TIME-IMPRINT: of an archive time-stamp hold, and fail for what was changed",
    async () => {
      const jars = linesOf("BouncyCastle").split("\n").slice(0, 2);
      const lines = [...jars, linesOf("Archive time-stamps")].join("\n");
      const { holds, said } = await run(lines, 1);
      expect([holds, said]).toEqual([true, expect.stringContaining("good: archived by 2021-01-01T00:00:00Z")]);
      for (const path of [document, extended])
        expect((await run(lines, 1, { [path]: flipped })).holds, path).toBe(false);
    },
  );

  it.skipIf(!isHere(openssl) || !isHere(bouncycastle) || !zipPrograms.unzip)(
    "SEAL-BIND: of proof containers hold, with unzip, and fail for another document or record in them",
    async () => {
      const jars = linesOf("BouncyCastle").split("\n").slice(0, 2).join("\n");
      const lines = [linesOf("OpenSSL"), jars, linesOf("Proof containers")].join("\n");
      const { holds, said } = await run(lines, 1);
      expect(holds, said).toBe(true);
      const others = await containersOf(another);
      for (const [name, inside] of [
        ["000002-contract-0113.pdf.asics", "contract-0113.pdf"],
        ["000002-contract-0113.pdf.asics", "META-INF/coldseal/manifest.p7m"],
        ["batch.asice", "documents/contract-0113.pdf"],
        ["batch.asice", "bundle/manifest.p7m"],
        ["batch.asice", "META-INF/evidencerecord0001-000002.ers"],
      ] as const) {
        const theirs = others.get(name) as Uint8Array;
        const changed = (bytes: Buffer) => withFile(bytes, inside, inside.endsWith(".p7m") ? undefined : theirs);
        expect((await run(lines, 1, { [`demo-out/containers/${name}`]: changed })).holds, inside).toBe(false);
      }
    },
  );

  it.skipIf(!isHere(certtool))("T7: certtool's find a bad signature wherever it stands among good ones", async () => {
    const { make } = mutants.find(
      ({ title }) => title === "authorisation: one approver's signature of zeros",
    ) as Mutant;
    const { files } = await buildBundle(await make());
    const bad = files.get("authorization.p7m") as Uint8Array;
    expect((await run(linesOf("GnuTLS certtool"), 1, { [authorization]: () => bad })).holds).toBe(false);
  });

  // What follows is replaced by something that is right by itself, so that only the chain of digests can tell.
  const chain = (number: 1 | 2) => {
    const lines = linesOf("The chain of digests, by hand").split("\n");
    const genesis = lines.findIndex((line) => line.includes("previous") && line.includes("genesis.txt"));
    const before = lines.findIndex((line) => line.startsWith("before="));
    const mine = number === 1 ? lines.slice(0, before) : lines.toSpliced(genesis, 1);
    return [linesOf("OpenSSL"), ...mine].join("\n");
  };
  const othersFile = (path: string) => () => another.files.get(path) as Uint8Array;

  it.skipIf(!isHere(openssl))("CHAIN: the digests fit, for the first manifest and for a later one", async () => {
    for (const number of [1, 2] as const) {
      const { holds, said } = await run(chain(number), number);
      expect(holds, said).toBe(true);
    }
    expect((await run(chain(2), 1)).holds).toBe(false);
    expect((await run(chain(1), 2)).holds).toBe(false);
  });

  it.skipIf(!isHere(openssl)).each<[string, Replaced]>([
    ["a list of another batch", { [`${outbox}/documents.jsonl`]: othersFile("documents.jsonl") }],
    [
      "a document of another batch with its seal",
      { [document]: () => "three", [seal]: othersFile("seals/0000/000002-contract-0113.pdf.p7s") },
    ],
    ["another seal of the same document", { [seal]: resealed }],
    ["an authorisation of another batch", { [authorization]: othersFile("authorization.p7m") }],
    ["another batch's request", { [`${outbox}/batch.p7m`]: othersFile("batch.p7m") }],
    ["another genesis digest", { "demo-out/pki/genesis.txt": () => `${"11".repeat(32)}\n` }],
  ])("CHAIN: they fail for %s", async (_, replaced) => {
    expect((await run(chain(1), 1, replaced)).holds).toBe(false);
  });

  it.skipIf(!isHere(openssl))("CHAIN: they fail for another manifest before", async () => {
    const before = "demo-out/stick/coldseal/outbox/the-batch-before/manifest.p7m";
    expect((await run(chain(2), 2, { [before]: othersFile("manifest.p7m") })).holds).toBe(false);
  });

  it("HONEST: they are about the files that the README names", () => {
    const readme = read("README.md");
    for (const path of [seal, document]) expect(readme).toContain(path);
  });
});

const wrongAttestations: readonly Forging[] = [
  { nonce: () => sha256(Uint8Array.of(1)) },
  { signedBy: otherKey },
  { quote: { values: [] } },
  { attributes: akAttributes & ~objectAttributes.restricted },
  { key: otherKey },
];

/** Over the bundle's tree, at a time that is past whenever this runs. */
async function evidenceOf(bundle: Bundle): Promise<Uint8Array> {
  const { tree } = await bundleTree(nodeHost, memorySource(bundle));
  const token = await rawToken(tree.root, { time: early });
  return writeEvidenceRecord([[{ hash: tree.hash, tree: tree.reduced(0), token }]]);
}

/** The second document's seal with a time-stamp and an archive time-stamp, at a time that is past whenever this runs. */
async function archivedOf({ documents, files }: Bundle): Promise<Uint8Array> {
  const stamped = await withSignatureStamp(files.get("seals/0000/000002-contract-0113.pdf.p7s") as Uint8Array, early);
  return withArchive(stamped, { document: documents.get("contract-0113.pdf") as Uint8Array, time: early });
}

/** What `coldseal pack` makes of the bundle and its evidence: the second document's container, and the batch's. */
async function containersOf(bundle: Bundle): Promise<ReadonlyMap<string, Uint8Array>> {
  const at = mkdtempSync(join(folder, "containers-"));
  const files = new Map(bundle.files).set("evidence/0001.ers", await evidenceOf(bundle));
  const documents = memorySource({ files: bundle.documents });
  const batch = await batchToPack(nodeHost, memorySource({ files }), documents);
  await packBatch(nodeHost, batch, join(at, "batch.asice"));
  await (await documentPacker(nodeHost, batch, at))(batch.documents[1] as (typeof batch.documents)[number]);
  return new Map(readdirSync(at).map((name) => [name, readFileSync(join(at, name))]));
}

/** A container with another container's file in the place of its own, or its own with a bit changed; sizes and CRCs are right. */
function withFile(container: Buffer, path: string, other: Uint8Array | undefined): Uint8Array {
  const own = storedFiles(container);
  const bytes = other ? storedFiles(other).get(path) : flipped(Buffer.from(own.get(path) as Uint8Array));
  return rawZip([...own.set(path, bytes as Uint8Array)].map(([name, data]) => ({ name, data })));
}

/** The document's seal made again: ECDSA signs anew, so only the list can tell. */
function resealed(bytes: Buffer): Uint8Array {
  const { signers, certificates } = readSignedData(Uint8Array.from(bytes));
  const [signer] = signers;
  if (!signer) throw new Error("no signer");
  const { signedAttributes } = signer;
  const signature = signWith(sealing.key, sealing.suite, signedAttributes);
  const info = signerInfo({ certificate: sealing.certificate, suite: sealing.suite, signedAttributes, signature });
  return sealFile({ certificates, signerInfo: info });
}

/** Cells of the rows of a section's tables. */
function rowsOf(section: string): readonly (readonly string[])[] {
  const lines = (sections.get(section) ?? "").split("\n").filter((line) => line.startsWith("| "));
  return lines.slice(1).map((line) => line.slice(2, -2).split(" | "));
}

describe("docs/verify.md, its tables", () => {
  it("HONEST: every code that has a sub-indication of EN 319 102-1 stands there with it", () => {
    const rows = [...page.matchAll(/^\| `([A-Z-]+)` \| ([A-Z_]+) \|$/gm)].map(([, code, sub]) => [code, sub]);
    expect(Object.fromEntries(rows)).toEqual(subIndications);
    expect(rows).toHaveLength(Object.keys(subIndications).length);
  });

  it("T8: what each lets pass is what the tests hold the programs to", () => {
    const word = (accepts: boolean) => (accepts ? "accepts" : "refuses");
    const expected = letsPass.map(({ title, accepted }) => [
      title,
      ...verifiers.map(({ name }) => word(accepted.some((one) => one === name))),
    ]);
    expect(rowsOf("What each lets pass")).toEqual(expected);
    const [heads = ""] = /^\| what is wrong \|.*BouncyCastle.*$/m.exec(page) ?? [];
    for (const [name, version] of Object.entries(versionsTried)) expect(heads).toContain(`| ${name} ${version} |`);
  });

  it("T8: every mutant stands there with our code and OpenSSL's word", () => {
    const expected = mutants.map(({ title, threat, ours, also = [], openssl: says }) => [
      title,
      threat,
      [ours, ...also].join(", "),
      says,
    ]);
    expect(rowsOf("Mutant by mutant")).toEqual(expected);
  });
});
