/** The box's own time-stamp in a bundle: what is wrong with it is found of the right file, and right or wrong it never proves a time. */

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleTree } from "../../../desk/anchor/bundle-tree.ts";
import { bundleWords } from "../../../desk/verdict-words.ts";
import { digestOf, nodeHost } from "../../../host/crypto-host.ts";
import { withUnsigned } from "../../../manifests/cms/unsigned-attributes.ts";
import { concat } from "../../../manifests/encoding/bytes.ts";
import { boolean, objectIdentifier, sequence } from "../../../manifests/encoding/der-write.ts";
import { oid, ownOids } from "../../../manifests/encoding/oid.ts";
import type { Manifest } from "../../../manifests/records/manifest.ts";
import { localTimePath } from "../../../manifests/records/names.ts";
import type { Policy } from "../../../manifests/records/policy.ts";
import { readSeal, sealFile } from "../../../manifests/records/seal.ts";
import { writeEvidenceRecord } from "../../../manifests/time/evidence-record.ts";
import { verifyBundle } from "../../../manifests/verify/bundle.ts";
import { verifySeal } from "../../../manifests/verify/seal.ts";
import type { Trust } from "../../../manifests/verify/trust.ts";
import { type Bundle, buildBundle } from "../../bundle/build.ts";
import { type StampChanges, stampedBundle, stamper, stampOver } from "../../bundle/local-time.ts";
import { memorySource } from "../../bundle/memory-source.ts";
import { issuer, oids, root } from "../../bundle/people.ts";
import { times } from "../../bundle/signed.ts";
import { fingerprint, type Issued, issue, makeRoot, pem } from "../../pki/authority.ts";
import { makeToken, timeStampingOnly } from "../../pki/tsa.ts";
import { rawToken } from "../time/raw-token.ts";

const eku = (...ids: readonly string[]) => ({ ...timeStampingOnly, value: sequence(...ids.map(objectIdentifier)) });
const withKey =
  ({ spki }: Issued) =>
  (policy: Policy): Policy => ({ ...policy, keys: { ...policy.keys, time: spki } });
const by = (issued: Issued, more: StampChanges = {}) => stampedBundle({ by: issued, policy: withKey(issued), ...more });
const without = ({ time: _, ...manifest }: Manifest): Manifest => manifest;
const unnamed = ({ keys: { time: _, ...keys }, ...policy }: Policy): Policy => ({ ...policy, keys });
const stamp = (wanted: Partial<Parameters<typeof issue>[1]> = {}, from = issuer) =>
  issue(from, { name: "Time", extensions: [timeStampingOnly], ...wanted });
const other = makeRoot({ name: "Another root" });

async function anothers(): Promise<{ readonly bundle: Bundle; readonly token: Uint8Array }> {
  const bundle = await stampedBundle();
  const token = await stampOver((await buildBundle({ documents: { other: "x" } })).manifest);
  return { bundle, token };
}

