import { describe, expect, it } from "vitest";
import type { BatchRow } from "../../appliance/client/batch-row.ts";
import { exportAudit, exportBatch, importControl } from "../../ceremony/carry.ts";
import { journal, verifyJournal } from "../../ceremony/journal.ts";
import { list, status } from "../../ceremony/look.ts";
import { findRow } from "../../ceremony/open-batch.ts";
import type { Daemon, Signer } from "../../ceremony/ports.ts";
import { show } from "../../ceremony/show.ts";
import { lock, unlock } from "../../ceremony/unlock.ts";
import { watchBatch } from "../../ceremony/watch.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { codeOf, fakeDaemon, fakeSitting, fakeToken, stranger } from "./software-box.ts";

const token = fakeToken(stranger, "op1");

function sittingWith(parts: {
  daemon?: Partial<Daemon>;
  signer?: Partial<Signer>;
  answer?: (question: string) => string;
}) {
  const made = fakeSitting("op1", parts.daemon as Daemon, token, parts.answer ?? (() => ""));
  return { ...made, sitting: { ...made.sitting, signer: parts.signer as Signer } };
}

const unreachable = async () => {
  throw new Refusal("UNREACHABLE", "no answer");
};

describe("unlocking", () => {
  const locked = { appliance: "test-box", locked: true, pin: { failures: 0 }, token: { serial: "6f2c" } };

  it("SECRET: the PIN's bytes are wiped after they were sent", async () => {
    const held: Uint8Array[] = [];
    const sentTexts: string[] = [];
    const signer: Partial<Signer> = {
      status: async () => locked,
      unlock: async (pin) => {
        held.push(pin);
        sentTexts.push(Buffer.from(pin).toString());
        return { head: "agrees", token: "6f2c" };
      },
    };
    const { sitting, text, documents } = sittingWith({ signer, answer: () => "secret" });
    await unlock(sitting);
    expect(sentTexts).toEqual(["secret"]);
    expect(held.every((pin) => pin.every((byte) => byte === 0))).toBe(true);
    expect(text()).toContain("the record agrees with the head on the token");
    expect(documents).toEqual([{ changed: true, head: "agrees", held: null, locked: false, token: "6f2c" }]);
    expect(text()).toContain("Next: batches with a full quorum are sealed now");
  });

  it("SUSPENDED: an unlocked box that seals nothing says so, and not that batches are sealed now", async () => {
    const held = { code: "SUSPENDED", message: "the box is suspended since noon" };
    const signer: Partial<Signer> = {
      status: async () => ({ ...locked, held }),
      unlock: async () => ({ head: "agrees", token: "6f2c" }),
    };
    const { sitting, text } = sittingWith({ signer, answer: () => "secret" });
    await unlock(sitting);
    expect(text()).toContain("It seals nothing: SUSPENDED: the box is suspended since noon");
    expect(text()).not.toContain("sealed now");
  });

  it("PIN-WRONG: says whose PIN was expected and how many tries there were; PIN-LOCKED ends it at once", async () => {
    let failures = 0;
    const wrong: Partial<Signer> = {
      status: async () => ({ ...locked, pin: { failures } }),
      unlock: async () => {
        failures += 1;
        throw new Refusal(failures < 3 ? "PIN-WRONG" : "PIN-LOCKED", "wrong");
      },
    };
    const { sitting, asked } = sittingWith({ signer: wrong, answer: () => "x" });
    expect(await codeOf(unlock(sitting))).toBe("PIN-LOCKED");
    expect(asked[1]).toContain("; 1 wrong try so far)");
    expect(asked[2]).toContain("; 2 wrong tries so far)");
    failures = -3;
    const again = sittingWith({ signer: wrong, answer: () => "x" });
    await expect(unlock(again.sitting)).rejects.toMatchObject({
      code: "PIN-WRONG",
      expected: "the PIN of the box test-box",
    });
  });

  it("UX1: unlocking an unlocked box asks for nothing", async () => {
    const { sitting, asked } = sittingWith({ signer: { status: async () => ({ ...locked, locked: false }) } });
    await unlock(sitting);
    expect(asked).toEqual([]);
  });

  it("LOCKED: lock tells what the box does then", async () => {
    let called = 0;
    const { sitting, text } = sittingWith({ signer: { lock: async () => void called++ } });
    await lock(sitting);
    expect(called).toBe(1);
    expect(text()).toContain("seals nothing until it is unlocked again");
  });
});

