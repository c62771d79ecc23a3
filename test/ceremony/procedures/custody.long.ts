import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readCeremonyFile } from "../../../ceremony/engine/ceremony-file.ts";
import { procedureOf } from "../../../ceremony/procedures/registry.ts";
import { type RehearsedAsset, rehearsedAssets } from "../../../ceremony/rehearse/custody-file.ts";
import { linesNamed } from "../../../manifests/records/custody.ts";
import { entryBytes } from "../../../manifests/records/transcript.ts";
import { codeOf } from "../software-box.ts";
import {
  answering,
  boxLog,
  custodyBox,
  custodyFile,
  failures,
  holdCustody,
  logNow,
  stickLog,
  verified,
} from "./custody-box.ts";

custodyBox();

const sha256Of = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");
/** A thing that comes from outside, in sealed bag A-1. */
const bag = (id: string, more: Partial<RehearsedAsset> = {}): RehearsedAsset => ({
  description: "a bag",
  from: { by: "ada", outside: "Supplier" },
  id,
  kind: "bag",
  seal: "A-1",
  to: { person: "op1" },
  ...more,
});
const skipAll = { decide: () => "skip" as const };

describe("a custody ceremony", () => {
  it("CUSTODY: each hand-over is agreed by two, stands in the log on both disks, and the transcript names its line", async () => {
    const { held, said } = await holdCustody(await custodyFile());
    const { transcript, signers } = await verified(held);
    expect(transcript.entries.map(({ kind, step }) => `${kind} ${step}`)).toEqual([
      "opened null",
      "done log",
      "done see-token-spare",
      "done seal-token-spare",
      "done hand-over-token-spare",
      "done see-envelope-op1",
      "done hand-over-envelope-op1",
      "done close",
      "completed null",
    ]);
    expect([...signers].sort()).toEqual(["op1", "op2"]);
    const log = await logNow();
    expect(readFileSync(stickLog())).toEqual(readFileSync(boxLog()));
    expect(log.held.get("token-spare")).toMatchObject({ seal: "B-1002", custodian: { kind: "person", id: "op1" } });
    expect(log.held.get("envelope-op1")).toMatchObject({
      seal: "E-0007",
      custodian: { kind: "place", name: "safe 2, vault 1", by: { id: "op2" } },
    });
    const lines = readFileSync(boxLog(), "utf8").trimEnd().split("\n");
    const done = transcript.entries.filter(({ step }) => step?.startsWith("hand-over"));
    expect(done.map(({ facts }) => facts["log line"])).toEqual(lines.map(sha256Of));
    expect([...linesNamed(transcript)]).toEqual(expect.arrayContaining([...lines.map(sha256Of), log.head]));
    expect(done[0]?.people).toEqual(["ada", "op1", "wim"]);
    expect(done[1]?.people).toEqual(["op1", "op2", "wim"]);
    const digests = transcript.entries.map((entry) => sha256Of(entryBytes(entry)));
    for (const { ceremony } of log.events) expect(digests).toContain(ceremony);
    const close = transcript.entries.find(({ step }) => step === "close");
    expect(close?.shown).toEqual([{ label: "head of the custody log", digest: log.head, confirmedBy: ["wim"] }]);
    expect(said.join("\n")).toContain("The head of the custody log: ");
  });

  it("CUSTODY: what another holds by the log is not handed over, unless a deviation was recorded", async () => {
    const { nextSeal: _, ...spare } = rehearsedAssets[0] as RehearsedAsset;
    const moved = { ...spare, from: { person: "op2" }, seal: "B-1002", to: { person: "wim" } };
    const before = (await logNow()).events.length;
    const { held } = await holdCustody(await custodyFile([moved]), {
      decide: () => "again",
      begin: deviationAt("see-token-spare", 2),
      answer: answering([/^ada: What was not as planned/, "op2 took it out of op1's drawer"]),
    });
    expect(failures(await verified(held))).toEqual(["see-token-spare CEREMONY-STEP"]);
    const { events, held: now } = await logNow();
    expect(events).toHaveLength(before + 1);
    expect(events.at(-1)?.deviation).toBe("op2 took it out of op1's drawer; instead: as rehearsed");
    expect(now.get("token-spare")?.custodian).toMatchObject({ id: "wim" });
  });

  it("CUSTODY: what the log does not know comes from outside, and nobody else takes it into custody", async () => {
    const before = readFileSync(boxLog());
    const file = await custodyFile([bag("unknown", { from: { person: "op2" } })]);
    const { held } = await holdCustody(file);
    expect(held).toMatchObject({ outcome: "paused", refusal: { code: "CEREMONY-STEP", about: "unknown" } });
    expect(readFileSync(boxLog())).toEqual(before);
  });
});

