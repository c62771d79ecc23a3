/** Authorisations that are no quorum's, or of something else (QUORUM, T7, T8, T11, T12, T15, T16). */

import { createPrivateKey } from "node:crypto";
import { sha256 } from "../../../host/crypto-host.ts";
import { readSignedData } from "../../../manifests/cms/read.ts";
import type { SigningKey } from "../../../manifests/cms/sign.ts";
import { algorithmProtection, signedData } from "../../../manifests/cms/write.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { canonicalBytes, type Json } from "../../../manifests/encoding/canonical-json.ts";
import { integer, objectIdentifier, octetString, sequence, time } from "../../../manifests/encoding/der-write.ts";
import { oid } from "../../../manifests/encoding/oid.ts";
import { type Challenge, dissentBytes } from "../../../manifests/records/decision.ts";
import { excludedRoles, type Policy, type Role } from "../../../manifests/records/policy.ts";
import { attribute, type Forged, forge, inOrder } from "../../bundle/forge.ts";
import { keeper, oids, op1, op2, op3, people, root, stranger } from "../../bundle/people.ts";
import { signedBy, times } from "../../bundle/signed.ts";
import { fingerprint, type Issued, issue, type Wanted } from "../../pki/authority.ts";
import type { Change, Mutant } from "./mutant.ts";
import { halves, orderOfP256 } from "./odd-signatures.ts";
import { boundTo } from "./seal-forge.ts";

const file = "authorization.p7m";
const authorization = (
  threat: string,
  title: string,
  ours: Mutant["ours"],
  openssl: Mutant["openssl"],
  make: Mutant["make"],
  blamed = file,
): Mutant => ({ title: `authorisation: ${title}`, threat, ours, openssl, file: blamed, asked: file, make });

/** A box whose policy has other certificates or roles for a person; that person's token signs the genesis as well. */
function person(id: "op1" | "op2", certificates: readonly Issued[], roles?: readonly Role[]): Change {
  const held = certificates.map(({ certificate }) => certificate);
  const changed = people.map((one) =>
    one.id === id ? { ...one, certificates: held, roles: roles ?? one.roles } : one,
  );
  const [first] = certificates as readonly [Issued];
  return {
    policy: (policy: Policy) => ({ ...policy, people: changed }),
    founders: id === "op1" ? [first, op2, op3] : [op1, first, op3],
  };
}

const operator = { eku: [oids.operator] };
const second = issue(root, { name: "op1, second token", ...operator });
const renewed = issue(root, { name: "op1 again", key: op1.key, ...operator });
const negative = issue(root, { name: "op2", key: negativeOf(op1), ...operator });
const compressed = issue(root, { name: "op2", key: op1.key, spki: compress(op1.spki), ...operator });
const malleated: Issued = {
  ...op1,
  signingKey: {
    ...op1.signingKey,
    sign: async (message) => malleate(await op1.signingKey.sign(message)),
  } satisfies SigningKey,
};

const by =
  (...approvers: readonly Issued[]) =>
  () => ({ approvers });
/** op1 and someone with this certificate in op2's place. */
const asOp2 = (wanted: Partial<Wanted>) => () => {
  const other = issue(root, { name: "op2", ...operator, ...wanted });
  return { ...person("op2", [other]), approvers: [op1, other] };
};
const withRoles =
  (...roles: readonly Role[]) =>
  () =>
    person("op2", [op2], roles);

