/** Manifests that lie, and bundles whose parts do not belong together (CHAIN, HONEST, MODE, T7, T8, T11, T12). */

import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { signContent } from "../../../manifests/cms/sign.ts";
import { algorithmProtection } from "../../../manifests/cms/write.ts";
import { concat, hex, utf8 } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json } from "../../../manifests/encoding/canonical-json.ts";
import { integer, objectIdentifier, octetString, setOf, time } from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { listLine, type SealedDocument } from "../../../manifests/records/documents-list.ts";
import type { Manifest } from "../../../manifests/records/manifest.ts";
import { sealPath } from "../../../manifests/records/names.ts";
import { type Bundle, buildBundle } from "../../bundle/build.ts";
import { attribute, type Forged, forge, inOrder } from "../../bundle/forge.ts";
import { audit, issuer, oids, operators, sealing, submitter } from "../../bundle/people.ts";
import { makePolicy, policyBytes, signedBy, times } from "../../bundle/signed.ts";
import { fingerprint, issue, makeRoot } from "../../pki/authority.ts";
import { TestLedger } from "../log/test-ledger.ts";
import { type Change, type Mutant, sealFile } from "./mutant.ts";
import { boundTo } from "./seal-forge.ts";

const file = "manifest.p7m";
const manifest = (
  threat: string,
  title: string,
  ours: Mutant["ours"],
  openssl: Mutant["openssl"],
  make: Mutant["make"],
  blamed = file,
): Mutant => ({ title: `manifest: ${title}`, threat, ours, openssl, file: blamed, asked: file, make });

/** A manifest with other members, where sections are merged. */
const saying =
  (
    change: {
      readonly [Name in keyof Manifest]?: Manifest[Name] extends object ? Partial<Manifest[Name]> : Manifest[Name];
    },
  ) =>
  (): Change => ({
    manifest: (right) => ({
      ...right,
      ...Object.fromEntries(
        Object.entries(change).map(([name, value]) => [name, merged(right[name as keyof Manifest], value)]),
      ),
    }),
  });

function merged(right: unknown, value: unknown): unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? { ...(right as object), ...value }
    : value;
}

/** Content that no manifest may have, signed by the audit key. */
const written = (change: (right: Record<string, Json>) => Uint8Array) => (): Change => ({
  after: async ({ files, manifest: right }) => {
    const content = change(JSON.parse(JSON.stringify(right)));
    const facts = {
      eContentType: oids.manifest,
      content,
      signingTime: right.created,
      extraCertificates: [issuer.certificate],
    };
    files.set(file, await signContent(nodeHost, audit.signingKey, facts));
  },
});
const section = (name: string, change: Record<string, Json>) =>
  written((right) => canonicalBytes({ ...right, [name]: { ...(right[name] as Record<string, Json>), ...change } }));

const other = "11".repeat(32);
const ledger = (await TestLedger.make()).rules();

