import { describe, expect, it } from "vitest";
import type { BatchRow } from "../../appliance/client/batch-row.ts";
import { nextText } from "../../ceremony/approve.ts";
import { ranges } from "../../ceremony/carry.ts";
import { journalLines } from "../../ceremony/journal.ts";
import { type BatchScreen, batchScreenLines, documentListLines } from "../../ceremony/screens/batch-screen.ts";
import { listLines, progressText, stickLines, whyText } from "../../ceremony/screens/list-screen.ts";
import { rowScreenLines } from "../../ceremony/screens/row-screen.ts";
import { statusLines } from "../../ceremony/screens/status-screen.ts";
import { columns, plain } from "../../host/terminal/style.ts";
import { wordGroups } from "../../manifests/encoding/words.ts";
import { shown } from "../../manifests/records/names.ts";

const digest = Uint8Array.from({ length: 32 }, (_, at) => at * 7);
const words = wordGroups(digest);

const screen: BatchScreen = {
  kind: "signed-request",
  digest: "ab".repeat(32),
  folder: "2026-11-23-contracts",
  batch: "2026-11-23-contracts",
  purpose: "Q4 supplier contracts",
  mode: "test",
  expires: "2026-11-24T18:00:00Z",
  submitter: "CN=Contracts desk",
  submitterCertificate: "9c1e".repeat(16),
  count: 12,
  bytes: 253_023_744,
  documents: ["contract-0113.pdf", "Übersicht 2026.pdf", "evil\u202e\u001b[2J.txt"].map((name) => ({
    name,
    size: 90_112,
    digest: "ab".repeat(32),
  })),
  words: words.map((group, at) => ([7, 12].includes(at + 1) ? undefined : group)),
  approvals: [{ person: "op1", signed: "2026-11-23T12:04:00Z" }],
  needed: 2,
  person: "op2",
  now: "2026-11-23T12:10:00Z",
};

describe("the screen that an operator decides by", () => {
  const lines = batchScreenLines(screen, plain);
  const text = lines.join("\n");

  it("UX2: it says who, what and how much, exactly, in a screen of 80 columns", () => {
    expect(text).toContain("12 documents, together 241 MiB (253,023,744 bytes)");
    expect(text).toContain("from       CN=Contracts desk (cert 9c1e9c1e…)");
    expect(text).toContain("expires    2026-11-24 18:00Z");
    expect(text).toContain("9 more documents: show 2026-11-23-contracts --documents");
    expect(lines.length).toBeLessThanOrEqual(24);
    for (const line of lines) expect(columns(line)).toBeLessThanOrEqual(80);
  });

  it("UX3: the groups asked for stay blank, all others are shown by number", () => {
    expect(text).toContain("   7  ______ ______");
    expect(text).toContain("  12  ______ ______");
    expect(text).not.toContain(words[6]);
    expect(text).not.toContain(words[11]);
    for (const group of [1, 6, 8, 16]) expect(text).toContain(`${String(group).padStart(4)}  ${words[group - 1]}`);
  });

  it("UX3: the digest stands nowhere in hex, from which the blank groups could be read", () => {
    expect(text).not.toContain(digest.toHex().slice(0, 8));
  });

  it("T2: names are escaped ASCII", () => {
    expect(text).toContain("\\u{dc}bersicht 20");
    expect(text).not.toContain("\u202e");
    expect(text).not.toContain("\u001b");
    const list = documentListLines(screen.documents, 1).join("\n");
    expect(list).toContain("evil\\u{202e}\\u{1b}[2J.txt");
  });

  it("UX5: it says who has approved and what one's own approval would do", () => {
    expect(text).toContain("Approvals: 1 of 2 (op1, 12:04Z). Yours would complete it");
    const own = { ...screen, person: "op1" };
    expect(batchScreenLines(own, plain).join("\n")).toContain("You have approved it.");
    const three = { ...screen, approvals: [], needed: 3 };
    expect(batchScreenLines(three, plain).join("\n")).toContain("After yours, 2 more people have to approve.");
  });
});

const row: BatchRow = {
  folder: "contracts",
  batchDigest: "aa".repeat(32),
  batch: "contracts",
  state: "waiting-for-approval",
  mode: "test",
  purpose: "p",
  count: 12,
  bytes: 4096,
  submitter: "CN=Desk",
  expires: "2026-11-24T18:00:00Z",
  approvals: [{ person: "op1", signed: "2026-11-23T12:04:00Z" }],
  needed: 2,
  number: null,
  waiting: "waiting for 1 of 2 approvals (op1 has approved 12:04 UTC)",
  progress: null,
  refusal: null,
};