/** Records a deviation before the step begins for the n-th time. */
function deviationAt(step: string, time: number) {
  let begun = 0;
  return ({ id }: { readonly id: string }) => {
    if (id === step) begun += 1;
    return id === step && begun === time ? ("deviation" as const) : ("go" as const);
  };
}

describe("a step that fails", () => {
  it("CEREMONY-STEP: see: another serial or seal number than the file's is refused; with a deviation what was read is logged", async () => {
    const file = await custodyFile([bag("stick-1", { kind: "stick", serial: "S-9" })]);
    const { held } = await holdCustody(file, {
      decide: () => "again",
      begin: deviationAt("see-stick-1", 3),
      answer: answering(
        [/^wim: .*serial number of stick-1/, "S-6"],
        [/^wim: .*seal number of stick-1/, "A-1"],
        [/^wim: .*serial number of stick-1/, "S-9"],
        [/^wim: .*seal number of stick-1/, "A-7"],
        [/^wim: .*seal number of stick-1/, "A-7"],
      ),
    });
    const record = await verified(held);
    expect(failures(record)).toEqual(["see-stick-1 CEREMONY-STEP", "see-stick-1 CEREMONY-STEP"]);
    const [first] = record.transcript.entries.filter(({ kind }) => kind === "failed");
    expect(first?.facts).toMatchObject({ expected: "S-9", got: "S-6" });
    const seen = record.transcript.entries.find(({ kind, step }) => kind === "done" && step === "see-stick-1");
    expect(seen?.facts["not as expected"]).toBe("seal: expected A-1, got A-7");
    expect((await logNow()).events.at(-1)).toMatchObject({ asset: "stick-1", seal: "A-7", serial: "S-9" });
  });

  it("CEREMONY-STEP: see: a deviation lets nothing pass that its people do not agree to", async () => {
    const { held } = await holdCustody(await custodyFile([bag("stick-2")]), {
      begin: deviationAt("see-stick-2", 1),
      answer: answering([/^wim: .*seal number/, "A-7"], [/^wim: .*Is that what the deviation/, "no"]),
    });
    expect(held).toMatchObject({ outcome: "paused", next: "see-stick-2", refusal: { code: "CEREMONY-STEP" } });
  });

  it("CEREMONY-STEP: log: without a witness in the room nothing is read or handed over", async () => {
    const file = await custodyFile([bag("stick-3", { from: { by: "ada", outside: "Supplier" } })]);
    const { held } = await holdCustody(file, { here: (person) => person !== "wim" });
    expect(held).toMatchObject({ outcome: "paused", next: "log", refusal: { code: "CEREMONY-STEP" } });
  });

  it("CEREMONY-STEP: seal: another new number is refused; with a deviation it stands, and left out there is none", async () => {
    const file = await custodyFile([bag("bag-1", { nextSeal: "A-2" }), bag("bag-2", { nextSeal: "A-3" })]);
    const decisions = ["again", "skip"] as const;
    let failed = 0;
    const { held } = await holdCustody(file, {
      decide: () => decisions[failed++] ?? "stop",
      begin: deviationAt("seal-bag-1", 2),
      answer: answering(
        [/^wim: .*new seal number of bag-1/, "A-9"],
        [/^wim: .*new seal number of bag-1/, "A-9"],
        [/^wim: .*new seal number of bag-2/, "A-9"],
      ),
    });
    expect(failures(await verified(held))).toEqual(["seal-bag-1 CEREMONY-STEP", "seal-bag-2 CEREMONY-STEP"]);
    const { held: now } = await logNow();
    expect(now.get("bag-1")?.event).toMatchObject({
      seal: "A-1",
      nextSeal: "A-9",
      deviation: "as rehearsed; instead: as rehearsed",
    });
    expect(now.get("bag-2")?.event).toMatchObject({
      seal: "A-1",
      nextSeal: null,
      deviation: "as rehearsed; instead: as rehearsed",
    });
  });

  it("CEREMONY-STEP: hand over: without an exact Yes of both nothing is logged", async () => {
    const before = (await logNow()).events.length;
    const file = await custodyFile([bag("bag-3")]);
    const { held } = await holdCustody(file, {
      decide: () => "again",
      answer: answering([/^ada: Do you hand over/, "yes"], [/^op1: Do you take/, "I do"]),
    });
    expect(failures(await verified(held))).toEqual(["hand-over-bag-3 CEREMONY-STEP", "hand-over-bag-3 CEREMONY-STEP"]);
    expect((await logNow()).events).toHaveLength(before + 1);
  });

  it("CEREMONY-STEP: hand over: both must be here; what nobody saw is not handed over, and stays out of the log", async () => {
    const before = readFileSync(boxLog());
    const { held } = await holdCustody(await custodyFile([bag("bag-4")]), { here: (person) => person !== "op1" });
    expect(held).toMatchObject({ outcome: "paused", next: "hand-over-bag-4", refusal: { code: "CEREMONY-STEP" } });
    const unseen = await holdCustody(await custodyFile([bag("bag-5", { nextSeal: "A-2" })]), {
      ...skipAll,
      answer: answering([/^wim: .*seal number/, "A-8"]),
    });
    const record = await verified(unseen.held);
    expect(failures(record).map((one) => one.split(" ")[0])).toEqual(["see-bag-5", "seal-bag-5", "hand-over-bag-5"]);
    const close = record.transcript.entries.find(({ step }) => step === "close");
    expect(close?.facts["handed over"]).toBe("nothing");
    expect(readFileSync(boxLog())).toEqual(before);
  });

  it("CEREMONY-STEP: close: the head is compared from the paper", async () => {
    const { held } = await holdCustody(await custodyFile([bag("bag-6")]), {
      answer: answering([/^wim: head of the custody log/, "adult amulet"]),
    });
    expect(held).toMatchObject({ outcome: "paused", next: "close", refusal: { code: "CEREMONY-STEP" } });
  });

  it("CHAIN: log: a line that was changed, taken out or put in stops the ceremony before anything is handed over", async () => {
    const good = readFileSync(boxLog());
    const onStick = readFileSync(stickLog());
    const lines = good.toString().split("\n");
    const spoilt = [
      good.toString().replace("spare signing token", "other signing token"),
      lines.slice(1).join("\n"),
      [lines[0], ...lines.slice(2)].join("\n"),
      // The last line is nobody's `previous`: transcripts name it.
      `${lines.slice(0, -2).join("\n")}\n`,
      `${good}${lines[0]}\n`,
    ];
    try {
      for (const text of spoilt) {
        writeFileSync(boxLog(), text);
        const { held } = await holdCustody(await custodyFile([bag("bag-7")]));
        expect(held).toMatchObject({ outcome: "paused", next: "log", refusal: { code: "CHAIN" } });
      }
      writeFileSync(boxLog(), good);
      for (const text of [`${good}${lines[0]}\n`, "{}\n"]) {
        writeFileSync(stickLog(), text);
        const { held } = await holdCustody(await custodyFile([bag("bag-7")]));
        expect(held).toMatchObject({ outcome: "paused", next: "log", refusal: { code: "CHAIN" } });
        expect(readFileSync(stickLog(), "utf8")).toBe(text);
      }
    } finally {
      writeFileSync(boxLog(), good);
      writeFileSync(stickLog(), onStick);
    }
  });
});