const facts: readonly Mutant[] = [
  manifest("T25", "of another number", "SEAL-BIND", "accepts", saying({ number: 2 }), sealFile),
  manifest(
    "CHAIN",
    "of number 1 after something else than the genesis policy",
    "CHAIN",
    "accepts",
    saying({ previous: other }),
  ),
  manifest("T12", "of another appliance", "MANIFEST-BIND", "accepts", saying({ appliance: "box-2" })),
  manifest("MODE", "of another mode", "MODE", "accepts", saying({ mode: "offline" })),
  manifest("MODE", "of an emergency", "MODE", "accepts", saying({ mode: "emergency" })),
  manifest(
    "CHAIN",
    "another digest of documents.jsonl",
    "MANIFEST-BIND",
    "accepts",
    saying({ documents: { digest: other } }),
    "documents.jsonl",
  ),
  manifest("CHAIN", "another Merkle root", "MANIFEST-BIND", "accepts", saying({ documents: { root: other } })),
  manifest("CHAIN", "another count", "MANIFEST-BIND", "accepts", saying({ documents: { count: 2, sealed: 2 } })),
  manifest("CHAIN", "another sum of sizes", "MANIFEST-BIND", "accepts", saying({ documents: { bytes: 1 } })),
  {
    ...manifest(
      "CHAIN",
      "another digest algorithm",
      "MANIFEST-BIND",
      "accepts",
      saying({ documents: { digestAlgorithm: "sha512" } }),
    ),
    also: ["POLICY-PROFILE"],
  },
  manifest(
    "HONEST",
    "fewer seals than documents, and sealed",
    "HONEST",
    "accepts",
    saying({ documents: { count: 2 } }),
  ),
  manifest(
    "HONEST",
    "an earlier seal under its own number",
    "HONEST",
    "accepts",
    saying({ documents: { earlier: [{ earlierIndex: 1, earlierNumber: 1, index: 1 }], earlierCount: 1 } }),
  ),
  manifest(
    "HONEST",
    "more earlier seals than it counts",
    "HONEST",
    "accepts",
    saying({ number: 3, documents: { earlier: [{ earlierIndex: 1, earlierNumber: 1, index: 1 }] } }),
  ),
  manifest("HONEST", "sealed, with a reason", "HONEST", "accepts", saying({ reason: "none" })),
  manifest("HONEST", "aborted, without a reason", "HONEST", "accepts", saying({ outcome: "aborted" })),
  manifest(
    "HONEST",
    "aborted, with its seals in the bundle",
    "ABORTED",
    "accepts",
    saying({ outcome: "aborted", reason: "op1: the wrong stick" }),
    sealFile,
  ),
  manifest("CLOCK", "made before its seals", "CLOCK", "accepts", saying({ created: times.approval }), sealFile),
  manifest("CLOCK", "made before its approvals", "CLOCK", "accepts", saying({ created: times.request })),
  manifest("T16", "another nonce", "MANIFEST-BIND", "accepts", saying({ authorization: { nonce: other } })),
  manifest("T16", "another challenge", "MANIFEST-BIND", "accepts", saying({ authorization: { digest: other } })),
  manifest(
    "QUORUM",
    "another authorisation",
    "MANIFEST-BIND",
    "accepts",
    saying({ authorization: { file: other } }),
    "authorization.p7m",
  ),
  manifest("QUORUM", "an approver left out", "MANIFEST-BIND", "accepts", () => ({
    manifest: (right) => ({
      ...right,
      authorization: { ...right.authorization, approvers: right.authorization.approvers.slice(1) },
    }),
  })),
  manifest("QUORUM", "an approver's name", "MANIFEST-BIND", "accepts", () => ({
    manifest: (right) => ({
      ...right,
      authorization: {
        ...right.authorization,
        approvers: right.authorization.approvers.map((one) => ({ ...one, name: "Somebody" })),
      },
    }),
  })),
  manifest(
    "T17",
    "another policy",
    "POLICY-DIGEST",
    "accepts",
    saying({ policy: { digest: other } }),
    "policy/0001.p7m",
  ),
  manifest(
    "T17",
    "another genesis policy",
    "POLICY-CHAIN",
    "accepts",
    saying({ policy: { genesis: other } }),
    "policy/0001.p7m",
  ),
  manifest(
    "T17",
    "another policy's number",
    "BUNDLE-FORM",
    "accepts",
    saying({ policy: { number: 2 } }),
    "policy/0002.p7m",
  ),
  manifest("T9", "another suite", "POLICY-PROFILE", "accepts", saying({ profile: { suite: "ecdsa-p384-sha384" } })),
  manifest("T14", "another batch's id", "MANIFEST-BIND", "accepts", saying({ request: { batch: "another" } })),
  manifest("T14", "another batch digest", "MANIFEST-BIND", "accepts", saying({ request: { digest: other } })),
  manifest(
    "T14",
    "another file of the request",
    "MANIFEST-BIND",
    "accepts",
    saying({ request: { file: other } }),
    "batch.p7m",
  ),
  manifest("T14", "another identity", "MANIFEST-BIND", "accepts", saying({ request: { identity: other } })),
  manifest("T14", "another purpose", "MANIFEST-BIND", "accepts", saying({ request: { purpose: "another" } })),
  manifest("T14", "another expiry", "MANIFEST-BIND", "accepts", saying({ request: { expires: times.manifest } })),
  manifest("T12", "another sealing key", "MANIFEST-BIND", "accepts", () => ({
    manifest: (right) => ({ ...right, keys: { ...right.keys, sealing: { ...right.keys.sealing, key: other } } }),
  })),
  manifest(
    "T12",
    "another sealing certificate",
    "MANIFEST-BIND",
    "accepts",
    () => ({
      manifest: (right) => ({
        ...right,
        keys: { ...right.keys, sealing: { ...right.keys.sealing, certificate: other } },
      }),
    }),
    "certificates/sealing-1.der",
  ),
  manifest("T12", "another audit key", "MANIFEST-BIND", "accepts", () => ({
    manifest: (right) => ({ ...right, keys: { ...right.keys, audit: { ...right.keys.audit, key: other } } }),
  })),
  manifest("T12", "an earlier policy that it was approved under, yet sealed", "HONEST", "accepts", () => ({
    manifest: (right) => ({ ...right, policy: { ...right.policy, approvedUnder: underFirst(right), number: 2 } }),
  })),
  manifest("T12", "aborted, and approved under the policy that is in force anyway", "HONEST", "accepts", () => ({
    abortedAfter: 0,
    manifest: (right) => ({ ...right, policy: { ...right.policy, approvedUnder: underFirst(right) } }),
  })),
  manifest("T17", "earlier than its policy could come into force", "HONEST", "accepts", ahead),
  manifest("HONEST", "a network link that the policy forbids", "HONEST", "accepts", () => ({
    ...saying({ labels: { network: "present-recorded" } })(),
    policy: (policy) => ({ ...policy, network: "fatal" }),
  })),
  manifest("HONEST", "acknowledged by a ledger before it was made", "HONEST", "accepts", () => ({
    ...saying({ acknowledged: { number: 1, root: other, size: 3 } })(),
    policy: (policy) => ({ ...policy, ledger, version: 2 }),
  })),
  manifest(
    "HONEST",
    "a ledger that its policy does not name",
    "HONEST",
    "accepts",
    saying({ acknowledged: { number: 0, root: other, size: 3 } }),
  ),
];