const whoMayNot: readonly Mutant[] = [
  authorization("QUORUM", "one operator alone", "QUORUM", "accepts", by(op1)),
  authorization("T15", "one person with two tokens", "PERSON-TWICE", "accepts", () => ({
    ...person("op1", [op1, second]),
    approvers: [op1, second],
  })),
  authorization("T15", "one key in two certificates of one person", "PERSON-TWICE", "accepts", () => ({
    ...person("op1", [op1, renewed]),
    approvers: [op1, renewed],
  })),
  authorization(
    "T15",
    "one key in certificates of two persons",
    "PERSON-TWICE",
    "accepts",
    () => ({ ...person("op2", [renewed]), approvers: [op1, renewed] }),
    "policy/0001.p7m",
  ),
  authorization(
    "T15",
    "one key and its negative as two persons'",
    "PERSON-TWICE",
    "accepts",
    () => ({ ...person("op2", [negative]), approvers: [op1, negative] }),
    "policy/0001.p7m",
  ),
  authorization(
    "T15",
    "one key in another encoding as another person's",
    "PATH-KEY",
    "accepts",
    () => ({ ...person("op2", [compressed]), approvers: [op1, compressed] }),
    "policy/0001.p7m",
  ),
  authorization(
    "T15",
    "a renewed certificate that the policy does not name",
    "PERSON-UNKNOWN",
    "accepts",
    by(op1, renewed),
  ),
  authorization("T15", "one person's signature and its malleated twin", "PERSON-TWICE", "accepts", by(op1, malleated)),
  authorization("T7", "a stranger in place of an operator", "PERSON-UNKNOWN", "accepts", by(op1, stranger)),
  authorization("T7", "a stranger beside a full quorum", "PERSON-UNKNOWN", "accepts", by(op1, op2, stranger)),
  authorization("QUORUM", "the keeper as approver", "PERSON-EXCLUDED", "accepts", by(op1, keeper)),
  ...excludedRoles.map((role) =>
    authorization(
      "QUORUM",
      `an operator who is ${role} as well`,
      "PERSON-EXCLUDED",
      "accepts",
      withRoles("operator", "officer", role),
    ),
  ),
  authorization("QUORUM", "an officer who is no operator", "PERSON-ROLE", "accepts", withRoles("officer")),
  authorization("T11", "a certificate that the policy revokes", "PATH-REVOKED", "accepts", () => ({
    policy: (policy) => ({ ...policy, revoked: [fingerprint(op2.certificate)] }),
  })),
  authorization("T11", "a certificate that had expired", "PATH-TIME", "refuses", asOp2({ notAfter: times.request })),
  authorization(
    "T11",
    "a certificate that was not valid yet",
    "PATH-TIME",
    "accepts",
    asOp2({ notBefore: times.sealing }),
  ),
  authorization("T11", "a certificate for another use", "PATH-USAGE", "accepts", asOp2({ eku: [oids.submitter] })),
  authorization("T11", "a certificate without key usage", "PATH-USAGE", "accepts", asOp2({ keyUsage: null })),
  authorization(
    "T11",
    "a CA as approver",
    "PATH-USAGE",
    "accepts",
    asOp2({ ca: true, keyUsage: ["digitalSignature", "keyCertSign"] }),
  ),
  authorization(
    "T9",
    "RSA-2048 where the policy asks for 3072",
    "PATH-KEY",
    "accepts",
    asOp2({ suite: "rsa-pkcs1-sha256", rsaBits: 2048 }),
  ),
];

const approved = (change: Partial<Challenge>) => () => ({
  challenge: (challenge: Challenge) => ({ ...challenge, ...change }),
});
/** Other JSON than the challenge's type allows, signed by both operators; the manifest says what it should have been. */
const written = (change: (challenge: Record<string, Json>) => Uint8Array) => () => ({
  authorization: (content: Uint8Array) =>
    signedBy([op1, op2], oids.authorization, change(JSON.parse(new TextDecoder().decode(content)))),
});
const member = (change: Record<string, Json>) => written((challenge) => canonicalBytes({ ...challenge, ...change }));
const members = [
  "appliance",
  "batchDigest",
  "bytes",
  "count",
  "expires",
  "mode",
  "nonce",
  "policyDigest",
  "type",
  "version",
];

const afterwards = "2026-11-20T12:00:06Z"; // the manifest is a second older