describe("carrying", () => {
  const exporting = async (files: number, number: number | null) => {
    const parts: Partial<Daemon> = { export: async () => ({ bytes: 2048, files, number, path: "/stick/\u001b" }) };
    const { sitting, text } = sittingWith({ daemon: parts });
    await exportBatch(sitting, "contracts", undefined);
    return text();
  };

  it("CHECKED-OUT: an export tells what was written, verified, and that the stick may go", async () => {
    const text = await exporting(12, 3);
    expect(text).toContain("Exported 12 files, 2.00 KiB, to /stick/\\u{1b} of the stick.");
    expect(text).toContain("read back and verified. You may remove the stick now.");
  });

  it("HONEST: of a refusal it says that nothing was verified, of nothing that nothing was written", async () => {
    const refusal = await exporting(1, null);
    expect(refusal).toContain("read back and compared; there is no manifest in it to verify");
    expect(refusal).not.toContain("and verified");
    const none = await exporting(0, null);
    expect(none).toContain("Nothing was written: another answer stands at /stick/");
    expect(none).not.toContain("read back");
  });

  it("T19: a batch that ended and is listed no more is shown as it ended", async () => {
    const { daemon } = await fakeDaemon();
    const [one] = await daemon.list();
    if (!one) throw new Error("no row");
    const parts: Partial<Daemon> = {
      list: async () => [],
      open: async () => {
        throw new Refusal("BATCH-ENDED", "the batch has ended: it was released");
      },
      watch: async () => ({ ...one, number: 7, state: "released" }),
    };
    const { sitting, text } = sittingWith({ daemon: parts });
    await show(sitting, "7", false);
    expect(text()).toContain("(manifest 7)");
  });

  it("UX8: exported manifests are named by number", async () => {
    const some: Partial<Daemon> = { exportAudit: async () => ({ numbers: [4, 5, 6, 9], path: "/keeper" }) };
    const { sitting, text } = sittingWith({ daemon: some });
    await exportAudit(sitting, undefined);
    expect(text()).toContain("Exported 4 manifests (4-6, 9) to /keeper of the keeper's stick.");
    const none = sittingWith({ daemon: { exportAudit: async () => ({ numbers: [], path: "/keeper" }) } });
    await exportAudit(none.sitting, undefined);
    expect(none.text()).toBe("Nothing to export: no manifest waits for the keeper's acknowledgement.");
  });

  it("POLICY-SIGNERS: an import of which nothing could be taken ends with the first refusal", async () => {
    const refusal = { code: "POLICY-SIGNERS", message: "too few" };
    const refused: Partial<Daemon> = {
      import: async () => ({ imported: [], refused: [{ file: "policy.p7m", refusal }] }),
    };
    const { sitting, text } = sittingWith({ daemon: refused });
    expect(await codeOf(importControl(sitting))).toBe("POLICY-SIGNERS");
    expect(text()).toBe("refused  policy.p7m: POLICY-SIGNERS, too few");
    const taken: Partial<Daemon> = {
      import: async () => ({ imported: [{ file: "policy.p7m", kind: "policy", number: 2 }], refused: [] }),
    };
    const good = sittingWith({ daemon: taken });
    await importControl(good.sitting);
    expect(good.text()).toBe("taken    policy.p7m: policy number 2");
  });

  it("MEDIA-LIMIT: an import that looked at a part of control/in says so, and ends as refused", async () => {
    const imported = [{ file: "ack.p7m", kind: "acknowledgement", number: 2 }];
    const parts: Partial<Daemon> = {
      import: async () => ({ imported, left: "control/in holds 1,001 files", refused: [] }),
    };
    const { sitting, text } = sittingWith({ daemon: parts });
    expect(await codeOf(importControl(sitting))).toBe("MEDIA-LIMIT");
    expect(text()).toContain("control/in holds 1,001 files");
    expect(sitting.consequence).toBe("1 file taken in, 0 refused");
  });

  it("POLICY-CHAIN: an import of which only a part was taken ends with the first refusal all the same", async () => {
    const partly: Partial<Daemon> = {
      import: async () => ({
        imported: [{ file: "a.p7m", kind: "policy", number: 2 }],
        refused: [
          { file: "b.p7m", refusal: { code: "POLICY-CHAIN", message: "a gap" } },
          {
            file: "c\\u{1b}.p7m",
            refusal: { code: "DER", message: "c\\u{1b}: no DER", expected: "size 41", got: "none" },
          },
        ],
      }),
    };
    const { sitting, text } = sittingWith({ daemon: partly });
    expect(await codeOf(importControl(sitting))).toBe("POLICY-CHAIN");
    expect(text()).toContain("taken    a.p7m: policy number 2");
    expect(text()).toContain("refused  c\\u{1b}.p7m: DER, c\\u{1b}: no DER (expected size 41, got none)");
    expect(sitting.consequence).toBe("1 file taken in, 2 refused");
  });
});