/** What is found of a bundle, and what `openssl ts -verify` says of its token over the manifest's tree; docs/verify.md has the table. */
const rows: readonly (readonly [
  what: string,
  ours: string,
  openssl: "accepts" | "refuses" | "nothing to ask about",
  () => Promise<Bundle>,
])[] = [
  ["nothing", "holds", "accepts", () => stampedBundle()],
  [
    "another batch's, which the manifest names",
    "local-time.tst TIME-IMPRINT",
    "refuses",
    async () => {
      const { token } = await anothers();
      return stampedBundle({ token: () => token });
    },
  ],
  [
    "another batch's in its place",
    "local-time.tst MANIFEST-BIND",
    "refuses",
    async () => {
      const { bundle, token } = await anothers();
      return { ...bundle, files: new Map(bundle.files).set(localTimePath, token) };
    },
  ],
  [
    "missing",
    "local-time.tst BUNDLE-FORM",
    "nothing to ask about",
    async () => {
      const bundle = await stampedBundle();
      bundle.files.delete(localTimePath);
      return bundle;
    },
  ],
  [
    "there, and neither policy nor manifest know of it",
    "local-time.tst BUNDLE-FORM",
    "accepts",
    () => stampedBundle({ manifest: without, policy: unnamed }),
  ],
  [
    "there, and the manifest does not name it",
    "local-time.tst BUNDLE-FORM; manifest.p7m MANIFEST-BIND",
    "accepts",
    () => stampedBundle({ manifest: without }),
  ],
  [
    "by a key that the policy does not name",
    "manifest.p7m MANIFEST-BIND",
    "accepts",
    () => stampedBundle({ policy: unnamed }),
  ],
  ["by another key than the policy's", "manifest.p7m MANIFEST-BIND", "accepts", () => stampedBundle({ by: stamp() })],
  [
    "by another key than the manifest names",
    "local-time.tst MANIFEST-BIND",
    "accepts",
    () => {
      const { key, certificate } = keysOf(stamper);
      const manifest = (one: Manifest) => ({ ...one, time: { certificate, file: one.time?.file ?? "", key } });
      return stampedBundle({ by: stamp(), manifest });
    },
  ],
  [
    "an extended key usage that is not critical",
    "local-time.tst TIME-TSA",
    "refuses",
    () => by(stamp({ extensions: [{ ...timeStampingOnly, critical: false }] })),
  ],
  [
    "another extended key usage beside timeStamping",
    "local-time.tst TIME-TSA",
    "accepts",
    () => by(stamp({ extensions: [eku(oid.timeStamping, oids.audit)] })),
  ],
  [
    "a certificate under another root",
    "local-time.tst PATH-ROOT",
    "refuses",
    () => by(stamp({}, other), { issuers: [] }),
  ],
  [
    "a certificate that was not valid at its time",
    "local-time.tst PATH-TIME",
    "accepts",
    () => by(stamp({ notBefore: "2026-11-25T00:00:00Z" })),
  ],
  [
    "a certificate that the policy revokes",
    "local-time.tst PATH-REVOKED; manifest.p7m PATH-REVOKED",
    "accepts",
    () => stampedBundle({ policy: (policy) => ({ ...policy, revoked: [fingerprint(stamper.certificate)] }) }),
  ],
  [
    "a certificate in it that is not in the path",
    "local-time.tst CMS-CERTIFICATE",
    "accepts",
    () => stampedBundle({ issuers: [issuer.certificate, other.certificate] }),
  ],
  [
    "another serial number than the manifest's number",
    "local-time.tst MANIFEST-BIND",
    "accepts",
    () => stampedBundle({ info: (info) => ({ ...info, number: 2 }) }),
  ],
  [
    "another policy than the box's own",
    "local-time.tst TIME-FORM",
    "accepts",
    () => stampedBundle({ info: (info) => ({ ...info, oids: ownOids("1.3.6.1.4.1.32473.2") }) }),
  ],
  [
    "a time after its manifest",
    "local-time.tst TIME-ORDER",
    "accepts",
    () => stampedBundle({ info: (info) => ({ ...info, time: "2026-11-20T12:00:06Z" }) }),
  ],
  [
    "a time before its last seal",
    "local-time.tst TIME-ORDER",
    "accepts",
    () => stampedBundle({ info: (info) => ({ ...info, time: times.approval }) }),
  ],
  [
    "ordering that is claimed",
    "local-time.tst TIME-FORM",
    "accepts",
    () => stampedBundle({ content: (info) => appended(info, boolean(true)) }),
  ],
  [
    "no accuracy",
    "local-time.tst TIME-FORM",
    "accepts",
    () => stampedBundle({ content: (info) => shortened(info, 5) }),
  ],
  [
    "a byte after its end",
    "local-time.tst TIME-FORM",
    "accepts",
    () => stampedBundle({ token: (token) => concat([token, Uint8Array.of(0)]) }),
  ],
  ["a batch that was aborted", "manifest.p7m HONEST", "accepts", () => stampedBundle({ bundle: { abortedAfter: 1 } })],
];

function keysOf(issued: Issued) {
  return { certificate: fingerprint(issued.certificate), key: digestOf("sha256", issued.spki).toHex() };
}

/** A SEQUENCE with one element more at its end. */
function appended(der: Uint8Array, more: Uint8Array): Uint8Array {
  return sequence(der.subarray(2), more);
}

/** A SEQUENCE without its last so many bytes. */
function shortened(der: Uint8Array, by: number): Uint8Array {
  return sequence(der.subarray(2, -by));
}

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-local-time-"));
  writeFileSync(join(dir, "ca.crt"), pem(root.certificate));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const verified = (bundle: Bundle, more: Partial<Trust> = {}) =>
  verifyBundle(nodeHost, memorySource(bundle), { roots: bundle.roots, genesis: bundle.genesis, ...more });

