import fc from "fast-check";
import { expect, it } from "vitest";
import { groupsAsked } from "../../ceremony/slip-groups.ts";
import { groupCount } from "../../manifests/encoding/words.ts";

const nonce = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytes.toHex());
const certificate = fc.uint8Array({ minLength: 1, maxLength: 64 });

it("UX3: two different groups are asked for, always the same two for one operator and one challenge", () => {
  fc.assert(
    fc.property(nonce, certificate, (n, c) => {
      const [a, b] = groupsAsked(n, c);
      expect(a).toBeGreaterThanOrEqual(1);
      expect(b).toBeGreaterThan(a);
      expect(b).toBeLessThanOrEqual(groupCount);
      expect(groupsAsked(n, c)).toEqual([a, b]);
    }),
  );
});

it("UX3: every pair comes up, so that no part of the slip can be left out", () => {
  const pairs = new Set<string>();
  for (let at = 0; at < 4000; at++) pairs.add(groupsAsked(at.toString(16).padStart(64, "0"), Uint8Array.of(1)).join());
  expect(pairs.size).toBe((groupCount * (groupCount - 1)) / 2);
});