describe("a custody ceremony that is interrupted", () => {
  it("CUSTODY: between the line and the step's end, appends nothing twice, and asks nobody again", async () => {
    const file = await custodyFile([bag("bag-8")]);
    await expect(holdCustody(file, {}, "hand-over-bag-8")).rejects.toThrow("the power goes");
    const before = readFileSync(boxLog());
    const asked: string[] = [];
    const { held } = await holdCustody(file, { answer: (_, question) => void asked.push(question) });
    const { transcript } = await verified(held);
    const done = transcript.entries.find(({ kind, step }) => kind === "done" && step === "hand-over-bag-8");
    expect(done?.facts).toMatchObject({ logged: "before an interruption", "log line": (await logNow()).head });
    expect(readFileSync(boxLog())).toEqual(before);
    expect(asked.filter((question) => question.startsWith("Do you"))).toEqual([]);
  });

  it("CUSTODY: before the line, asks again; a line that was left unfinished counts for nothing", async () => {
    const before = readFileSync(boxLog(), "utf8");
    const file = await custodyFile([bag("bag-9")]);
    await expect(holdCustody(file, {}, "see-bag-9")).rejects.toThrow("the power goes");
    appendFileSync(boxLog(), '{"appliance":"test-b');
    await verified((await holdCustody(file)).held);
    const after = readFileSync(boxLog(), "utf8");
    expect(after.startsWith(before)).toBe(true);
    expect(after.slice(before.length).split("\n")).toHaveLength(2);
    expect((await logNow()).held.has("bag-9")).toBe(true);
  });

  it("UNREACHABLE: where the audit key is to sign, the signer must answer; until then there is no transcript", async () => {
    const file = await custodyFile([bag("bag-10")], true);
    expect(await codeOf(holdCustody(file))).toBe("UNREACHABLE");
    const { archive } = readCeremonyFile(file);
    expect(existsSync(boxLog().replace("custody.jsonl", `${archive}-custody/transcript.p7m`))).toBe(false);
  });
});