async function ours(bundle: Bundle): Promise<string> {
  const { findings } = await verified(bundle);
  return findings.length === 0
    ? "holds"
    : [...new Set(findings.map(({ code, file }) => `${file} ${code}`))].sort().join("; ");
}

function openssl({ files, manifest }: Bundle): Promise<"accepts" | "refuses" | "nothing to ask about"> {
  const token = files.get(localTimePath);
  if (!token) return Promise.resolve("nothing to ask about");
  const path = join(dir, "token.tst");
  writeFileSync(path, token);
  const wanted = ["-digest", manifest.documents.root, "-CAfile", join(dir, "ca.crt")];
  const args = ["ts", "-verify", "-token_in", "-in", path, ...wanted];
  return new Promise((resolve) => execFile("openssl", args, (fault) => resolve(fault ? "refuses" : "accepts")));
}

describe("the box's own time-stamp, ours and OpenSSL's word", () => {
  it.each(rows)("TIME-LOCAL: %s: %s, OpenSSL %s", async (_what, code, word, make) => {
    const bundle = await make();
    expect([await ours(bundle), await openssl(bundle)]).toEqual([code, word]);
  });

  it("TIME-LOCAL: docs/verify.md has the table", () => {
    const page = readFileSync(join(import.meta.dirname, "../../../docs/verify.md"), "utf8");
    const lines = rows.map(([what, code, word]) => `| ${what} | ${code} | ${word} |`);
    expect(lines.filter((line) => !page.includes(line))).toEqual([]);
  });
});

describe("what it proves", () => {
  const authorities = [root.certificate];

  it("TIME-LOCAL: nothing, whoever is trusted for time; the verdict says whose word it is", async () => {
    const verdict = await verified(await stampedBundle(), { authorities });
    expect(verdict).toMatchObject({
      indication: { main: "TOTAL-PASSED", time: "claimed" },
      localTime: { accuracySeconds: 2, time: times.manifest },
      provenTime: null,
      times: [],
    });
    const own = bundleWords(verdict).rows.find(([label]) => label === "own stamp")?.[1];
    expect(own).toContain(
      "local, not anchored: the box's own word on order and time; it proves nothing against the box",
    );
  });

  it.each([
    ["of the policy of own time-stamps, by anybody", { policy: oids.localTime, by: stamp({ name: "somebody" }) }],
    ["of another policy, by the key of own time-stamps", { by: stamper }],
  ])("TIME-LOCAL: %s, in an evidence record it is refused, though its root is trusted for time", async (_, wanted) => {
    const bundle = await stampedBundle();
    const { tree } = await bundleTree(nodeHost, memorySource(bundle));
    const token = await rawToken(tree.root, { time: times.manifest, ...wanted });
    const record = writeEvidenceRecord([[{ hash: tree.hash, tree: tree.reduced(0), token }]]);
    const anchored = { ...bundle, files: new Map(bundle.files).set("evidence/0001.ers", record) };
    // The path goes over the box's issuer, which stands in no such token: as somebody would trust it who wants it to count.
    const verdict = await verified(anchored, { authorities: [...authorities, issuer.certificate] });
    expect(verdict.findings.map(({ code, file }) => `${file} ${code}`)).toEqual(["evidence/0001.ers TIME-LOCAL"]);
    expect(verdict.provenTime).toBeNull();
  });

  it("TIME-LOCAL: as signature-time-stamp of a seal, or in a record over it, it does not count", async () => {
    const bundle = await stampedBundle({ bundle: { documents: { "a.pdf": "one" } } });
    const seal = bundle.files.get("seals/0000/000001-a.pdf.p7s") as Uint8Array;
    const { certificates, signer } = readSeal(seal, oids);
    const token = await makeToken({
      over: signer.signature,
      by: stamper,
      policy: oids.localTime,
      certificates: [issuer.certificate],
    });
    const signerInfo = withUnsigned(signer, [{ oid: oid.signatureTimeStamp, value: token }]);
    const given = {
      seal: sealFile({ certificates, signerInfo }),
      documentDigest: async (hash: "sha256" | "sha384" | "sha512") =>
        digestOf(hash, bundle.documents.get("a.pdf") as Uint8Array),
    };
    const verdict = await verifySeal(nodeHost, given, { roots: bundle.roots, authorities });
    expect(verdict).toMatchObject({ ok: true, provenTime: null });
    expect(verdict.times).toMatchObject([{ discounted: expect.stringContaining("TIME-LOCAL") }]);
  });
});
