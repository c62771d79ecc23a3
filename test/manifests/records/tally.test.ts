import { describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import type { SigningKey } from "../../../manifests/cms/sign.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import type { Utc } from "../../../manifests/encoding/shape.ts";
import { verifyAuthorization } from "../../../manifests/records/authorization.ts";
import { type Challenge, challengeBytes } from "../../../manifests/records/decision.ts";
import type { Policy, Role } from "../../../manifests/records/policy.ts";
import type { RefusalCode } from "../../../manifests/refusal.ts";
import { keeper, oids, op1, op2, op3, people, root, stranger } from "../../bundle/people.ts";
import { makePolicy, policyBytes, signedBy, times } from "../../bundle/signed.ts";
import { type Issued, issue } from "../../pki/authority.ts";

const policy = makePolicy();
const challenge: Challenge = {
  appliance: "box-1",
  batchDigest: "11".repeat(32),
  bytes: 10,
  count: 2,
  expires: times.expires,
  mode: "test",
  nonce: "5a".repeat(32),
  policyDigest: hex(sha256(policyBytes(policy))),
  type: "authorization",
  version: 1,
};

interface Trick {
  readonly signers: readonly Issued[];
  readonly policy?: Policy;
  /** what was approved, if not the challenge */
  readonly approved?: Challenge;
  /** the challenge that the box issued, if not the usual one */
  readonly issued?: Challenge;
  readonly now?: Utc;
  readonly signed?: Utc;
}

/** Judges an authorisation as the signer would; a trick's policy is the one in force and in the challenge unless it says otherwise. */
async function judge(trick: Trick) {
  const inForce = trick.policy ?? policy;
  const policyDigest = sha256(policyBytes(inForce));
  const issued = trick.issued ?? { ...challenge, policyDigest: hex(policyDigest) };
  const content = challengeBytes(trick.approved ?? issued);
  const p7m = await signedBy(trick.signers, oids.authorization, content, trick.signed);
  return verifyAuthorization(nodeHost, oids, p7m, {
    policy: inForce,
    policyDigest,
    challenge: issued,
    now: trick.now ?? "2026-11-20T11:30:00Z",
  });
}

const withOp2 = (certificates: readonly Uint8Array[], roles?: readonly Role[]): Policy => ({
  ...policy,
  people: people.map((one) => (one.id === "op2" ? { ...one, certificates, roles: roles ?? one.roles } : one)),
});
const operator = { eku: [oids.operator] };
/** The same key in a new certificate. */
const reissued = issue(root, { name: "op1 again", key: op1.key, ...operator });
const secondToken = issue(root, { name: "op1, second token", ...operator });
const withOp1 = (...more: Uint8Array[]): Policy => ({
  ...policy,
  people: people.map((one) => (one.id === "op1" ? { ...one, certificates: [op1.certificate, ...more] } : one)),
});
const old = issue(root, { name: "op2", notAfter: "2026-11-20T11:15:00Z", ...operator });
const early = issue(root, { name: "op2", notBefore: "2026-11-20T11:20:00Z", ...operator });
const wrongUsage = issue(root, { name: "op2", eku: [oids.submitter] });
const small = issue(root, { name: "op2", suite: "rsa-pkcs1-sha256", rsaBits: 2048, ...operator });

const tricks: readonly (readonly [string, RefusalCode, Trick])[] = [
  ["QUORUM: one operator alone", "QUORUM", { signers: [op1] }],
  [
    "T15: one person with two tokens",
    "PERSON-TWICE",
    {
      policy: withOp1(secondToken.certificate),
      signers: [op1, secondToken],
    },
  ],
  [
    "T15: one key in two certificates of one person",
    "PERSON-TWICE",
    {
      policy: withOp1(reissued.certificate),
      signers: [op1, reissued],
    },
  ],
  [
    "T15: one key in two certificates of two persons",
    "PERSON-TWICE",
    {
      policy: withOp2([reissued.certificate]),
      signers: [op1, reissued],
    },
  ],
  ["T15: a re-issued certificate that the policy does not name", "PERSON-UNKNOWN", { signers: [op1, reissued] }],
  [
    "T7: a signer whom the policy does not know, beside a full quorum",
    "PERSON-UNKNOWN",
    {
      signers: [op1, op2, stranger],
    },
  ],
  ["QUORUM: a role that may not approve", "PERSON-EXCLUDED", { signers: [op1, keeper] }],
  [
    "QUORUM: an operator who is also the auditor",
    "PERSON-EXCLUDED",
    {
      policy: withOp2([op2.certificate], ["operator", "auditor"]),
      signers: [op1, op2],
    },
  ],
  [
    "QUORUM: an officer who is no operator",
    "PERSON-ROLE",
    {
      policy: withOp2([op2.certificate], ["officer"]),
      signers: [op1, op2],
    },
  ],
  [
    "T11: a certificate that the policy revokes",
    "PATH-REVOKED",
    {
      policy: { ...policy, revoked: [hex(sha256(op2.certificate))] },
      signers: [op1, op2],
    },
  ],
  [
    "T11: a certificate that expired between approval and use",
    "PATH-TIME",
    {
      policy: withOp2([old.certificate]),
      signers: [op1, old],
    },
  ],
  [
    "T11: a certificate that was not valid yet when it signed",
    "PATH-TIME",
    {
      policy: withOp2([early.certificate]),
      signers: [op1, early],
    },
  ],
  [
    "T11: a certificate for another use",
    "PATH-USAGE",
    {
      policy: withOp2([wrongUsage.certificate]),
      signers: [op1, wrongUsage],
    },
  ],
  [
    "T9: a key below the policy's strength",
    "PATH-KEY",
    { policy: withOp2([small.certificate]), signers: [op1, small] },
  ],
  [
    "T16: the approval of another batch",
    "CHALLENGE-MATCH",
    {
      approved: { ...challenge, batchDigest: "22".repeat(32) },
      signers: [op1, op2],
    },
  ],
  [
    "T16: an approval under another nonce",
    "CHALLENGE-MATCH",
    {
      approved: { ...challenge, nonce: "00".repeat(32) },
      signers: [op1, op2],
    },
  ],
  [
    "T16: an approval of another mode",
    "CHALLENGE-MATCH",
    {
      approved: { ...challenge, mode: "emergency" },
      signers: [op1, op2],
    },
  ],
  [
    "T16: a challenge in a mode that the policy does not allow",
    "CHALLENGE-MATCH",
    {
      issued: { ...challenge, mode: "offline" },
      signers: [op1, op2],
    },
  ],
  [
    "T16: a challenge of another appliance",
    "CHALLENGE-MATCH",
    {
      issued: { ...challenge, appliance: "box-2" },
      signers: [op1, op2],
    },
  ],
  [
    "T16: a challenge under another policy",
    "POLICY-DIGEST",
    {
      issued: { ...challenge, policyDigest: "33".repeat(32) },
      signers: [op1, op2],
    },
  ],
  ["T16: a stockpiled approval", "CHALLENGE-EXPIRED", { now: "2026-11-21T10:00:01Z", signers: [op1, op2] }],
  [
    "T16: an approval that claims to be later than the challenge",
    "CHALLENGE-EXPIRED",
    {
      signed: "2026-11-21T10:00:01Z",
      signers: [op1, op2],
    },
  ],
];

describe("tally of an authorisation", () => {
  it("QUORUM: two or three distinct operators count, each with their own time", async () => {
    const two = await judge({ signers: [op1, op2] });
    expect(two.map(({ person }) => person).sort()).toEqual(["op1", "op2"]);
    expect(two[0]).toEqual({
      person: two[0]?.person,
      name: `Operator ${two[0]?.person.slice(2)}`,
      certificateSha256: hex(sha256((two[0]?.person === "op1" ? op1 : op2).certificate)),
      signed: times.approval,
    });
    expect(await judge({ signers: [op1, op2, op3] })).toHaveLength(3);
  });

  it("QUORUM: the last second of a challenge still counts", async () => {
    expect(await judge({ signers: [op1, op2], now: challenge.expires })).toHaveLength(2);
  });

  it.each(tricks)("%s is refused (%s)", async (_, code, trick) => {
    await expect(judge(trick)).rejects.toMatchObject({ code });
  });

  it("T15: a malleated signature (r, n - s) of one person is no second signature", async () => {
    const malleated: SigningKey = {
      ...op1.signingKey,
      sign: async (message) => malleate(await op1.signingKey.sign(message)),
    };
    const twin: Issued = { ...op1, signingKey: malleated };
    await expect(judge({ signers: [op1, twin] })).rejects.toMatchObject({ code: "PERSON-TWICE" });
  });

  it("T15: a public key in another encoding (compressed point) is not read as a second key", async () => {
    const compressed = issue(root, { name: "op2", key: op1.key, spki: compress(op1.spki), ...operator });
    await expect(
      judge({ policy: withOp2([compressed.certificate]), signers: [op1, compressed] }),
    ).rejects.toMatchObject({
      code: "PATH-KEY",
    });
  });
});

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The other valid ECDSA P-256 signature of the same message. */
function malleate(der: Uint8Array): Uint8Array {
  const rLength = der[3] as number;
  const r = der.subarray(2, 4 + rLength);
  const s = BigInt(`0x${der.subarray(6 + rLength).toHex()}`);
  let other = (order - s).toString(16);
  if (other.length % 2 === 1) other = `0${other}`;
  if (Number.parseInt(other.slice(0, 2), 16) >= 0x80) other = `00${other}`;
  const value = Uint8Array.fromHex(other);
  return Uint8Array.of(0x30, r.length + 2 + value.length, ...r, 0x02, value.length, ...value);
}

/** A P-256 SubjectPublicKeyInfo with its point compressed. */
function compress(spki: Uint8Array): Uint8Array {
  const x = spki.subarray(27, 59);
  const even = ((spki.at(-1) as number) & 1) === 0;
  const algorithm = spki.subarray(2, 23);
  return Uint8Array.of(0x30, algorithm.length + 36, ...algorithm, 0x03, 34, 0, even ? 2 : 3, ...x);
}