const whatWasNot: readonly Mutant[] = [
  authorization("T16", "of another appliance", "CHALLENGE-MATCH", "accepts", approved({ appliance: "box-2" })),
  authorization("T16", "of another batch", "CHALLENGE-MATCH", "accepts", approved({ batchDigest: "11".repeat(32) })),
  authorization("T16", "of another sum of sizes", "CHALLENGE-MATCH", "accepts", approved({ bytes: 1 })),
  authorization("T16", "of another count", "CHALLENGE-MATCH", "accepts", approved({ count: 2 })),
  authorization(
    "T16",
    "expired when it was given",
    "CHALLENGE-EXPIRED",
    "accepts",
    approved({ expires: times.request }),
  ),
  authorization("T16", "of another mode", "CHALLENGE-MATCH", "accepts", approved({ mode: "emergency" })),
  authorization(
    "T16",
    "under another nonce than the manifest's",
    "MANIFEST-BIND",
    "accepts",
    member({ nonce: "11".repeat(32) }),
    "manifest.p7m",
  ),
  authorization("T16", "under another policy", "POLICY-DIGEST", "accepts", approved({ policyDigest: "11".repeat(32) })),
  authorization("T16", "of another type inside", "SHAPE", "accepts", member({ type: "rejection" })),
  authorization("T16", "of another version", "SHAPE", "accepts", member({ version: 2 })),
  ...members.map((name) =>
    authorization(
      "T16",
      `without its ${name}`,
      "SHAPE",
      "accepts",
      written(({ [name]: _, ...rest }) => canonicalBytes(rest)),
    ),
  ),
  authorization("T29", "with a member that nobody knows", "SHAPE", "accepts", member({ reason: "why not" })),
  authorization(
    "T29",
    "with a space in its JSON",
    "JSON",
    "accepts",
    written((challenge) => utf8(JSON.stringify(challenge).replace(":", ": "))),
  ),
  authorization(
    "T29",
    "with a member twice",
    "JSON",
    "accepts",
    written((challenge) => utf8(JSON.stringify(challenge).replace("{", '{"appliance":"box-1",'))),
  ),
  authorization("T16", "a rejection in its place", "CMS-TYPE", "accepts", () => ({
    authorization: (content) =>
      signedBy(
        [op1, op2],
        oids.rejection,
        dissentBytes(JSON.parse(new TextDecoder().decode(content)), "rejection", "no"),
      ),
  })),
  authorization("T8", "the right bytes signed as a batch request", "CMS-TYPE", "accepts", () => ({
    authorization: (content) => signedBy([op1, op2], oids.request, content),
  })),
  authorization(
    "CLOCK",
    "given after the manifest",
    "CLOCK",
    "accepts",
    () => ({
      authorization: (content) => signedBy([op1, op2], oids.authorization, content, afterwards),
      manifest: (right) => {
        const approvers = right.authorization.approvers.map((one) => ({ ...one, signed: afterwards }));
        return { ...right, authorization: { ...right.authorization, approvers } };
      },
    }),
    "manifest.p7m",
  ),
  authorization("T16", "given after the challenge expired", "CHALLENGE-EXPIRED", "accepts", () => ({
    authorization: (content) => signedBy([op1, op2], oids.authorization, content, "2026-11-21T10:00:01Z"),
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

/** op1's right approval and op2's with other attributes (undefined: left out) or parts. */
const forging =
  (attributes: Partial<Record<string, Uint8Array | undefined>>, parts: Partial<Forged> = {}) =>
  () => ({
    authorization: async (content: Uint8Array) => {
      const values: Record<Name, Uint8Array> = {
        contentType: objectIdentifier(oids.authorization),
        messageDigest: octetString(sha256(content)),
        signingTime: time(times.approval),
        signingCertificate: boundTo(op2.certificate),
        algorithmProtection: algorithmProtection(op2.suite),
      };
      const usual = Object.fromEntries(
        Object.entries(ids).map(([name, id]) => [name, attribute(id, values[name as Name])]),
      );
      const all = Object.values({ ...usual, ...attributes }).filter((one) => one !== undefined);
      const common = { signer: op2, contentType: oids.authorization, content: octetString(content), document: content };
      const { info } = forge({ ...common, attributes: inOrder(all), ...parts });
      const [first] = readSignedData(await signedBy([op1], oids.authorization, content)).signers;
      const certificates = [op1.certificate, op2.certificate];
      const signerInfos = [first?.der ?? new Uint8Array(0), info];
      return signedData({ eContentType: oids.authorization, content, certificates, signerInfos });
    },
  });

/** What the two right approvals become when they are put together otherwise. */
const assembled =
  (
    change: (parts: {
      content: Uint8Array;
      certificates: readonly Uint8Array[];
      signerInfos: readonly Uint8Array[];
    }) => object,
  ) =>
  () => ({
    authorization: async (content: Uint8Array) => {
      const { certificates, signers } = readSignedData(await signedBy([op1, op2], oids.authorization, content));
      const parts = { content, certificates, signerInfos: signers.map(({ der }) => der) };
      return signedData({ eContentType: oids.authorization, ...parts, ...change(parts) });
    },
  });

const howItStands: readonly Mutant[] = [
  authorization(
    "T8",
    "one approver's contentType missing",
    "CMS-ATTRIBUTES",
    "refuses",
    forging({ contentType: undefined }),
  ),
  authorization(
    "T8",
    "one approver's messageDigest missing",
    "CMS-ATTRIBUTES",
    "refuses",
    forging({ messageDigest: undefined }),
  ),
  authorization(
    "T8",
    "one approver's signingTime missing",
    "CMS-ATTRIBUTES",
    "accepts",
    forging({ signingTime: undefined }),
  ),
  authorization(
    "T8",
    "one approver's signingCertificate missing",
    "CMS-ATTRIBUTES",
    "refuses",
    forging({ signingCertificate: undefined }),
  ),
  authorization(
    "T8",
    "one approver's algorithmProtection missing, as other tools leave it out",
    "holds",
    "accepts",
    forging({ algorithmProtection: undefined }),
  ),
  authorization(
    "T8",
    "one approver's S/MIME capabilities, as other tools add them",
    "holds",
    "accepts",
    forging({ more: attribute("1.2.840.113549.1.9.15", sequence(sequence(objectIdentifier(oid.sha256)))) }),
  ),
  authorization(
    "T8",
    "one approver's contentType that of another record",
    "CMS-TYPE",
    "accepts",
    forging({ contentType: attribute(oid.contentType, objectIdentifier(oids.rejection)) }),
  ),
  authorization(
    "T8",
    "one approver's messageDigest of other content",
    "CMS-DIGEST",
    "refuses",
    forging({ messageDigest: attribute(oid.messageDigest, octetString(sha256(utf8("other")))) }),
  ),
  authorization(
    "T12",
    "one approver's signature bound to another's certificate",
    "CMS-CERTIFICATE",
    "refuses",
    forging({ signingCertificate: attribute(oid.signingCertificateV2, boundTo(op1.certificate)) }),
  ),
  authorization(
    "T8",
    "one approver's signed attributes missing",
    "CMS-ATTRIBUTES",
    "accepts",
    forging({}, { attributes: null }),
  ),
  authorization(
    "T7",
    "an unsigned attribute beside one approver's",
    "CMS-ATTRIBUTES",
    "accepts",
    forging({}, { unsigned: [attribute("1.2.3", integer(1))] }),
  ),
  authorization(
    "T10",
    "one approver's signature of zeros",
    "CMS-SIGNATURE",
    "refuses",
    forging({}, { signatureValue: sequence(integer(0), integer(0)) }),
  ),
  authorization(
    "T8",
    "other content under the right signatures",
    "CMS-DIGEST",
    "refuses",
    assembled(({ content }) => ({
      content: utf8(new TextDecoder().decode(content).replace('"count":1', '"count":2')),
    })),
  ),
  authorization(
    "T7",
    "a certificate without its signature",
    "CMS-CERTIFICATE",
    "accepts",
    assembled(({ certificates }) => ({ certificates: [...certificates, op3.certificate] })),
  ),
  authorization(
    "T12",
    "a signature without its certificate",
    "CMS-CERTIFICATE",
    "refuses",
    assembled(({ certificates }) => ({ certificates: certificates.slice(1) })),
  ),
  authorization("T6", "a byte after its end", "DER", "accepts", () => ({
    authorization: async (content) => Uint8Array.of(...(await signedBy([op1, op2], oids.authorization, content)), 0),
  })),
];

export const authorizationMutants: readonly Mutant[] = [...whoMayNot, ...whatWasNot, ...howItStands];

function malleate(der: Uint8Array): Uint8Array {
  const [r, s] = halves(der);
  return sequence(integer(r), integer(orderOfP256 - s));
}

/** The private key of the point with the same x. */
function negativeOf({ key }: Issued) {
  const jwk = key.export({ format: "jwk" });
  const number = (text: string | undefined) => BigInt(`0x${Buffer.from(text ?? "", "base64url").toString("hex")}`);
  const text = (value: bigint) => Buffer.from(value.toString(16).padStart(64, "0"), "hex").toString("base64url");
  const field = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
  return createPrivateKey({
    key: { ...jwk, d: text(orderOfP256 - number(jwk.d)), y: text(field - number(jwk.y)) },
    format: "jwk",
  });
}

/** A P-256 SubjectPublicKeyInfo with its point compressed. */
function compress(spki: Uint8Array): Uint8Array {
  const x = spki.subarray(27, 59);
  const even = ((spki.at(-1) as number) & 1) === 0;
  const algorithm = spki.subarray(2, 23);
  return Uint8Array.of(0x30, algorithm.length + 36, ...algorithm, 0x03, 34, 0, even ? 2 : 3, ...x);
}