/** Under a second policy that was signed ahead, for a day after the manifest. */
async function ahead(): Promise<Change> {
  const first = makePolicy();
  const second = { ...first, notBefore: times.expires, number: 2, previous: hex(sha256(policyBytes(first))) };
  const content = policyBytes(second);
  const p7m = await signedBy(operators, oids.policy, content, times.policy);
  const digest = hex(sha256(content));
  return {
    challenge: (right) => ({ ...right, policyDigest: digest }),
    manifest: (right) => ({ ...right, policy: { ...right.policy, digest, number: 2 } }),
    after: ({ files }) => void files.set("policy/0002.p7m", p7m),
  };
}

function underFirst({ policy }: Manifest) {
  return { digest: policy.digest, number: policy.number };
}

const shapes: readonly Mutant[] = [
  ...["attestation", "hsm", "isolation", "media", "network", "time"].map((label) =>
    manifest(
      "HONEST",
      `a word for ${label} that nobody knows`,
      "SHAPE",
      "accepts",
      section("labels", { [label]: "certified" }),
    ),
  ),
  manifest("HONEST", "one label more", "SHAPE", "accepts", section("labels", { security: "high" })),
  manifest(
    "HONEST",
    "a label less",
    "SHAPE",
    "accepts",
    written(({ labels, ...rest }) => {
      const { hsm: _, ...left } = labels as Record<string, Json>;
      return canonicalBytes({ ...rest, labels: left });
    }),
  ),
  manifest(
    "HONEST",
    "a counter of an unknown kind",
    "SHAPE",
    "accepts",
    written((right) => canonicalBytes({ ...right, counter: "trusted" })),
  ),
  manifest(
    "T29",
    "a member that nobody knows",
    "SHAPE",
    "accepts",
    written((right) => canonicalBytes({ ...right, sealedBy: "us" })),
  ),
  manifest(
    "T29",
    "a member missing",
    "SHAPE",
    "accepts",
    written(({ previous: _, ...rest }) => canonicalBytes(rest)),
  ),
  manifest(
    "T29",
    "a number with a fraction",
    "JSON",
    "accepts",
    written((right) => utf8(new TextDecoder().decode(canonicalBytes(right)).replace('"number":1', '"number":1.5'))),
  ),
  manifest(
    "T29",
    "number 0",
    "SHAPE",
    "accepts",
    written((right) => canonicalBytes({ ...right, number: 0 })),
  ),
  manifest(
    "T29",
    "a digest in capitals",
    "SHAPE",
    "accepts",
    written((right) => canonicalBytes({ ...right, previous: "AB".repeat(32) })),
  ),
  manifest(
    "T29",
    "a member twice",
    "JSON",
    "accepts",
    written((right) => utf8(new TextDecoder().decode(canonicalBytes(right)).replace("{", '{"appliance":"box-1",'))),
  ),
  manifest(
    "T29",
    "JSON with white space",
    "JSON",
    "accepts",
    written((right) => utf8(JSON.stringify(right, null, 1))),
  ),
  manifest(
    "T29",
    "another type inside",
    "SHAPE",
    "accepts",
    written((right) => canonicalBytes({ ...right, type: "authorization" })),
  ),
  manifest(
    "T29",
    "another version",
    "SHAPE",
    "accepts",
    written((right) => canonicalBytes({ ...right, version: 2 })),
  ),
  manifest(
    "T8",
    "no JSON at all",
    "JSON",
    "accepts",
    written(() => utf8("sealed")),
  ),
];