describe("the list of batches", () => {
  it("UX5: each row says what it waits for", () => {
    const lines = listLines([row], plain);
    expect(lines[0]).toMatch(/^BATCH +STATE +DOCUMENTS +SIZE +APPROVALS$/);
    expect(lines[1]).toMatch(/^contracts +waiting-for-approval +12 +4\.00 KiB +1 of 2$/);
    expect(lines[2]).toBe("    waiting for 1 of 2 approvals (op1 has approved 12:04 UTC)");
    expect(listLines([], plain)).toHaveLength(1);
  });

  it("UX5: work under way is counted, with the time that is left", () => {
    const progress = {
      documents: 3,
      of: 12,
      bytes: 42_991_616,
      ofBytes: 253_023_744,
      bytesPerSecond: 42_991_616,
      secondsLeft: 20,
    };
    expect(progressText({ ...row, state: "copying", progress })).toBe(
      "copying 3 of 12 documents, 41.0 MiB of 241 MiB, 41.0 MiB/s, 20 s left",
    );
  });

  it("UX4: a refusal is told with its code, escaped", () => {
    const refusal = { code: "DOCUMENT-DIGEST" as const, message: "\u001b[31mx" };
    expect(whyText({ ...row, refusal })).toBe("refused: DOCUMENT-DIGEST, \\u{1b}[31mx");
  });

  it("UX2: a hostile name is escaped once, wherever it is told", () => {
    const name = shown("x\u001b");
    const refusal = { code: "MEDIA-NAME" as const, message: `${name} is no name`, about: "x\u001b", got: name };
    const odd: BatchRow = { ...row, batch: null, folder: name, refusal, state: "refused", waiting: name };
    const all = [
      ...listLines([odd], plain),
      ...rowScreenLines(odd, "2026-11-23T12:10:00Z", plain),
      ...stickLines([`ALARM: ${name}`], plain),
      ...statusLines(
        { daemon: undefined, signer: { held: refusal, fault: refusal }, now: "2026-11-23T12:10:00Z" },
        plain,
      ),
    ];
    const telling = all.filter((line) => line.includes("u{1b}"));
    expect(telling.length).toBeGreaterThan(6);
    for (const line of telling) expect(line.replaceAll("x\\u{1b}", "")).not.toContain("u{1b}");
  });
});

describe("a batch that has nothing to decide on", () => {
  const now = "2026-11-23T12:10:00Z";

  it("UX3: its words are shown once it has ended, and not before", () => {
    const released = rowScreenLines({ ...row, state: "released", number: 3 }, now, plain).join("\n");
    expect(released).toContain(`   1  ${wordGroups(new Uint8Array(32).fill(0xaa))[0]}`);
    expect(released).toContain("approvals  op1, 12:04Z");
    expect(rowScreenLines(row, now, plain).join("\n")).not.toContain("words");
  });

  it("UX4: a refusal says what it is about, what was expected and what came", () => {
    const refusal = {
      code: "PATH-USAGE" as const,
      message: "no",
      about: "CN=Desk",
      expected: "1.2.3",
      got: "\u001b[31m",
    };
    const text = rowScreenLines({ ...row, state: "refused", refusal }, now, plain).join("\n");
    expect(text).toContain("  about      CN=Desk\n  expected   1.2.3\n  got        \\u{1b}[31m");
    expect(text).toContain("Its answer, which says why, stands in the outbox of the stick.");
    expect(rowScreenLines({ ...row, state: "released" }, now, plain).join("\n")).toContain(
      "Its answer stands in outbox/contracts of the stick.",
    );
  });

  it("UX4: what is not known yet is left out", () => {
    const copying = {
      ...row,
      state: "copying" as const,
      waiting: "copying",
      batch: null,
      purpose: null,
      count: null,
      approvals: [],
    };
    const text = rowScreenLines(copying, now, plain).join("\n");
    expect(text).toContain("Batch contracts");
    expect(text).not.toMatch(/purpose|documents|approvals/);
  });
});

describe("what happens next", () => {
  it("UX1: after an approval it says what is missing", () => {
    expect(nextText(false, 1, 2)).toContain("1 more person has to approve");
    expect(nextText(true, 2, 2)).toContain("ceremony unlock");
    expect(nextText(false, 2, 2)).toContain("the box seals now");
  });
});

