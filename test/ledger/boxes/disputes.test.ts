/** `coldseal ledger verify` derives what is in dispute from the manifests that are here: a dispute that nobody raised, and one that is not said any more, are found. */

import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import type { Bundle } from "../../bundle/build.ts";
import { bundleAt, chainOf, digestOf, layBundle, other, type Stick } from "../../bundle/chain.ts";
import { inShort, type TestLedger, testLedger } from "../ingest/on-real-ledger.ts";
import { tamper } from "../tampering.ts";

let first: Bundle;
let second: Bundle;
let fork: Bundle;
let stray: Bundle;
let late: Bundle;
let box: TestLedger;
beforeAll(async () => {
  [first, second] = (await chainOf(2)) as [Bundle, Bundle];
  const previous = digestOf(first);
  fork = await bundleAt({ number: 2, previous }, { manifest: other });
  stray = await bundleAt({ number: 2, previous: "11".repeat(32) });
  late = await bundleAt({ number: 2, previous, created: "2026-11-20T12:00:30Z" });
});
beforeEach(async () => {
  box = await testLedger();
  await box.enrol(first.genesis);
});
afterEach(() => box.end());

async function ingested(...bundles: readonly Bundle[]): Promise<string | undefined> {
  let told: readonly string[] = [];
  for (const bundle of bundles) {
    const stick: Stick = new Map();
    layBundle(stick, "coldseal/outbox/one", bundle);
    told = inShort(await box.ingest(stick));
  }
  return told.at(-1);
}

const found = async () => (await checkLedger(box.ledger, [])).findings.map(({ what }) => what);

const invented = (number: number, cause: string) =>
  `INSERT INTO disputes SELECT 1, box, ${number}, '${cause}', '{}', '2020-01-01T00:00:00Z' FROM boxes`;
const settledBy = (decision: string) =>
  `INSERT INTO settlements SELECT dispute, ${decision}, '2026-11-22T08:00:00Z' FROM disputes`;

describe("disputes that are stored", () => {
  it.each([
    ["fork", () => [second, fork]],
    ["link", () => [stray]],
    ["rules", () => [late]],
  ] as const)("LEDGER-FORK: one that is said not to be any more is found (%s)", async (cause, two) => {
    expect(await ingested(first, ...two())).toBe("disputed 2");
    const disputes = await box.ledger.db.reading((sql) => sql.all("SELECT number, cause FROM disputes"));
    expect(disputes).toEqual([{ number: 2, cause }]);
    expect(await found()).toEqual([]);
    tamper(box.ledger, settledBy("NULL"));
    expect(await found()).toContainEqual(expect.stringContaining("said to have settled themselves"));
    expect(await found()).toContainEqual(expect.stringContaining("no dispute says so"));
    tamper(box.ledger, "DELETE FROM settlements");
    tamper(box.ledger, "UPDATE disputes SET dispute = 2");
    expect(await found()).toEqual(["1 are here where the last has number 2"]);
    tamper(box.ledger, "DELETE FROM disputes");
    expect(await found()).toEqual([expect.stringContaining("no dispute says so")]);
  });

  it("LEDGER-FORK: one that a fork took the place of is no finding, and none that has another's cause holds", async () => {
    expect(await ingested(first, stray, second)).toBe("disputed 2");
    expect(await found()).toEqual([]);
    tamper(box.ledger, "UPDATE disputes SET cause = 'rules' WHERE cause = 'fork'");
    expect(await found()).toHaveLength(2);
    tamper(box.ledger, "UPDATE disputes SET cause = 'fork'");
    tamper(box.ledger, "DELETE FROM settlements");
    expect(await found()).toEqual(["is in dispute twice"]);
  });

  it.each([
    [1, "fork"],
    [2, "fork"],
    [2, "link"],
    [2, "rules"],
    [2, "whim"],
    [4, "link"],
    [4, "rules"],
    [9, "link"],
  ])("LEDGER-FORK: one that nobody raised is found (number %i, %s)", async (number, cause) => {
    const [, , , fourth] = await chainOf(4);
    expect(await ingested(first, second, fourth as Bundle)).toBe("waits 4");
    expect(await found()).toEqual([]);
    tamper(box.ledger, invented(number, cause));
    expect(await found()).toEqual([expect.stringContaining(`is said to be in dispute (${cause})`)]);
  });

  it("LEDGER-FORK: one of a manifest that could go in, and of one that breaks no rule, is found", async () => {
    // As an ingest leaves it that is killed between two steps: number 2 waits, and is next.
    expect(await ingested(second, first)).toBe("chained 2");
    tamper(box.ledger, "DELETE FROM chain_links WHERE number = 2");
    for (const cause of ["link", "rules"]) {
      tamper(box.ledger, invented(2, cause));
      expect(await found()).toContainEqual(expect.stringContaining(`is said to be in dispute (${cause})`));
      tamper(box.ledger, "DELETE FROM disputes");
    }
  });
});
