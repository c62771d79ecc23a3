import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperatorPaths } from "../../ceremony/provision/layout.ts";
import { answer, approve, asOperator, succeeded } from "../../demo/people.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { readManifest } from "../../manifests/records/manifest.ts";
import { readRefusalFile } from "../../manifests/records/refusal-record.ts";
import { type WholeBox, wholeBox } from "./whole-box.ts";

let whole: WholeBox;
let op1: OperatorPaths;
let op2: OperatorPaths;
let op3: OperatorPaths;

beforeAll(async () => {
  whole = await wholeBox({ incompleteSeconds: 10 });
  [op1, op2, op3] = whole.paths.operators as [OperatorPaths, OperatorPaths, OperatorPaths];
});
afterAll(() => whole?.end());

async function seal(folder: string, documents: Record<string, string>) {
  const slip = await whole.bring(folder, documents);
  await whole.until(folder, "waiting-for-approval");
  succeeded(await approve(op1, slip), "approve");
  succeeded(await approve(op2, slip), "approve");
  await whole.until(folder, "released");
  return slip;
}

function content(path: string): Uint8Array {
  return readSignedData(readFileSync(path)).content ?? new Uint8Array();
}

function manifestOf(folder: string) {
  return readManifest(content(join(whole.outbox(folder), "manifest.p7m")));
}

describe("a day at the box", () => {
  it("QUORUM: one operator alone, or the same one twice, gets nothing sealed", async () => {
    const slip = await whole.bring("alone", { "a.txt": "a" });
    await whole.until("alone", "waiting-for-approval");
    succeeded(await approve(op1, slip), "approve");
    const again = await approve(op1, slip);
    expect(again.status).toBe(1);
    expect(again.stderr).toMatch(/BATCH-STATE.*nothing was signed/);
    expect(existsSync(whole.outbox("alone"))).toBe(false);
    expect((await whole.until("alone", "waiting-for-approval")).approvals).toHaveLength(1);
  });

  it("SAME-BYTES: wrong words of the slip stop the approval before anything is signed", async () => {
    const slip = await whole.bring("words", { "a.txt": "other words" });
    await whole.until("words", "waiting-for-approval");
    const wrong = { ...slip, words: slip.words.map(() => "aardvark adroitness") };
    const ran = await approve(op1, wrong);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/SLIP-WORDS/);
    expect((await whole.until("words", "waiting-for-approval")).approvals).toEqual([]);
  });

  it("QUORUM: an approval that was withdrawn does not count", async () => {
    const slip = await whole.bring("withdrawn", { "a.txt": "withdrawn" });
    await whole.until("withdrawn", "waiting-for-approval");
    succeeded(await approve(op1, slip), "approve");
    const ran = await asOperator(op1, ["withdraw", "withdrawn"], { answer: (printed) => answer(printed, slip) });
    expect(succeeded(ran, "withdraw").status).toBe(0);
    succeeded(await approve(op2, slip), "approve");
    expect((await whole.until("withdrawn", "waiting-for-approval")).approvals.map((one) => one.person)).toEqual([
      "op2",
    ]);
    expect(existsSync(whole.outbox("withdrawn"))).toBe(false);
  });

  it("QUORUM: one rejection ends a batch, and goes out signed beside the refusal", async () => {
    const slip = await whole.bring("rejected", { "a.txt": "rejected" });
    await whole.until("rejected", "waiting-for-approval");
    const ran = await asOperator(op3, ["reject", "rejected", "--reason", "wrong prices"], {
      answer: (printed) => answer(printed, slip),
    });
    succeeded(ran, "reject");
    await whole.until("rejected", "rejected");
    const names = readdirSync(whole.outbox("rejected"));
    expect(names).toContain("rejection.p7m");
    expect(names).toContain("refusal.p7m");
    const rejection = JSON.parse(Buffer.from(content(join(whole.outbox("rejected"), "rejection.p7m"))).toString());
    expect(rejection).toMatchObject({ type: "rejection", reason: "wrong prices" });
  });

  it("SEAL-ONCE: a sealed batch under another folder name gets the first receipt again, byte for byte", async () => {
    await seal("first", { "a.txt": "seal once", "b.txt": "b" });
    const before = manifestOf("first").number;
    cpSync(whole.inbox("first"), whole.inbox("renamed"), { recursive: true });
    await whole.until("renamed", "released");
    const bytes = (folder: string, file: string) => readFileSync(join(whole.outbox(folder), file));
    for (const file of ["manifest.p7m", "documents.jsonl", "authorization.p7m"]) {
      expect(bytes("renamed", file).equals(bytes("first", file))).toBe(true);
    }
    expect(manifestOf("renamed").number).toBe(before);
  });

  it("SEAL-ONCE: the same document in two batches is sealed in each, and the manifest names the earlier seal", async () => {
    await seal("second", { "copy of a.txt": "seal once" });
    const first = manifestOf("first");
    expect(manifestOf("second").documents.earlier).toEqual([
      { earlierIndex: 1, earlierNumber: first.number, index: 1 },
    ]);
  });

  it("CHAIN: manifests are numbered and chained", async () => {
    const [first, second] = [manifestOf("first"), manifestOf("second")];
    expect(second.number).toBe(first.number + 1);
    const json = JSON.parse((await asOperator(op1, ["--json", "verify-journal"])).stdout);
    expect(json).toMatchObject({ manifests: second.number });
  });

  it("HONEST: what is simulated or self-reported is labelled so in the manifest", () => {
    const { labels, counter, mode } = manifestOf("first");
    expect({ counter, mode, hsm: labels.hsm, isolation: labels.isolation, media: labels.media }).toEqual({
      counter: "software",
      mode: "test",
      hsm: "software-token",
      isolation: "none",
      media: "folder",
    });
  });

  it("CHECKED-OUT: the same export again, to another stick, is the same", async () => {
    const other = join(whole.paths.dir, "other-stick");
    mkdirSync(other);
    const ran = succeeded(await asOperator(op1, ["--json", "export", "first", "--to", other]), "export");
    const path = join(other, (JSON.parse(ran.stdout) as { path: string }).path, "manifest.p7m");
    expect(readFileSync(path).equals(readFileSync(join(whole.outbox("first"), "manifest.p7m")))).toBe(true);
  });

  it("CHAIN: the keeper's stick gets every manifest", async () => {
    succeeded(await asOperator(op1, ["export", "--audit"]), "export --audit");
    const { number } = manifestOf("second");
    const path = join(whole.paths.keeper, "coldseal/audit", String(number), "manifest.p7m");
    expect(readFileSync(path).equals(readFileSync(join(whole.outbox("second"), "manifest.p7m")))).toBe(true);
  });
});