describe("status", () => {
  const signer = {
    appliance: "test-box",
    locked: false,
    policy: { number: 1, digest: "ab".repeat(32) },
    genesis: "ab".repeat(32),
    manifests: { last: 3, unacknowledged: 2 },
    journal: { sequence: 1204, head: "cd".repeat(32) },
    clock: { now: "2026-11-23T12:10:00Z", lastSet: "2026-11-23T09:00:00Z", claimedErrorSeconds: 61, refused: null },
    network: { links: ["lo", "eth0"], policy: "recorded" },
    token: { present: true, serial: "6f2c", lastVerifiedSignature: "2026-11-23T12:04:00Z" },
    work: null,
    pin: { failures: 0, waitUntil: null },
  };
  const daemon = { batches: { released: 2, "waiting-for-approval": 1 }, spoolBytes: 0, media: { in: "/s" } };
  const now = "2026-11-23T12:10:00Z";

  it("UX6: health is proven: last verified signature, unacknowledged manifests, error of the clock, links", () => {
    const lines = statusLines({ signer, daemon: { daemon }, now }, plain);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    const text = lines.join(" ").replace(/ +/g, " ");
    expect(text).toContain("Box test-box: unlocked");
    expect(text).toContain("serial 6f2c, last verified signature 12:04Z (6 min ago)");
    expect(text).toContain("3 made, 2 not acknowledged by the keeper");
    expect(text).toContain("off by at most 1 min 1 s (last set 2026-11-23 09:00Z)");
    expect(text).toContain("1 link (eth0): recorded in every manifest");
    expect(text).toContain("1 waiting for approval");
  });

  it("UX6: what is wrong is said first, with what to do", () => {
    expect(statusLines({ signer: undefined, daemon: undefined, now }, plain)[0]).toBe("The signer does not answer.");
    const locked = statusLines({ signer: { ...signer, locked: true }, daemon: { daemon }, now }, plain);
    expect(locked[0]).toContain("locked");
    expect(locked[0]).toContain("ceremony unlock");
    const gone = statusLines({ signer: { ...signer, token: { present: false } }, daemon: undefined, now }, plain).join(
      "\n",
    );
    expect(gone).toContain("gone: connect the HSM");
    expect(gone).toContain("daemon       does not answer");
    const late = {
      ...signer,
      clock: { ...signer.clock, refused: "CLOCK" },
      pin: { failures: 2, waitUntil: "2026-11-23T12:14:00Z" },
    };
    const text = statusLines({ signer: late, daemon: { daemon }, now }, plain).join("\n");
    expect(text).toContain("CLOCK: ");
    expect(text).toContain("2 wrong tries; wait until 12:14Z");
  });

  it("UNACKNOWLEDGED: how far the ledger acknowledged the record, what is outstanding and for how long", () => {
    const ledger = {
      limits: { hours: 24, manifests: 5 },
      manifests: 2,
      number: 1,
      origin: "ledger.example/log",
      root: "ab".repeat(32),
      since: "2026-11-23T10:10:00Z",
      size: 41,
    };
    const shown = (more: object) => {
      const lines = statusLines(
        { signer: { ...signer, ledger: { ...ledger, ...more } }, daemon: { daemon }, now },
        plain,
      );
      expect(lines.filter((line) => line.length > 80)).toEqual([]);
      return lines.join(" ").replace(/ +/g, " ");
    };
    expect(shown({})).toContain(
      "ledger ledger.example/log: acknowledged to number 1 (log of 41 entries); 2 of 5 outstanding, for 2 h of 24 hours",
    );
    expect(shown({ limits: null, manifests: 0, since: null })).toContain("(log of 41 entries); 0 outstanding ");
    expect(shown({ number: 0, size: 0 })).toContain("ledger.example/log: nothing acknowledged yet; 2 of 5 outstanding");
    const none = statusLines({ signer: { ...signer, ledger: null }, daemon: { daemon }, now }, plain);
    expect(none.some((line) => line.trim().startsWith("ledger"))).toBe(false);
  });

  it("SUSPENDED, KEY-STATE: what orders keep from being sealed, keys that end or are staged, and the policy's limits are said", () => {
    const held = {
      ...signer,
      held: { code: "SUSPENDED", message: "the box is suspended since 2026-11-23T12:00:00Z: a bag was open" },
      keys: {
        found: ["recorded, but not on the token: pkcs11:object=sealing-2"],
        inForce: { audit: { notAfter: "2026-12-01T00:00:00Z" }, sealing: { notAfter: "2028-01-01T00:00:00Z" } },
        staged: [{ key: "cd".repeat(32), purpose: "sealing", state: "ready" }],
      },
      orders: { digest: null, number: 4 },
      unlocked: { seals: 12, seconds: 90 },
    };
    const lines = statusLines({ signer: held, daemon: { daemon }, now }, plain);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    const text = lines.join(" ").replace(/ +/g, " ");
    expect(text).toContain("SUSPENDED: the box is suspended since");
    expect(text).toContain(
      "audit until 2026-12-01 00:00Z; sealing until 2028-01-01 00:00Z; sealing cdcdcdcdcdcdcdcd… ready",
    );
    expect(text).toContain("recorded, but not on the token: pkcs11:object=sealing-2");
    expect(text).toContain("orders 4 taken");
    expect(text).toContain("for 1 min 30 s or 12 seals more");
  });
});

describe("journal rows", () => {
  it("UX8: time in UTC, kind and facts in lines of 80 columns, digests cut, strange characters escaped", () => {
    const record = { batch: "ü", digest: "ab".repeat(32), number: 3 };
    expect(journalLines({ sequence: 12, time: "2026-11-23T12:04:11Z", kind: "manifest", record })).toEqual([
      "    12  2026-11-23 12:04:11Z  manifest      batch \\u{fc}, digest",
      "                                            abababababababab…, number 3",
    ]);
  });

  it("UX8: manifest numbers are told as ranges", () => {
    expect(ranges([7, 1, 2, 3])).toBe("1-3, 7");
    expect(ranges([])).toBe("");
  });
});
