/** Ingest on a real store: real bundles and keeper's sticks, in any order, wrong in every way that a stick can be. */

import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findSeals } from "../../../ledger/answers/find.ts";
import { checkLedger } from "../../../ledger/check/check-ledger.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { contentPath } from "../../../manifests/records/names.ts";
import { listEntries } from "../../../manifests/verify/list-file.ts";
import type { Bundle } from "../../bundle/build.ts";
import { buildPlainBundle } from "../../bundle/build-plain.ts";
import {
  auditOf,
  bundleAt,
  chainOf,
  digestOf,
  keeperOf,
  layAudit,
  layBundle,
  other,
  type Stick,
} from "../../bundle/chain.ts";
import { inShort, type TestLedger, testLedger } from "./on-real-ledger.ts";

let bundles: readonly Bundle[];
let genesis: string;
let box: TestLedger;
beforeAll(async () => {
  bundles = await chainOf(4, (number) => ({
    documents: { [`a ${number}.pdf`]: `a ${number}`, "b.pdf": `b ${number}` },
  }));
  genesis = (bundles[0] as Bundle).genesis;
});
beforeEach(async () => {
  box = await testLedger();
  await box.enrol(genesis);
});
afterEach(() => box.end());

function outbox(...numbers: readonly number[]): Stick {
  const stick: Stick = new Map();
  for (const number of numbers) layBundle(stick, `coldseal/outbox/batch-${number}`, bundles[number - 1] as Bundle);
  return stick;
}

async function recordsOf(bundle: Bundle) {
  const { appliance, number } = bundle.manifest;
  const common = { appliance, genesis, number, version: 1 };
  const digest = digestOf(bundle);
  const lines = [];
  const pieces = async function* () {
    yield bundle.files.get("documents.jsonl") as Uint8Array;
  };
  for await (const line of listEntries(pieces())) lines.push({ ...common, line, manifest: digest, type: "seal" });
  return [{ ...common, digest, type: "manifest" }, ...lines];
}

