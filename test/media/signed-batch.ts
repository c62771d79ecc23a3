/** Batches on a stick in a temporary folder, signed by a throw-away submitter, and the policy that takes them. */

import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeHost } from "../../host/crypto-host.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { canonical, canonicalBytes } from "../../manifests/encoding/canonical-json.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { type Policy, policyJson, readPolicy } from "../../manifests/records/policy.ts";
import type { ListedDocument, RequestHead } from "../../manifests/records/request.ts";
import { type Issued, issue, makeRoot } from "../pki/authority.ts";

export const oids = ownOids(documentationArc);
export const now = "2026-11-23T12:00:00Z";

export const root: Issued = makeRoot({ name: "Submitters" });
export const submitter: Issued = issue(root, { name: "Contracts desk", eku: [oids.submitter] });

export const policy: Policy = readPolicy(utf8(policyText({})));

/** Canonical text of a policy under which `submitter` may bring batches; `limits` as given. */
export function policyText(limits: Partial<Policy["limits"]>): string {
  const key = submitter.spki;
  return canonical(
    policyJson({
      appliance: "box-1",
      arc: documentationArc,
      clock: { driftPpm: 50, maximumErrorSeconds: 60 },
      keys: { audit: key, sealing: key },
      limits: {
        approvalSeconds: 3600,
        batchBytes: 2 ** 33,
        documentBytes: 2 ** 32,
        documents: 100_000,
        minimumRsaBits: 3072,
        ...limits,
      },
      modes: ["test"],
      network: "recorded",
      number: 1,
      people: [{ id: "op1", name: "Operator 1", roles: ["operator"], certificates: [] }],
      previous: null,
      profile: { digest: "sha256", level: "CAdES-B-B", suite: "ecdsa-p256-sha256" },
      revoked: [],
      submitters: { plainEnvelopes: false, roots: [root.certificate] },
      texts: { approval: "I checked origin, list and digest." },
      thresholds: { policy: 1, seal: 1 },
      type: "policy",
      version: 1,
    }),
  );
}

export interface Made {
  /** the stick's folder */
  readonly stick: string;
  /** `coldseal/inbox/FOLDER` on it */
  readonly folder: string;
  readonly content: Uint8Array;
  readonly p7m: Uint8Array;
}

export type Contents = Readonly<Record<string, string | Uint8Array>>;

/** Writes a whole batch with these documents to a stick. `head` and `listed` override what is asked for. */
export async function makeBatch(
  stick: string,
  documents: Contents,
  options: {
    readonly folder?: string;
    readonly head?: Partial<RequestHead>;
    readonly listed?: (list: ListedDocument[]) => ListedDocument[];
    readonly signer?: Issued;
    readonly eContentType?: string;
  } = {},
): Promise<Made> {
  const folder = join(stick, "coldseal/inbox", options.folder ?? "batch-1");
  mkdirSync(join(folder, "documents"), { recursive: true });
  const list = Object.entries(documents).map(([name, value]) => {
    writeFileSync(join(folder, "documents", name), value);
    return listed(name, value);
  });
  const content = request(options.listed?.(list) ?? list, options.head);
  const p7m = await sign(content, options.signer, options.eContentType);
  writeFileSync(join(folder, "batch.p7m"), p7m);
  return { stick, folder, content, p7m };
}

export function listed(name: string, value: string | Uint8Array): ListedDocument {
  const bytes = Buffer.from(value);
  return { digest: createHash("sha256").update(bytes).digest("hex"), name, size: bytes.length };
}

/** Canonical bytes of a request, however wrong its list may be. */
export function request(list: Iterable<ListedDocument>, head: Partial<RequestHead> = {}): Uint8Array {
  const whole: RequestHead = {
    batch: "2026-11-23-contracts",
    digestAlgorithm: "sha256",
    expires: "2026-11-24T18:00:00Z",
    mode: "test",
    purpose: "Q4 supplier contracts",
    type: "batch-request",
    version: 1,
    ...head,
  };
  return canonicalBytes({ ...whole, documents: [...list] });
}

export function sign(content: Uint8Array, signer = submitter, eContentType = oids.request): Promise<Uint8Array> {
  return signContent(nodeHost, signer.signingKey, { eContentType, content, signingTime: "2026-11-23T11:00:00Z" });
}
