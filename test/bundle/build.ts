/** A complete bundle, `outbox/BATCH`, in memory: valid as it comes, wrong where a test or a drill changes one step. */

import { digestOf, nodeHost, sha256 } from "../../host/crypto-host.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import { concat, hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { type Challenge, challengeBytes } from "../../manifests/records/decision.ts";
import { type Manifest, manifestBytes } from "../../manifests/records/manifest.ts";
import { certificatePath, policyPath } from "../../manifests/records/names.ts";
import type { Policy } from "../../manifests/records/policy.ts";
import type { ListedDocument, Mode, RequestHead } from "../../manifests/records/request.ts";
import { identityHasher, requestBytes } from "../../manifests/records/request-stream.ts";
import type { SealFacts } from "../../manifests/records/seal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import type { Issued } from "../pki/authority.ts";
import { audit, issuer, oids, op1, op2, operators, people, root, sealing, submitter } from "./people.ts";
import { type Sealed, sealAll } from "./seal-all.ts";
import { makePolicy, policyBytes, signedBy, times } from "./signed.ts";

/** Steps that a test may change; each gets what would be there otherwise. */
export interface BundleChanges {
  readonly documents?: Readonly<Record<string, string | Uint8Array>>;
  readonly policy?: (policy: Policy) => Policy;
  readonly head?: (head: RequestHead) => RequestHead;
  readonly approvers?: readonly Issued[];
  /** who signs the genesis policy; those of the three operators whom it names unless said */
  readonly founders?: readonly Issued[];
  readonly challenge?: (challenge: Challenge) => Challenge;
  readonly manifest?: (manifest: Manifest) => Manifest;
  readonly auditor?: Issued;
  /** who signs the request */
  readonly submitter?: Issued;
  readonly sealer?: Issued;
  /** aborted after so many documents */
  readonly abortedAfter?: number;
  /** what stands in place of each seal; documents.jsonl lists the SignerInfo that it names */
  readonly seal?: (facts: SealFacts, sealer: Issued, document: Uint8Array) => MadeSeal | Promise<MadeSeal>;
  /** what stands in place of authorization.p7m; the manifest names its digest */
  readonly authorization?: (content: Uint8Array) => Uint8Array | Promise<Uint8Array>;
  /** what seals say; test unless said */
  readonly sealMode?: Mode;
  /** of documents.jsonl, LF included; the manifest names what comes out, and its count */
  readonly lines?: (lines: readonly Uint8Array[]) => readonly Uint8Array[];
}

export interface MadeSeal {
  readonly file: Uint8Array;
  readonly info: Uint8Array;
}

export interface Bundle {
  /** by path below `outbox/BATCH` */
  readonly files: Map<string, Uint8Array>;
  /** by name */
  readonly documents: Map<string, Uint8Array>;
  readonly roots: readonly Uint8Array[];
  /** hex */
  readonly genesis: string;
  readonly manifest: Manifest;
  readonly policy: Policy;
  readonly challenge: Challenge;
}

const usualDocuments = { "contract 0113.pdf": "%PDF-1.7 one", "Übersicht.pdf": "two", "empty.bin": new Uint8Array(0) };

/** Builds a bundle with manifest number 1. */
export async function buildBundle(changes: BundleChanges = {}): Promise<Bundle> {
  const documents = new Map(
    Object.entries(changes.documents ?? usualDocuments).map(([name, content]) => [
      name,
      typeof content === "string" ? utf8(content) : content,
    ]),
  );
  const files = new Map<string, Uint8Array>();
  const policy = (changes.policy ?? same)(makePolicy());
  const policyContent = policyBytes(policy);
  const named = operators.filter(({ certificate }) =>
    policy.people.some((one) => one.certificates.includes(certificate)),
  );
  const founders = changes.founders ?? named;
  files.set(policyPath(1), await signedBy(founders, oids.policy, policyContent, times.policy));

  const head = (changes.head ?? same)(usualHead);
  const listed = [...documents].map(([name, bytes]) => ({
    digest: hex(digestOf(head.digestAlgorithm, bytes)),
    name,
    size: bytes.length,
  }));
  const request = concat([...requestBytes(head, listed)]);
  const { signingKey } = changes.submitter ?? submitter;
  files.set(
    "batch.p7m",
    await signContent(nodeHost, signingKey, {
      eContentType: oids.request,
      content: request,
      signingTime: times.request,
    }),
  );

  const challenge = (changes.challenge ?? same)(challengeOf({ request, policyContent, listed, head }));
  const approvers = changes.approvers ?? [op1, op2];
  const approved = challengeBytes(challenge);
  const usual = await signedBy(approvers, oids.authorization, approved);
  files.set("authorization.p7m", (await changes.authorization?.(approved)) ?? usual);

  const sealed = await sealAll({ files, documents }, listed.slice(0, changes.abortedAfter ?? listed.length), changes);
  files.set(certificatePath("sealing", 1), (changes.sealer ?? sealing).certificate);
  files.set(certificatePath("sealing", 2), issuer.certificate);
  files.set(certificatePath("audit", 1), (changes.auditor ?? audit).certificate);
  files.set(certificatePath("audit", 2), issuer.certificate);

  const manifest = (changes.manifest ?? same)(
    await manifestOf({ files, policyContent, policy, head, request, listed, challenge, approvers, sealed }, changes),
  );
  files.set("manifest.p7m", await signManifest(manifest, changes.auditor ?? audit));
  const genesis = hex(sha256(policyContent));
  return { files, documents, roots: [root.certificate], genesis, manifest, policy, challenge };
}