describe("ingest", () => {
  it("LEDGER-BOX: an outbox enters the log: the manifest, then each line of its list, in order", async () => {
    expect(inShort(await box.ingest(outbox(1, 2)))).toEqual(["chained 1", "chained 2"]);
    const expected = [...(await recordsOf(bundles[0] as Bundle)), ...(await recordsOf(bundles[1] as Bundle))];
    expect(await box.records()).toEqual(expected);
  });

  it("LEDGER-BOX: the seals that are stored are those of the stick, byte for byte", async () => {
    await box.ingest(outbox(1));
    const rows = await box.ledger.db.reading((sql) =>
      sql.all<{ idx: number; bytes: Uint8Array }>("SELECT idx, bytes FROM box_seals ORDER BY idx"),
    );
    const { files } = bundles[0] as Bundle;
    const paths = [...files.keys()].filter((path) => path.startsWith("seals/")).toSorted();
    expect(rows).toEqual(paths.map((path, at) => ({ idx: at + 1, bytes: files.get(path) })));
    expect(rows).toHaveLength(2);
  });

  it("LEDGER-BOX: a replay changes nothing and says so, from the same stick, another, and the keeper's", async () => {
    await box.ingest(outbox(1, 2));
    const before = await box.records();
    const again = await box.ingest(outbox(2, 1), keeperOf(bundles.slice(0, 2)));
    expect(inShort(again)).toEqual(["known 1", "known 1", "known 2", "known 2"]);
    expect(await box.records()).toEqual(before);
  });

  it("LEDGER-BOX: the keeper's stick enters by itself; an outbox brings the seals later and nothing enters again", async () => {
    const first = await box.ingest(keeperOf(bundles));
    expect(inShort(first)).toEqual(["policy taken", "chained 1", "chained 2", "chained 3", "chained 4"]);
    const count = async (table: string) =>
      (await box.ledger.db.reading((sql) => sql.get<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)))?.n;
    expect([await count("seals_verified"), await count("box_seals")]).toEqual([0, 0]);
    const before = await box.records();
    expect(inShort(await box.ingest(outbox(3)))).toEqual(["completed 3"]);
    expect([await count("seals_verified"), await count("box_seals")]).toEqual([1, 2]);
    expect(await box.records()).toEqual(before);
    expect(inShort(await box.ingest(outbox(3)))).toEqual(["known 3"]);
  });

  it("LEDGER-GAP: what comes before its turn waits, across ingests, and goes on when the missing number came", async () => {
    expect(inShort(await box.ingest(outbox(4)))).toEqual(["waits 4"]);
    expect(inShort(await box.ingest(outbox(2, 3)))).toEqual(["waits 2", "waits 3"]);
    expect(await box.records()).toEqual([]);
    expect(inShort(await box.ingest(outbox(1)))).toEqual(["chained 1", "chained 2", "chained 3", "chained 4"]);
    const expected = (await Promise.all(bundles.map(recordsOf))).flat();
    expect(await box.records()).toEqual(expected);
  });

  it("LEDGER-FORK: a second manifest of a number is kept, never enters, and the chain stands still behind it", async () => {
    await box.ingest(outbox(1, 2));
    const stick: Stick = new Map();
    layBundle(
      stick,
      "coldseal/outbox/other",
      await bundleAt({ number: 2, previous: digestOf(bundles[0] as Bundle) }, { manifest: other }),
    );
    const before = await box.records();
    expect(inShort(await box.ingest(stick))).toEqual(["disputed 2"]);
    expect(inShort(await box.ingest(outbox(3)))).toEqual(["waits 3"]);
    expect(inShort(await box.ingest(stick))).toEqual(["known 2"]);
    expect(await box.records()).toEqual(before);
  });

  it("LEDGER-FORK: one that does not follow the stored one before it is in dispute", async () => {
    await box.ingest(outbox(1));
    const stick: Stick = new Map();
    layBundle(stick, "coldseal/outbox/other", await bundleAt({ number: 2, previous: "11".repeat(32) }));
    expect(inShort(await box.ingest(stick))).toEqual(["disputed 2"]);
  });

  it.each([
    ["CLOCK", { created: "2026-11-20T12:00:30Z" }, {}],
    ["CHAIN", {}, { journal: { head: "0a".repeat(32), sequence: 10 } }],
    ["NONCE-USED", {}, {}],
  ] as const)(
    "%s: what the verifier finds wrong with a chain stops it here as well",
    async (code, following, manifest) => {
      await box.ingest(outbox(1));
      const nonce = (number: number) => number.toString(16).padStart(64, "0");
      const bundle = await bundleAt(
        { number: 2, previous: digestOf(bundles[0] as Bundle), ...following },
        {
          manifest: (one) => ({ ...one, ...manifest }),
          ...(code === "NONCE-USED" ? { challenge: (one) => ({ ...one, nonce: nonce(1) }) } : {}),
        },
      );
      const stick: Stick = new Map();
      layBundle(stick, "coldseal/outbox/two", bundle);
      const [told] = await box.ingest(stick);
      expect(told?.result).toMatchObject({ kind: "disputed", number: 2, finding: expect.stringContaining(`${code}:`) });
      expect(await box.records()).toHaveLength(3);
    },
  );

  it("LEDGER-BOX: what is of no enrolled box is told, and hinders nothing", async () => {
    const foreign = await bundleAt(
      { number: 1 },
      { policy: (policy) => ({ ...policy, texts: { approval: "other" } }) },
    );
    const stick = outbox(1);
    layBundle(stick, "coldseal/outbox/foreign", foreign);
    expect(inShort(await box.ingest(stick))).toEqual(["refused LEDGER-BOX", "chained 1"]);
    expect(await box.records()).toHaveLength(3);
  });

  const changes: readonly (readonly [string, string, (stick: Stick, at: (path: string) => string) => void])[] = [
    ["CMS-DIGEST", "a manifest that was changed", (stick, at) => flip(stick, at("manifest.p7m"), "Contracts desk")],
    [
      "MANIFEST-BIND",
      "a list of another batch",
      (stick, at) => stick.set(at("documents.jsonl"), file(2, "documents.jsonl")),
    ],
    [
      "BUNDLE-FORM",
      "a seal that is missing",
      (stick, at) => stick.delete([...stick.keys()].find((path) => path.startsWith(at("seals/"))) as string),
    ],
    ["SEAL-BIND", "a seal of another document", (stick, at) => swapSeals(stick, at("seals/"))],
    [
      "MANIFEST-BIND",
      "an authorisation of another batch",
      (stick, at) => stick.set(at("authorization.p7m"), file(2, "authorization.p7m")),
    ],
    [
      "POLICY-CHAIN",
      "a policy that is none",
      (stick, at) => stick.set(at("policy/0001.p7m"), Uint8Array.of(0x30, 0x00)),
    ],
    ["BUNDLE-FORM", "a file that nothing covers", (stick, at) => stick.set(at("extra.bin"), Uint8Array.of(1))],
    [
      "MEDIA-LIMIT",
      "a file that is too large",
      (stick, at) => stick.set(at("certificates/audit-1.der"), new Uint8Array(70_000)),
    ],
  ];
  it.each(changes)(
    "%s: %s is refused, nothing of it is kept, and the right one comes in afterwards",
    async (code, _, change) => {
      const stick = outbox(1);
      change(stick, (path) => `coldseal/outbox/batch-1/${path}`);
      const [told] = await box.ingest(stick);
      expect(told?.result.kind).toBe("refused");
      if (code !== "POLICY-CHAIN") expect(told?.result).toMatchObject({ refusal: { code } });
      const kept = await box.ledger.db.reading((sql) => sql.all("SELECT manifest FROM box_manifests"));
      expect(kept).toEqual([]);
      expect(inShort(await box.ingest(outbox(1)))).toEqual(["chained 1"]);
    },
  );

  it("POLICY-DIGEST: the keeper's three files without a policy at hand are refused; with an enrolled one they enter", async () => {
    expect(inShort(await box.ingest(auditOf(bundles.slice(1, 2))))).toEqual(["refused POLICY-DIGEST"]);
    await box.ingest(outbox(1));
    expect(inShort(await box.ingest(auditOf(bundles.slice(1, 2))))).toEqual(["chained 2"]);
  });

  it("MANIFEST-BIND: a request on the keeper's stick that is another batch's is refused", async () => {
    const stick = keeperOf(bundles.slice(0, 1));
    stick.set("coldseal/audit/1/batch.p7m", file(2, "batch.p7m"));
    expect(inShort(await box.ingest(stick))).toEqual(["policy taken", "refused MANIFEST-BIND"]);
  });

  it("USAGE: a folder that holds nothing for a ledger, and none at all", async () => {
    await expect(box.ingest(new Map([["a/b.txt", Uint8Array.of(1)]]))).rejects.toMatchObject({ code: "USAGE" });
    await expect(box.ingest(`${box.dir}/none`)).rejects.toMatchObject({ code: "MEDIA-READ" });
  });

  it.each([0, 1])(
    "ABORTED: an aborted batch enters with what it had sealed (%i), keeps no seal, and its documents do not count",
    async (sealed) => {
      const aborted = await bundleAt({ number: 1 }, { abortedAfter: sealed });
      const stick: Stick = new Map();
      layBundle(stick, "coldseal/outbox/aborted", aborted);
      expect(inShort(await box.ingest(stick))).toEqual(["chained 1"]);
      expect(await box.records()).toHaveLength(1 + sealed);
      const digests = (await box.records()).flatMap((one) => (one.type === "seal" ? [one.line.digest] : []));
      const { seals } = await box.ledger.db.reading((sql) => findSeals(sql, digests, "2026-11-22T08:00:00Z"));
      expect(seals.map(({ counts }) => counts)).toEqual(digests.map(() => false));
      expect(await checkLedger(box.ledger, [])).toMatchObject({ findings: [] });
    },
  );

  it("ENVELOPE-FORM: plain envelopes enter without their documents, which nobody copies", async () => {
    const own = await testLedger();
    try {
      const plain = await buildPlainBundle();
      await own.enrol(plain.genesis);
      const stick: Stick = new Map();
      layBundle(stick, "coldseal/outbox/plain", plain);
      for (const [at, [name, bytes]] of [...plain.documents].entries()) {
        stick.set(`coldseal/outbox/plain/${contentPath(at + 1, name)}`, bytes);
      }
      expect(inShort(await own.ingest(stick))).toEqual(["chained 1"]);
      const kept = await own.ledger.db.reading((sql) => sql.all<{ path: string }>("SELECT path FROM manifest_files"));
      expect(kept.filter(({ path }) => path.startsWith("documents/"))).toEqual([]);
      expect(kept.filter(({ path }) => path.startsWith("envelopes/")).length).toBeGreaterThan(1);
      expect(await checkLedger(own.ledger, [])).toMatchObject({ findings: [] });
    } finally {
      own.end();
    }
  });

  it("a batch may have any folder's name, and none is passed over", async () => {
    const stick: Stick = new Map();
    const names = ["inbox", "control", "policies"];
    for (const [at, name] of names.entries()) layBundle(stick, `coldseal/outbox/${name}`, bundles[at] as Bundle);
    expect(inShort(await box.ingest(stick))).toEqual(["chained 1", "chained 2", "chained 3"]);
  });

  it("keeps the files that came, by their digests, each once", async () => {
    const stick = outbox(1);
    layAudit(stick, bundles[0] as Bundle);
    await box.ingest(stick);
    const files = await box.ledger.db.reading((sql) =>
      sql.all<{ path: string; file: Uint8Array }>("SELECT path, file FROM manifest_files ORDER BY path"),
    );
    const paths = [...(bundles[0] as Bundle).files.keys()].filter((path) => !path.startsWith("seals/")).sort();
    expect(files.map(({ path }) => path)).toEqual(paths);
    const distinct = new Set(files.map(({ file: digest }) => hex(digest)));
    const kept = await box.ledger.db.reading((sql) => sql.all("SELECT DISTINCT file FROM evidence"));
    expect(kept).toHaveLength(distinct.size);
  });
});

function file(number: number, path: string): Uint8Array {
  return bundles[number - 1]?.files.get(path) as Uint8Array;
}

/** Changes one letter of a text within a file. */
function flip(stick: Stick, path: string, words: string): void {
  const bytes = Uint8Array.from(stick.get(path) as Uint8Array);
  const at = Buffer.from(bytes).indexOf(words);
  bytes[at] = (bytes[at] as number) ^ 0x20;
  stick.set(path, bytes);
}

function swapSeals(stick: Stick, folder: string): void {
  const [one, two] = [...stick.keys()].filter((path) => path.startsWith(folder)) as [string, string];
  const [first, second] = [stick.get(one), stick.get(two)] as [Uint8Array, Uint8Array];
  stick.set(one, second);
  stick.set(two, first);
}