const keys: readonly Mutant[] = [
  manifest("T11", "signed by the sealing key", "PATH-USAGE", "accepts", () => ({ auditor: sealing })),
  manifest("T11", "signed under another root", "PATH-ROOT", "refuses", () => ({
    auditor: issue(makeRoot({ name: "Other" }), { name: "Audit", eku: [oids.audit] }),
  })),
  manifest("T11", "signed by an audit key that the policy does not name", "MANIFEST-BIND", "accepts", () => ({
    auditor: issue(issuer, { name: "Audit", eku: [oids.audit] }),
  })),
  manifest("T11", "signed by a certificate that had expired", "PATH-TIME", "refuses", () => ({
    auditor: issue(issuer, { name: "Audit", key: audit.key, eku: [oids.audit], notAfter: times.approval }),
  })),
  manifest("T11", "signed by a certificate that the policy revokes", "PATH-REVOKED", "accepts", () => ({
    policy: (policy) => ({ ...policy, revoked: [fingerprint(audit.certificate)] }),
  })),
];

const ids = {
  contentType: oid.contentType,
  messageDigest: oid.messageDigest,
  signingTime: oid.signingTime,
  signingCertificate: oid.signingCertificateV2,
  algorithmProtection: oid.algorithmProtection,
} as const;
type Name = keyof typeof ids;

/** The right manifest under a signature with other attributes (undefined: left out) or parts. */
const forging =
  (
    attributes: Readonly<Record<string, Uint8Array | undefined>>,
    parts: (content: Uint8Array) => Partial<Forged> = () => ({}),
  ) =>
  (): Change => ({
    after: ({ files, manifest: right }) => {
      const content = canonicalBytes(right as Json);
      const values: Record<Name, Uint8Array> = {
        contentType: objectIdentifier(oids.manifest),
        messageDigest: octetString(sha256(content)),
        signingTime: time(right.created),
        signingCertificate: boundTo(audit.certificate),
        algorithmProtection: algorithmProtection(audit.suite),
      };
      const usual = Object.fromEntries(
        Object.entries(ids).map(([name, id]) => [name, attribute(id, values[name as Name])]),
      );
      const all = Object.values({ ...usual, ...attributes }).filter((one) => one !== undefined);
      const common = { signer: audit, contentType: oids.manifest, content: octetString(content), document: content };
      const certificates = inOrder([audit.certificate, issuer.certificate]);
      files.set(file, forge({ ...common, attributes: inOrder(all), certificates, ...parts(content) }).file);
    },
  });

