/** The audit manifest: what the box did with one authorised batch (docs/formats.md, "manifest.p7m"). */

import { readAttestation } from "../attest/attestation.ts";
import { suiteNames } from "../cms/suite.ts";
import { canonicalBytes, type Json, readCanonical } from "../encoding/canonical-json.ts";
import {
  anyObject,
  hexText,
  integer,
  list,
  literal,
  nullable,
  object,
  oneOf,
  optional,
  type Read,
  type Reader,
  text,
  utc,
} from "../encoding/shape.ts";
import type { BatchHead } from "./batch-head.ts";
import { readEmergencyPart } from "./emergency.ts";
import { hashNames, modes } from "./request.ts";
import { readRevocationPart } from "./revocation-part.ts";

/** At most so many earlier seals are named one by one; `earlierCount` always counts them all. */
export const earlierNamed = 1000;

/** A submitter's subject as a manifest can carry it. */
export const readSubmitterName = text(500);

const ofEveryRequest = {
  /** the batch digest */
  digest: hexText(),
  /** SHA-256 of batch.p7m; of plain envelopes that of their list */
  file: hexText(),
  /** SEAL-ONCE identity: submitter key, batch id, ordered digests and sizes */
  identity: hexText(),
  submitter: object({ certificate: hexText(), key: hexText(), name: readSubmitterName }),
};

const readSignedPart = object({
  ...ofEveryRequest,
  batch: text(64),
  expires: utc,
  kind: literal("signed-request"),
  purpose: text(200),
});

/** HONEST: the submitter signed each document; what they are together, and called, is the box's own record of what it was told. */
const readPlainPart = object({
  ...ofEveryRequest,
  composition: literal("signed by nobody"),
  kind: literal("plain-envelopes"),
  namesAndSizes: literal("as intake reported them"),
});

export type RequestPart = Read<typeof readSignedPart> | Read<typeof readPlainPart>;

const readRequestPart: Reader<RequestPart> = (value, path) => {
  const isPlain = typeof value === "object" && value !== null && "kind" in value && value.kind === "plain-envelopes";
  return isPlain ? readPlainPart(value, path) : readSignedPart(value, path);
};

/** What a manifest says of a request or of plain envelopes with this head. */
export function requestPart(
  head: BatchHead,
  common: Pick<RequestPart, "digest" | "file" | "identity" | "submitter">,
): RequestPart {
  if (head.type === "batch-request") {
    const { batch, expires, purpose } = head;
    return { ...common, batch, expires, kind: "signed-request", purpose };
  }
  const namesAndSizes = "as intake reported them";
  return { ...common, composition: "signed by nobody", kind: "plain-envelopes", namesAndSizes };
}

const readManifestValue = object({
  /** the last checkpoint of the policy's ledger that the box took, and the highest manifest that was acknowledged by then; left out before the first */
  acknowledged: optional(object({ number: integer(0), root: hexText(), size: integer(1) })),
  appliance: text(64),
  /** of the kind that its label says; left out where that is `none` */
  attestation: optional(readAttestation),
  authorization: object({
    approvers: list(object({ certificate: hexText(), name: text(100), person: text(32), signed: utc }), 1, 64),
    /** SHA-256 of the eContent, the challenge */
    digest: hexText(),
    /** SHA-256 of authorization.p7m */
    file: hexText(),
    nonce: hexText(),
  }),
  clock: object({
    claimedErrorSeconds: integer(0),
    lastSet: utc,
    source: text(100),
  }),
  counter: oneOf(["software", "hardware"]),
  created: utc,
  documents: object({
    bytes: integer(0),
    count: integer(1),
    /** SHA-256 of documents.jsonl */
    digest: hexText(),
    digestAlgorithm: oneOf(hashNames),
    earlier: list(object({ earlierIndex: integer(1), earlierNumber: integer(1), index: integer(1) }), 0, earlierNamed),
    earlierCount: integer(0),
    /** RFC 9162 Merkle tree root over the lines of documents.jsonl; that of the empty tree when none was sealed */
    root: hexText(),
    /** how many seals were made; less than `count` only when aborted */
    sealed: integer(0),
  }),
  /** only in mode emergency: by whose word, since when, and under which text */
  emergency: optional(readEmergencyPart),
  journal: object({ head: hexText(), sequence: integer(1) }),
  keys: object({
    audit: object({ certificate: hexText(), key: hexText() }),
    sealing: object({ certificate: hexText(), key: hexText(), token: text(64) }),
  }),
  labels: object({
    attestation: oneOf(["none", "self-reported", "tpm"]),
    hsm: oneOf(["software-token", "hardware", "unknown"]),
    isolation: oneOf(["none", "users", "units"]),
    media: oneOf(["folder", "mount"]),
    network: oneOf(["absent", "present-recorded"]),
    time: literal("local, not anchored"),
  }),
  mode: oneOf(modes),
  number: integer(1),
  outcome: oneOf(["sealed", "aborted"]),
  policy: object({
    /** only of a batch that was aborted after another policy came into force: the one that approvals, seals and profile are judged by */
    approvedUnder: optional(object({ digest: hexText(), number: integer(1) })),
    digest: hexText(),
    genesis: hexText(),
    number: integer(1),
    /** break glass: numbers of policies that recovery holders signed in the place of a quorum; left out where there are none */
    recovered: optional(list(integer(2), 1, 1000)),
  }),
  /** SHA-256 of the previous manifest's content; of the genesis policy's for number 1 */
  previous: hexText(),
  profile: object({ level: literal("CAdES-B-B"), suite: oneOf(suiteNames) }),
  /** why it was aborted, and by whom; null when sealed */
  reason: nullable(text(600)),
  /** facts that only the daemon or intake knows; unchecked by the signer */
  reported: anyObject,
  request: readRequestPart,
  /** of a sealed batch, where the policy asks for revocation data that came in on media */
  revocation: optional(readRevocationPart),
  software: object({ digest: hexText(), name: literal("coldseal"), version: text(32) }),
  /** of a sealed batch, where the policy names a `time` key: the box's own time-stamp; `file`: SHA-256 of local-time.tst */
  time: optional(object({ certificate: hexText(), file: hexText(), key: hexText() })),
  type: literal("manifest"),
  version: literal(1),
});

export type Manifest = Read<typeof readManifestValue>;

/** Reads a manifest's canonical JSON. Refuses with JSON or SHAPE. */
export function readManifest(content: Uint8Array): Manifest {
  return readManifestValue(readCanonical(content), "manifest");
}

/** The canonical bytes of a manifest, read back before they are given out, so that nothing is signed that cannot be read. */
export function manifestBytes(manifest: Manifest): Uint8Array {
  const bytes = canonicalBytes(manifest as Json);
  readManifest(bytes);
  return bytes;
}
