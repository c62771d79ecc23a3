import { describe, expect, it } from "vitest";
import type { SignerStatus } from "../../../appliance/client/signer-client.ts";
import { batchRow, folderRow, type Surroundings } from "../../../appliance/daemon/batch-words.ts";
import { findBatch } from "../../../appliance/daemon/find-batch.ts";
import { type Work, workBegun, workProgress, workSeen } from "../../../appliance/daemon/work-rate.ts";
import type { Refusal } from "../../../manifests/refusal.ts";
import { approvedBy, challenged, failedBy, fresh, policyDigest, soon, t0, through } from "./states.ts";

const box: SignerStatus = {
  appliance: "box-1",
  clock: { now: soon, refused: null },
  fault: null,
  genesis: policyDigest,
  locked: false,
  manifests: { last: 0, unacknowledged: 0 },
  network: { links: [], policy: "fatal" },
  policy: { digest: policyDigest, number: 1 },
  token: { present: true, serial: "6f2c" },
  all: {},
};

function around(change: Partial<Surroundings> = {}): Surroundings {
  return { now: t0, utc: soon, box, ready: true, batches: [], work: () => undefined, ...change };
}

const authorised = through(fresh(), challenged, approvedBy("op1"), approvedBy("op2"), { type: "authorized" });
const sealed = through(authorised, { type: "sealed", number: 7, outcome: "sealed" });

describe("waiting shows why", () => {
  it("QUORUM: says how many approvals are missing, and who gave theirs when", () => {
    const row = batchRow(through(fresh(), challenged, approvedBy("op1")), around());
    expect(row).toMatchObject({ state: "waiting-for-approval", needed: 2 });
    expect(row.waiting).toBe("waiting for 1 of 2 approvals (op1 has approved 12:10Z)");
  });

  it("UX5: nobody is asked to approve while the signer is silent, or while the daemon reads earlier approvals", () => {
    const state = through(fresh(), challenged, approvedBy("op1"));
    const silent = batchRow(state, around({ box: undefined }));
    expect(silent).toMatchObject({ state: "waiting" });
    expect(silent.waiting).toContain("the signer, which does not answer");
    const starting = batchRow(through(fresh(), challenged), around({ ready: false }));
    expect(starting).toMatchObject({ state: "waiting" });
    expect(starting.waiting).toContain("just started");
  });

  const boxes: readonly [string, SignerStatus | undefined, string, string][] = [
    [
      "SUSPENDED",
      { ...box, locked: true, held: { code: "SUSPENDED", message: "the box is suspended" } },
      "waiting",
      "waiting: the box is suspended (SUSPENDED)",
    ],
    ["LOCKED", { ...box, locked: true }, "waiting-for-unlock", "waiting for unlock"],
    ["HSM-GONE", { ...box, token: { present: false, serial: "6f2c" } }, "waiting", "token 6f2c is not there"],
    [
      "HSM-FAULT",
      { ...box, token: { ...box.token, silentSeconds: 31 } },
      "waiting",
      "the HSM, which does not answer for 31 s",
    ],
    ["CLOCK", { ...box, clock: { now: soon, refused: "CLOCK" } }, "waiting", "the clock"],
    ["GAP", { ...box, network: { links: ["eth0"], policy: "fatal" } }, "waiting", "remove eth0"],
    ["GAP", { ...box, network: { links: null, policy: "fatal" } }, "waiting", "cannot be read"],
    ["CHAIN", { ...box, fault: { code: "CHAIN", message: "row 7 was edited" } }, "waiting", "row 7 was edited"],
    ["UNREACHABLE", undefined, "waiting", "the signer, which does not answer"],
  ];
  for (const [code, view, state, words] of boxes) {
    it(`${code}: says why an authorised batch is not sealed: ${words}`, () => {
      const row = batchRow(authorised, around({ box: view, batches: [authorised] }));
      expect(row.state).toBe(state);
      expect(row.waiting).toContain(words);
      expect(row.waiting).toContain(code);
    });
  }

  it.each([
    ["UNREACHABLE", undefined],
    ["HSM-FAULT", { ...box, token: { ...box.token, silentSeconds: 20 } }],
  ])("UX5: work that was begun does not hide that nobody answers (%s)", (code, view) => {
    const begun = workBegun({ documents: 3, of: 12, bytes: 0, ofBytes: 0 }, t0);
    const row = batchRow(authorised, around({ box: view, batches: [authorised], work: () => begun }));
    expect(row.state).toBe("waiting");
    expect(row.waiting).toMatch(new RegExp(`does not answer.*\\(${code}\\); 3 of 12 documents`));
  });

  it("UX5: nobody waits for a check or an answer that cannot come without being told", () => {
    for (const state of [through(fresh(), challenged, approvedBy("op1"), approvedBy("op2")), sealed])
      expect(batchRow(state, around({ box: undefined })).waiting).toContain("UNREACHABLE");
  });

  it("GAP: a link that the policy only records does not keep a batch waiting", () => {
    const view: SignerStatus = { ...box, network: { links: ["eth0"], policy: "recorded" } };
    expect(batchRow(authorised, around({ box: view, batches: [authorised] })).state).toBe("sealing");
  });

  it("CHAIN: says which batch is sealed first", () => {
    const first = { ...authorised, id: "first", folder: "older", since: t0 - 1 };
    const row = batchRow(authorised, around({ batches: [authorised, first] }));
    expect(row).toMatchObject({ state: "waiting", waiting: "approved; older is sealed first" });
  });

  it("T19: says why the stick was not written, and what brings the next attempt", () => {
    const soonAgain = batchRow(through(sealed, failedBy("MEDIA-WRITE")), around());
    expect(soonAgain.state).toBe("exporting");
    expect(soonAgain.waiting).toMatch(/failed \(MEDIA-WRITE: no\); next attempt in 1 s$/);
    expect(batchRow(through(sealed, failedBy("MEDIA-TAKEN")), around()).waiting).toContain(
      "`ceremony export contracts` tries again",
    );
  });

  it("UX5: says when the stick may be removed", () => {
    expect(batchRow(through(sealed, { type: "answered" }), around()).waiting).toContain("you may remove the stick now");
  });

  it("UX5: a folder that is being copied says how far it is", () => {
    const folder = {
      folder: "a",
      fingerprint: "f",
      files: 13,
      bytes: 1000,
      since: t0,
      phase: { at: "taking" },
      trouble: null,
    } as const;
    const begun = workBegun({ documents: 0, of: 12, bytes: 0, ofBytes: 240 << 20 }, t0 - 2_000);
    const work = workSeen(begun, { documents: 3, of: 12, bytes: 82 << 20, ofBytes: 240 << 20 }, t0);
    const row = folderRow(folder, { settleSeconds: 3, incompleteSeconds: 60 }, around({ work: () => work }));
    expect(row.state).toBe("copying");
    expect(row.waiting).toBe("copying 3 of 12 documents, 41.0 MiB/s, 6 s left");
    expect(row.progress).toMatchObject({ documents: 3, of: 12, bytesPerSecond: 41 << 20 });
  });
});