describe("the journal", () => {
  it("CHAIN: rows are printed one a line, and a broken chain's refusal passes", async () => {
    const row = {
      digest: "ab".repeat(32),
      kind: "created",
      previous: "00".repeat(32),
      record: { appliance: "x" },
      sequence: 1,
      time: "2026-11-23T10:00:00Z",
    };
    const signer: Partial<Signer> = {
      journal: async () => utf8(`${JSON.stringify(row)}\n`),
      verifyJournal: async () => {
        throw new Refusal("CHAIN", "journal row 7 was changed: its digest is another", { about: "row 7" });
      },
    };
    const { sitting, text, documents } = sittingWith({ signer });
    await journal(sitting, 1, 10);
    expect(text()).toBe("     1  2026-11-23 10:00:00Z  created       appliance x");
    expect(documents).toEqual([{ rows: [row] }]);
    await expect(verifyJournal(sitting)).rejects.toMatchObject({ code: "CHAIN", about: "row 7" });
  });
});

describe("looking", () => {
  it("UNREACHABLE: status shows what answers and ends with not possible now", async () => {
    const { sitting, text } = sittingWith({
      daemon: { status: unreachable },
      signer: { status: async () => ({ appliance: "test-box", locked: true }) },
    });
    expect(await codeOf(status(sitting))).toBe("UNREACHABLE");
    expect(text()).toContain("Box test-box: locked");
    expect(text()).toContain("daemon       does not answer");
  });

  it("UX7: --json of list has every row whole", async () => {
    const { daemon } = await fakeDaemon();
    const rows = await daemon.list();
    const { sitting, documents } = sittingWith({ daemon: { listing: async () => ({ rows, sticks: [] }) } });
    await list(sitting, false);
    expect(documents).toMatchObject([{ batches: [{ folder: "2026-11-23-contracts", needed: 2, approvals: [] }] }]);
    expect(documents[0]).not.toHaveProperty("sticks");
  });

  it("T27: list and status show an alarm of sticks, escaped", async () => {
    const sticks = [
      "ALARM: pull out 046d:c31c: a USB device (STICK-DEVICE)",
      "stick \u001b[2J: you may remove the stick now",
    ];
    const { sitting, text } = sittingWith({
      daemon: { listing: async () => ({ rows: [], sticks }), status: async () => ({ daemon: { sticks } }) },
      signer: { status: unreachable },
    });
    await list(sitting, false);
    expect(text()).toContain("ALARM: pull out 046d:c31c");
    expect(text()).not.toContain("\u001b[2J");
    await status(sitting).catch(() => undefined);
    expect(text().split("ALARM: pull out 046d:c31c")).toHaveLength(3);
  });
});

describe("which batch is meant", () => {
  const rows = async (...states: readonly BatchRow["state"][]) => {
    const { daemon } = await fakeDaemon();
    const [row] = await daemon.list();
    if (!row) throw new Error("no row");
    const all = states.map((state, at) => ({ ...row, state, batchDigest: `${at}`.repeat(64) }));
    return { folder: row.folder, ...sittingWith({ daemon: { list: async () => all } }) };
  };

  it("T32: a live batch comes before ended ones of the same name", async () => {
    const { sitting, folder } = await rows("released", "waiting-for-documents", "refused");
    expect(await findRow(sitting, folder)).toMatchObject({ state: "waiting-for-documents" });
    expect(await findRow(sitting, "0".repeat(8))).toMatchObject({ state: "released" });
    expect(await findRow(sitting, "elsewhere")).toBeUndefined();
  });

  it("T32: a folder that is copied again does not stand in the way of its batch", async () => {
    const { sitting, folder } = await rows("waiting-for-approval", "copying");
    const [first, second] = await sitting.daemon.list(true);
    const listed = [first, { ...second, batchDigest: null }] as BatchRow[];
    const copying = { ...sitting, daemon: { ...sitting.daemon, list: async () => listed } };
    expect(await findRow(copying, folder)).toMatchObject({ state: "waiting-for-approval" });
  });

  it("T32: several are told apart by their digests, not guessed", async () => {
    const { sitting, folder } = await rows("released", "refused");
    await expect(findRow(sitting, folder)).rejects.toMatchObject({ code: "USAGE", got: "000000000000, 111111111111" });
  });
});

describe("watching", () => {
  const ending = async (
    state: "released" | "aborted" | "rejected" | "refused",
    refusal: { code: "DOCUMENT-DIGEST"; message: string } | null = null,
  ) => {
    const { daemon } = await fakeDaemon();
    const [row] = await daemon.list();
    if (!row) throw new Error("no row");
    return sittingWith({ daemon: { watch: async () => ({ ...row, state, refusal }) } }).sitting;
  };

  it("UX5: a batch that did not end as released ends the watch with a refusal", async () => {
    expect(await codeOf(watchBatch(await ending("released"), "b"))).toBe("none");
    expect(await codeOf(watchBatch(await ending("aborted"), "b"))).toBe("ABORTED");
    expect(await codeOf(watchBatch(await ending("rejected"), "b"))).toBe("BATCH-ENDED");
    const refusal = { code: "DOCUMENT-DIGEST", message: "another digest" } as const;
    expect(await codeOf(watchBatch(await ending("refused", refusal), "b"))).toBe("DOCUMENT-DIGEST");
  });
});
