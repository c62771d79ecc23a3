/** How a closing record has a manifest of its emergency. */

import { expect, it } from "vitest";
import { closingLists } from "../../../manifests/records/closing.ts";

it("EMERGENCY: a closing record lists a manifest as it is, and none that was made after it", () => {
  const digest = "ab".repeat(32);
  const head = "0c".repeat(32);
  const lists = closingLists({
    journal: { head, sequence: 1000 },
    manifests: [{ digest, number: 1, outcome: "sealed", root: "cd".repeat(32), seals: 3 }],
    missing: [{ from: 2, to: 3 }],
  });
  const one = { digest, journal: { head, sequence: 10 }, number: 1 };
  expect(lists(one)).toBe("listed");
  expect(lists({ ...one, digest: "99".repeat(32) })).toBe("not-listed");
  expect(lists({ ...one, journal: { head, sequence: 1001 } })).toBe("not-listed");
  expect(lists({ ...one, number: 3 })).toBe("missing");
  expect(lists({ ...one, number: 4 })).toBe("not-listed");
});