const form: readonly Mutant[] = [
  manifest("T8", "contentType missing", "CMS-ATTRIBUTES", "refuses", forging({ contentType: undefined })),
  manifest("T8", "messageDigest missing", "CMS-ATTRIBUTES", "refuses", forging({ messageDigest: undefined })),
  manifest("T8", "signingTime missing", "CMS-ATTRIBUTES", "accepts", forging({ signingTime: undefined })),
  manifest("T8", "signingCertificate missing", "CMS-ATTRIBUTES", "refuses", forging({ signingCertificate: undefined })),
  manifest(
    "T8",
    "algorithmProtection missing",
    "CMS-ATTRIBUTES",
    "accepts",
    forging({ algorithmProtection: undefined }),
  ),
  manifest(
    "T8",
    "a signed attribute that nobody knows",
    "CMS-ATTRIBUTES",
    "accepts",
    forging({ more: attribute(`${oids.arc}.99`, integer(1)) }),
  ),
  manifest(
    "T8",
    "a seal's mode among its signed attributes",
    "CMS-ATTRIBUTES",
    "accepts",
    forging({ more: attribute(oids.mode, integer(1)) }),
  ),
  manifest(
    "T8",
    "contentType of an authorisation inside",
    "CMS-TYPE",
    "accepts",
    forging({ contentType: attribute(oid.contentType, objectIdentifier(oids.authorization)) }),
  ),
  manifest(
    "T12",
    "signingCertificate of the sealing certificate",
    "CMS-CERTIFICATE",
    "refuses",
    forging({ signingCertificate: attribute(oid.signingCertificateV2, boundTo(sealing.certificate)) }),
  ),
  manifest(
    "T8",
    "messageDigest of other content",
    "CMS-DIGEST",
    "refuses",
    forging({ messageDigest: attribute(oid.messageDigest, octetString(sha256(utf8("other")))) }),
  ),
  manifest(
    "T8",
    "no signed attributes",
    "CMS-ATTRIBUTES",
    "accepts",
    forging({}, () => ({ attributes: null })),
  ),
  manifest(
    "T7",
    "an unsigned attribute",
    "CMS-ATTRIBUTES",
    "accepts",
    forging({}, () => ({ unsigned: [attribute("1.2.3", integer(1))] })),
  ),
  manifest(
    "T8",
    "content outside the file",
    "JSON",
    "refuses",
    forging({}, () => ({ content: undefined })),
  ),
  manifest(
    "T8",
    "declared an authorisation",
    "CMS-TYPE",
    "accepts",
    forging({ contentType: attribute(oid.contentType, objectIdentifier(oids.authorization)) }, () => ({
      contentType: oids.authorization,
    })),
  ),
  manifest(
    "T12",
    "with a certificate that has nothing to do with it",
    "CMS-CERTIFICATE",
    "accepts",
    forging({}, () => ({ certificates: inOrder([audit, issuer, submitter].map(({ certificate }) => certificate)) })),
  ),
  manifest(
    "T7",
    "signed by the sealing key as well",
    "CMS-SIGNERS",
    "accepts",
    forging({}, (content) => ({
      certificates: inOrder([audit, issuer, sealing].map(({ certificate }) => certificate)),
      signers: (info) => setOf(info, sealersOn(content)),
    })),
  ),
  manifest("T6", "a byte after its end", "DER", "accepts", () => ({
    after: ({ files }) => {
      files.set(file, Uint8Array.of(...(files.get(file) as Uint8Array), 0));
    },
  })),
];

/** The sealing key's own right SignerInfo over a manifest. */
function sealersOn(content: Uint8Array): Uint8Array {
  const attributes = inOrder([
    attribute(oid.contentType, objectIdentifier(oids.manifest)),
    attribute(oid.messageDigest, octetString(sha256(content))),
    attribute(oid.signingTime, time(times.manifest)),
    attribute(oid.signingCertificateV2, boundTo(sealing.certificate)),
    attribute(oid.algorithmProtection, algorithmProtection(sealing.suite)),
  ]);
  return forge({ signer: sealing, contentType: oids.manifest, content: undefined, document: content, attributes }).info;
}