export function signManifest(manifest: Manifest, by: Issued = audit): Promise<Uint8Array> {
  return signContent(nodeHost, by.signingKey, {
    eContentType: oids.manifest,
    content: manifestBytes(manifest),
    signingTime: manifest.created,
    extraCertificates: [issuer.certificate],
  });
}

const usualHead: RequestHead = {
  batch: "2026-11-23-contracts",
  digestAlgorithm: "sha256",
  expires: times.expires,
  mode: "test",
  purpose: "Q4 supplier contracts",
  type: "batch-request",
  version: 1,
};

interface Asked {
  readonly request: Uint8Array;
  readonly policyContent: Uint8Array;
  readonly listed: readonly ListedDocument[];
  readonly head: RequestHead;
}

export function challengeOf({ request, policyContent, listed, head }: Asked): Challenge {
  return {
    appliance: "box-1",
    batchDigest: hex(sha256(request)),
    bytes: sum(listed),
    count: listed.length,
    expires: times.expires,
    mode: head.mode,
    nonce: "5a".repeat(32),
    policyDigest: hex(sha256(policyContent)),
    type: "authorization",
    version: 1,
  };
}

interface Made extends Asked {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly policy: Policy;
  readonly challenge: Challenge;
  readonly approvers: readonly Issued[];
  readonly sealed: Sealed;
}

async function manifestOf(made: Made, changes: BundleChanges): Promise<Manifest> {
  const { files, policyContent, policy, head, request, listed, challenge, approvers, sealed } = made;
  const aborted = changes.abortedAfter !== undefined;
  const sealer = changes.sealer ?? sealing;
  const auditor = changes.auditor ?? audit;
  const by = changes.submitter ?? submitter;
  const policyDigest = hex(sha256(policyContent));
  return {
    appliance: "box-1",
    authorization: {
      approvers: approvers.map(approverOf),
      digest: hex(sha256(challengeBytes(challenge))),
      file: hex(sha256(fileOf(files, "authorization.p7m"))),
      nonce: challenge.nonce,
    },
    clock: { claimedErrorSeconds: 2, lastSet: times.policy, source: "test" },
    counter: "software",
    created: times.manifest,
    documents: {
      bytes: sum(listed),
      count: listed.length,
      digest: sealed.digest,
      digestAlgorithm: head.digestAlgorithm,
      earlier: [],
      earlierCount: 0,
      root: sealed.root,
      sealed: sealed.count,
    },
    journal: { head: "0a".repeat(32), sequence: 7 },
    keys: {
      audit: { certificate: hex(sha256(auditor.certificate)), key: hex(sha256(auditor.spki)) },
      sealing: { certificate: hex(sha256(sealer.certificate)), key: hex(sha256(sealer.spki)), token: "6f2c" },
    },
    labels: {
      attestation: "none",
      hsm: "software-token",
      isolation: "none",
      media: "folder",
      network: "absent",
      time: "local, not anchored",
    },
    mode: head.mode,
    number: 1,
    outcome: aborted ? "aborted" : "sealed",
    policy: { digest: policyDigest, genesis: policyDigest, number: 1 },
    previous: policyDigest,
    profile: { level: "CAdES-B-B", suite: policy.profile.suite },
    reason: aborted ? "op1: the wrong stick" : null,
    reported: {},
    request: {
      kind: "signed-request",
      batch: head.batch,
      digest: hex(sha256(request)),
      expires: head.expires,
      file: hex(sha256(fileOf(files, "batch.p7m"))),
      identity: await identityOf(listed, head, by),
      purpose: head.purpose,
      submitter: {
        certificate: hex(sha256(by.certificate)),
        key: hex(sha256(by.spki)),
        name: readCertificate(by.certificate).subjectText,
      },
    },
    software: { digest: "0b".repeat(32), name: "coldseal", version: "0.1.0" },
    type: "manifest",
    version: 1,
  };
}

function approverOf(issued: Issued): Manifest["authorization"]["approvers"][number] {
  const person = people.find(({ certificates }) => certificates.includes(issued.certificate));
  return {
    certificate: hex(sha256(issued.certificate)),
    name: person?.name ?? "nobody",
    person: person?.id ?? "nobody",
    signed: times.approval,
  };
}

async function identityOf(listed: readonly ListedDocument[], head: RequestHead, by: Issued): Promise<string> {
  const hasher = identityHasher(nodeHost, hex(sha256(by.spki)), head.batch);
  for (const document of listed) hasher.add(document);
  return hex(await hasher.end());
}

function sum(listed: readonly ListedDocument[]): number {
  return listed.reduce((total, { size }) => total + size, 0);
}

function fileOf(files: ReadonlyMap<string, Uint8Array>, path: string): Uint8Array {
  const bytes = files.get(path);
  if (!bytes) throw new Error(`the bundle lacks ${path}`);
  return bytes;
}

function same<T>(value: T): T {
  return value;
}