describe("figures of work", () => {
  const done = (documents: number, bytes: number) => ({ documents, of: 10, bytes, ofBytes: 10_000 });
  const run = (...steps: readonly [number, number, number][]): Work =>
    steps.reduce(
      (work, [at, documents, bytes]) => workSeen(work, done(documents, bytes), at),
      workBegun(done(0, 0), 0),
    );

  it("HONEST: no rate and no time left is told before a second was measured", () => {
    expect(workProgress(run([900, 1, 900]), 900)).toMatchObject({ bytesPerSecond: null, secondsLeft: null });
  });

  it("HONEST: the time left goes by the slower of documents and bytes", () => {
    // 1 document and 5,000 bytes in 2 s: 9 documents left take 18 s, 5,000 bytes 2 s.
    expect(workProgress(run([2_000, 1, 5_000]), 2_000)).toMatchObject({ bytesPerSecond: 2_500, secondsLeft: 18 });
  });

  it("HONEST: work that stands still promises nothing, and its rate falls", () => {
    const work = run([1_000, 5, 5_000], [2_000, 5, 5_000], [9_000, 5, 5_000]);
    expect(workProgress(work, 9_000)).toMatchObject({ bytesPerSecond: 0, secondsLeft: null });
  });
});

describe("which batch is meant", () => {
  const one = fresh({ id: "1", digest: `aaaaaaaa${"0".repeat(56)}`, folder: "one" });
  const two = fresh({ id: "2", digest: `aaaaaaab${"0".repeat(56)}`, folder: "two" });
  const old = through({ ...fresh({ id: "3", folder: "one" }) }, { type: "rejected" }, { type: "answered" });
  const code = (name: string) => {
    try {
      return findBatch([one, two, old], name).id;
    } catch (fault) {
      return (fault as Refusal).code;
    }
  };

  it("T32: by folder, id or at least eight hex digits; live before ended; several are named, none is guessed", () => {
    expect(code("two")).toBe("2");
    expect(code("aaaaaaaa")).toBe("1");
    expect(code("one")).toBe("1");
    expect(code("aaaaaaa")).toBe("BATCH-UNKNOWN");
    expect(code("2026-contracts")).toBe("USAGE");
    expect(code("three")).toBe("BATCH-UNKNOWN");
    expect(code("__proto__")).toBe("BATCH-UNKNOWN");
  });
});
