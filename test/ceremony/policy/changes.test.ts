import { describe, expect, it } from "vitest";
import { policyChanges } from "../../../ceremony/procedures/policy/changes.ts";
import { makePolicy } from "../../bundle/signed.ts";

describe("what a policy changes, for those who sign it", () => {
  it("POLICY-SIGNERS: a limit that the next policy leaves out is shown as much as one that it adds", () => {
    const limited = makePolicy({ unlocked: { seals: 1000, seconds: 3600 } });
    const unlimited = makePolicy();
    expect(policyChanges(limited, unlimited)).toEqual(['unlocked: {"seals":1000,"seconds":3600} becomes null']);
    expect(policyChanges(unlimited, limited)).toEqual(['unlocked: null becomes {"seals":1000,"seconds":3600}']);
  });
});