/** A file of another batch of the same box in place of this one's. */
const ofAnother = (path: string, title: string, ours: Mutant["ours"], blamed = path, asked = path): Mutant => ({
  title: `bundle: ${title}`,
  threat: "T16",
  ours,
  openssl: "accepts",
  file: blamed,
  asked,
  make: () => ({
    after: async ({ files }) => {
      const { files: others } = await another(path === "policy/0001.p7m");
      files.set(path, others.get(path) as Uint8Array);
    },
  }),
});

const held = new Map<boolean, Promise<Bundle>>();
/** Another batch of the same box, under the same policy or under another one. */
function another(underAnother: boolean): Promise<Bundle> {
  const made =
    held.get(underAnother) ??
    buildBundle({
      documents: { "a.pdf": "another" },
      head: (head) => ({ ...head, batch: "another" }),
      policy: (policy) => (underAnother ? { ...policy, revoked: [other] } : policy),
    });
  held.set(underAnother, made);
  return made;
}

type Lines = NonNullable<Change["lines"]>;
const three = { "a.pdf": "one", "b.pdf": "two", "c.pdf": "three" };
const list = (title: string, ours: Mutant["ours"], make: Mutant["make"], blamed = "documents.jsonl"): Mutant => ({
  title: `bundle: ${title}`,
  threat: "CHAIN",
  ours,
  openssl: "accepts",
  file: blamed,
  asked: file,
  make,
});
/** The list changed after the manifest was signed, or before it. */
const later = (lines: Lines) => (): Change => ({
  documents: three,
  after: ({ files }) => {
    files.set("documents.jsonl", concat(lines(linesOf(files.get("documents.jsonl") as Uint8Array))));
  },
});
const signedSo = (lines: Lines) => (): Change => ({ documents: three, lines });

const swap: Lines = ([a, b, ...rest]) => [b, a, ...rest] as Uint8Array[];
const cut: Lines = (lines) => lines.slice(0, -1);
const double: Lines = ([a, ...rest]) => [a, a, ...rest] as Uint8Array[];
/** Lines in another order, numbered anew, so that the list by itself is in order. */
const renumbered: Lines = (lines) =>
  swap(lines).map((line, at) => {
    const entry = JSON.parse(new TextDecoder().decode(line)) as SealedDocument;
    return listLine({ ...entry, index: at + 1, seal: sealPath(at + 1, entry.name) });
  });

const mixes: readonly Mutant[] = [
  ofAnother("manifest.p7m", "another batch's manifest", "MANIFEST-BIND", "batch.p7m"),
  ofAnother("authorization.p7m", "another batch's authorisation", "MANIFEST-BIND"),
  ofAnother("batch.p7m", "another batch's request", "MANIFEST-BIND"),
  { ...ofAnother("policy/0001.p7m", "another policy of the same people", "POLICY-CHAIN"), also: ["POLICY-DIGEST"] },
  ofAnother("documents.jsonl", "another batch's list", "MANIFEST-BIND", "documents.jsonl", file),
  { ...ofAnother(sealFile, "another batch's seal of another document", "SEAL-BIND"), openssl: "refuses" },
  list("lines of documents.jsonl swapped", "SHAPE", later(swap)),
  list("a line of documents.jsonl removed", "MANIFEST-BIND", later(cut)),
  list("a line of documents.jsonl doubled", "SHAPE", later(double)),
  list("lines swapped and numbered anew", "MANIFEST-BIND", later(renumbered)),
  list("lines swapped, and the manifest signed over it", "SHAPE", signedSo(swap)),
  list("a line removed, and the manifest signed over it", "HONEST", signedSo(cut), file),
  list("a line doubled, and the manifest signed over it", "SHAPE", signedSo(double)),
  list("lines swapped, numbered anew, and the manifest signed over it", "SEAL-BIND", signedSo(renumbered)),
];

function linesOf(bytes: Uint8Array): readonly Uint8Array[] {
  return new TextDecoder()
    .decode(bytes)
    .split(/(?<=\n)/)
    .map(utf8);
}

export const manifestMutants: readonly Mutant[] = [...facts, ...shapes, ...keys, ...form, ...mixes];
