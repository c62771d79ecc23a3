import { describe, expect, it } from "vitest";
import { fromUtf8, utf8 } from "../../../manifests/encoding/bytes.ts";
import { canonical, type Json } from "../../../manifests/encoding/canonical-json.ts";
import type { PlainHead } from "../../../manifests/records/batch-head.ts";
import { challengeBytes, readChallenge } from "../../../manifests/records/decision.ts";
import { manifestBytes, readManifest, requestPart } from "../../../manifests/records/manifest.ts";
import { type Policy, readPolicy } from "../../../manifests/records/policy.ts";
import { type RefusalFile, readRefusalFile, refusalFileBytes } from "../../../manifests/records/refusal-record.ts";
import { buildBundle } from "../../bundle/build.ts";
import { policyBytes } from "../../bundle/signed.ts";

const { manifest, policy, challenge } = await buildBundle();
const refusal: RefusalFile = {
  appliance: "box-1",
  created: "2026-11-23T12:00:00Z",
  journal: { head: "0a".repeat(32), sequence: 3 },
  policyDigest: "0b".repeat(32),
  reported: {
    batchDigest: null,
    code: "DOCUMENT-DIGEST",
    details: { media: { serial: "x" } },
    folder: "contracts",
    message: "a document was changed",
  },
  signed: false,
  type: "refusal",
  version: 1,
};

const { digest, file, identity, submitter } = manifest.request;
const plainHead: PlainHead = {
  digestAlgorithm: "sha256",
  expires: "2026-11-23T12:00:00Z",
  mode: "test",
  type: "plain-envelopes",
  version: 1,
};
const plainRequest = requestPart(plainHead, { digest, file, identity, submitter });

function withPlain(plainEnvelopes: Policy["submitters"]["plainEnvelopes"]): Policy {
  return { ...policy, submitters: { ...policy.submitters, plainEnvelopes } };
}

it("HONEST: a manifest of plain envelopes must say that nobody signed what they are together", () => {
  expect(plainRequest).toMatchObject({ composition: "signed by nobody", namesAndSizes: "as intake reported them" });
  for (const change of [{ composition: "signed by the submitter" }, { namesAndSizes: "" }, { batch: "b" }]) {
    const bytes = utf8(canonical({ ...manifest, request: { ...plainRequest, ...change } } as Json));
    expect(() => readManifest(bytes)).toThrow(expect.objectContaining({ code: "SHAPE" }));
  }
});

it("T29: a policy takes plain envelopes of an age, or none", () => {
  const read = (plainEnvelopes: Json) => {
    const value = JSON.parse(fromUtf8(policyBytes(policy))) as {
      readonly submitters: { readonly [name: string]: Json };
    };
    return readPolicy(utf8(canonical({ ...value, submitters: { ...value.submitters, plainEnvelopes } } as Json)));
  };
  expect(read({ maximumAgeSeconds: 60 }).submitters.plainEnvelopes).toEqual({ maximumAgeSeconds: 60 });
  for (const wrong of [true, null, 60, {}, { maximumAgeSeconds: 59 }, { maximumAgeSeconds: 60, x: 1 }] as Json[]) {
    expect(() => read(wrong), JSON.stringify(wrong)).toThrow(expect.objectContaining({ code: "SHAPE" }));
  }
});

const records: readonly (readonly [string, Uint8Array, (bytes: Uint8Array) => unknown])[] = [
  ["manifest", manifestBytes(manifest), readManifest],
  ["manifest of plain envelopes", manifestBytes({ ...manifest, request: plainRequest }), readManifest],
  ["policy", policyBytes(policy), readPolicy],
  ["policy that takes plain envelopes", policyBytes(withPlain({ maximumAgeSeconds: 60 })), readPolicy],
  ["challenge", challengeBytes(challenge), readChallenge],
  ["refusal", refusalFileBytes(refusal), readRefusalFile],
];

describe.each(records)("the %s", (_, bytes, read) => {
  const value = JSON.parse(fromUtf8(bytes)) as { readonly [name: string]: Json };
  const changed = (changes: { readonly [name: string]: Json }) => utf8(canonical({ ...value, ...changes }));

  it("T29: is read as it was written", () => {
    expect(() => read(bytes)).not.toThrow();
  });

  it("T29: with an unknown member, at any depth, is refused", () => {
    expect(() => read(changed({ extra: 1 }))).toThrow(expect.objectContaining({ code: "SHAPE" }));
    for (const [name, member] of Object.entries(value)) {
      if (typeof member !== "object" || member === null || Array.isArray(member) || name === "reported") continue;
      expect(() => read(changed({ [name]: { ...member, extra: 1 } })), name).toThrow(
        expect.objectContaining({ code: "SHAPE" }),
      );
    }
  });

  it("T29: with a member missing or of another kind is refused", () => {
    for (const name of Object.keys(value)) {
      const { [name]: _left, ...rest } = value;
      expect(() => read(utf8(canonical(rest))), name).toThrow(expect.objectContaining({ code: "SHAPE" }));
      expect(() => read(changed({ [name]: true === value[name] || false === value[name] ? 0 : true })), name).toThrow(
        expect.objectContaining({ code: "SHAPE" }),
      );
    }
  });

  it("T29: with white space, or of another version or type, is refused", () => {
    expect(() => read(utf8(`${fromUtf8(bytes)} `))).toThrow(expect.objectContaining({ code: "JSON" }));
    expect(() => read(changed({ version: 2 }))).toThrow(expect.objectContaining({ code: "SHAPE" }));
    expect(() => read(changed({ type: "something" }))).toThrow(expect.objectContaining({ code: "SHAPE" }));
  });
});