describe("what the box refuses", () => {
  const refused = async (folder: string) => {
    await whole.until(folder, "refused");
    const refusal = readRefusalFile(content(join(whole.outbox(folder), "refusal.p7m")));
    expect(existsSync(join(whole.outbox(folder), "seals"))).toBe(false);
    return { ...refusal.reported, signed: refusal.signed };
  };

  it("T3: a document that is not the one that was listed: DOCUMENT-SIZE or DOCUMENT-DIGEST, signed", async () => {
    await whole.bring("longer", { "a.txt": "a", "b.txt": "b" });
    appendFileSync(join(whole.inbox("longer"), "documents/b.txt"), "x");
    expect(await refused("longer")).toMatchObject({ code: "DOCUMENT-SIZE", folder: "longer", signed: true });
    await whole.bring("changed", { "a.txt": "a" });
    writeFileSync(join(whole.inbox("changed"), "documents/a.txt"), "b");
    expect(await refused("changed")).toMatchObject({ code: "DOCUMENT-DIGEST" });
  });

  it("T1: a link in a batch: MEDIA-KIND", async () => {
    await whole.bring("linked", { "a.txt": "a" });
    symlinkSync("/etc/hostname", join(whole.inbox("linked"), "documents/link"));
    await whole.until("linked", "refused");
    const ran = await whole.verify("linked");
    expect(ran.stdout).toContain("REFUSED (MEDIA-KIND): the refusal holds; nothing of this batch was sealed");
    expect(ran.status).toBe(1);
    expect(await refused("linked")).toMatchObject({ code: "MEDIA-KIND" });
  });

  it("NOTHING-LOST: a batch with a document missing waits, is refused at last, and blocks nobody meanwhile", async () => {
    await whole.bring("missing", { "a.txt": "a", "b.txt": "b" });
    renameSync(join(whole.inbox("missing"), "documents/b.txt"), join(whole.paths.dir, "b.txt"));
    await whole.until("missing", "waiting-for-documents");
    await whole.bring("meanwhile", { "c.txt": "c" });
    await whole.until("meanwhile", "waiting-for-approval");
    expect(await refused("missing")).toMatchObject({ code: "DOCUMENT-MISSING" });
  });

  it("MODE: a mode that the policy does not allow", async () => {
    await whole.bring("offline", { "a.txt": "mode" }, ["--mode", "offline"]);
    expect(await refused("offline")).toMatchObject({ code: "MODE" });
  });
});