describe("a custody file", () => {
  it.each([
    ["an unknown member of an asset", { weight: 3 }],
    ["an unknown kind", { kind: "cat" }],
    ["nobody of that id", { to: { person: "nobody" } }],
    ["a place without who puts it there", { to: { place: "safe 2" } }],
    ["a place and a person", { to: { person: "op1", place: "safe 2", by: "op1" } }],
    ["one person on both sides", { to: { by: "ada", place: "safe 2" } }],
    ["a new seal with the old number", { nextSeal: "A-1" }],
    ["a number with blanks around it", { serial: " 12" }],
    ["what stays where it is", { from: { by: "op1", place: "safe" }, to: { by: "op2", place: "safe" } }],
    ["nobody to look on", { from: { person: "ada" }, to: { person: "wim" } }],
  ])("CEREMONY-FILE: is refused with %s", async (_, change) => {
    const path = await custodyFile([bag("bag-x", change as Partial<RehearsedAsset>)]);
    expect(await codeOf(Promise.resolve().then(() => procedureOf(readCeremonyFile(path))))).toBe("CEREMONY-FILE");
  });

  it("CEREMONY-FILE: is refused with an asset twice, or with none", async () => {
    for (const assets of [[bag("bag-x"), bag("bag-x")], []]) {
      const path = await custodyFile(assets);
      expect(await codeOf(Promise.resolve().then(() => procedureOf(readCeremonyFile(path))))).toBe("CEREMONY-FILE");
    }
  });
});
