import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type CustodySheetOptions, showCustodySheet } from "../../../ceremony/custody-sheet.ts";
import { custodyPaper, lineDigest } from "../../../ceremony/paper/custody-paper.ts";
import { columns, textOf } from "../../../ceremony/paper/page.ts";
import { pdfOf } from "../../../ceremony/paper/pdf.ts";
import type { NewEvent } from "../../../manifests/records/custody.ts";
import type { Entry } from "../../../manifests/records/transcript.ts";
import { oids, op1 } from "../../bundle/people.ts";
import { signedBy } from "../../bundle/signed.ts";
import { bytesOf, event, logOf, outside, place, usualEvents } from "../../manifests/records/custody-lines.ts";
import { chainedTranscript } from "../../manifests/records/transcript-content.ts";
import { codeOf } from "../software-box.ts";
import { has, keptOutput, newFolder, pdfText, put, scanned, squeezed, wordsOf } from "./printed.ts";

const name = "box-1-custody-000003.sheet";

async function printed(path: string, change: CustodySheetOptions = {}) {
  const out = join(newFolder(), "out");
  const { output, documents } = keptOutput();
  await showCustodySheet(output, path, { print: out, ...change });
  return { documents, pdf: join(out, `${name}.pdf`), text: readFileSync(join(out, `${name}.txt`), "utf8") };
}

async function usual() {
  const made = await logOf(usualEvents);
  return { ...made, path: put(join(newFolder(), "custody/custody.jsonl"), made.bytes) };
}

/** A transcript of a custody ceremony that names a line: given and taken by `op1` and `sam`, seen by Ada. */
async function transcriptOf(line: string): Promise<Uint8Array> {
  const people = [
    { id: "op1", certificate: op1.certificate },
    { id: "sam", certificate: null },
  ];
  const handedOver: Pick<Entry, "facts" | "people" | "step"> = {
    facts: { "log line": line },
    people: ["sam", "op1", "ada"],
    step: "hand-over-token-1",
  };
  return signedBy([op1], oids.transcript, await chainedTranscript(people, [handedOver], { ceremony: "custody" }));
}

function isPrintable(text: string): void {
  expect(text).toMatch(/^[\n\f\x20-\x7e]*$/);
  expect(Math.max(...text.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(columns);
}

describe("a custody sheet", () => {
  it("CUSTODY: says who holds what, each hand-over with seals and ceremony, what was not as planned, and the head", async () => {
    const { log, path } = await usual();
    const { documents, text } = await printed(path);
    isPrintable(text);
    const flat = squeezed(text);
    expect(documents).toMatchObject([{ appliance: "box-1", events: 3, head: log.head, seen: 0 }]);
    for (const line of [
      "token-1: place: safe 2, brought there by Person sam (sam); seal or bag B-2 key-1: place: safe 2",
      "what token: the token-1 serial no. 6F2C held by place: safe 2, brought there by Person sam (sam)",
      "Event 1, 2026-11-26T12:00:00Z from outside: Supplier, taken out by Person sam (sam) to Person op1 (op1) witness ____",
      "came in seal or bag B-1 went in seal or bag B-2 ceremony archive no. 2026-004",
      "!! NOT AS PLANNED: found in a drawer from Person op2 (op2) to place: safe 2, put there by Person sam (sam)",
      "witnesses in the ceremonies' transcripts, of which none was found",
      `${wordsOf(log.head ?? "")} ${log.head}`,
      "Event 3. Archive number ____",
      "Person sam (sam) ____",
      "Witness ____",
    ])
      expect(flat).toContain(line);
    expect(text).not.toContain("***");
  });

  it("CUSTODY: names the witness by the signed transcript beside the log, on the stick as in the box's records", async () => {
    const { log, path } = await usual();
    const [first] = log.events;
    if (!first) throw new Error("no event");
    const transcript = await transcriptOf(lineDigest(log, first));
    const stick = put(join(path, "../../transcripts/2026-004-custody.p7m"), transcript);
    const onStick = squeezed((await printed(path)).text);
    expect(onStick).toContain("to Person op1 (op1) witness Ada (ada), by transcript ");
    expect(onStick).toContain(
      "witnesses of 1 of 3 events, by transcripts that all signed who were there; write in the",
    );
    put(join(path, "../2026-005-custody/entries.jsonl"), "under way");
    const records = put(join(path, "../2026-004-custody/transcript.p7m"), transcript);
    expect(squeezed((await printed(path)).text)).toBe(onStick);
    for (const transcripts of [join(stick, ".."), join(records, "../..")]) {
      expect(squeezed((await printed(path, { transcripts })).text)).toBe(onStick);
    }
  });

  it("CUSTODY: printed again it says so and is otherwise equal; a rehearsal's says that nothing of it counts", async () => {
    const { path } = await usual();
    const [once, again] = [await printed(path), await printed(path, { reprint: 1 })];
    expect(again.text.replace(/^\*\*\* REPRINT 1, .*Z \*\*\*\n/m, "")).toBe(once.text);
    expect(again.text).toContain("*** REPRINT 1, ");
    const made = await logOf(usualEvents.map((one): NewEvent => ({ ...one, run: "rehearsal" })));
    const rehearsed = await printed(put(join(newFolder(), "custody.jsonl"), made.bytes));
    expect(rehearsed.text).toContain("*** REHEARSAL by made-up people: nothing of it counts ***");
  });

  it.runIf(has("zbarimg", "pdftoppm", "pdftotext"))(
    "PRINTER: the PDF holds each asset and event, and a scanner reads the head back",
    async () => {
      const { log, path } = await usual();
      const { pdf } = await printed(path);
      const text = squeezed(pdfText(pdf));
      for (const line of ["Asset token-1", "Asset key-1", "Event 1,", "Event 2,", "Event 3,", "page 2 of 2"])
        expect(text).toContain(line);
      expect(text).toContain("!! NOT AS PLANNED: found in a drawer");
      expect(scanned(pdf)).toEqual([log.head]);
    },
  );

  it("T2: hostile names stay within the columns and out of file names", async () => {
    const evil = "\u202eevil \u2028".repeat(9);
    const { log, bytes } = await logOf([
      event(
        "token-1",
        outside(`x${"y".repeat(99)}`),
        { id: "op1", kind: "person", name: evil },
        {
          appliance: "../../etc/box",
          description: evil.repeat(2),
          nextSeal: "\u202e".repeat(30),
        },
      ),
      event("token-1", { id: "op1", kind: "person", name: evil }, place(`p${evil.replaceAll("\u2028", "")}q`), {
        appliance: "../../etc/box",
        deviation: `!! ${evil.repeat(40)}`,
      }),
    ]);
    const paper = custodyPaper({ log, seen: new Map() });
    isPrintable(textOf(paper));
    expect((await pdfOf(paper, "2026-11-26T12:00:00Z")).length).toBeGreaterThan(1000);
    const out = newFolder();
    const { output, documents } = keptOutput();
    await showCustodySheet(output, put(join(newFolder(), "custody.jsonl"), bytes), { print: out });
    const files = ["pdf", "txt"].map((end) => join(out, `-etc-box-custody-000002.sheet.${end}`));
    expect(documents).toMatchObject([{ files }]);
    expect(files.every((file) => existsSync(file))).toBe(true);
  });
});

describe("a custody log that does not hold", () => {
  it("CHAIN: has no sheet: a line is missing, changed, or not there at all", async () => {
    const { lines } = await usual();
    const changed = Buffer.from(bytesOf(lines)).toString().replace("found in a drawer", "found in a Drawer");
    const reordered = bytesOf([lines[1], lines[0], lines[2]] as Uint8Array[]);
    const withEnd = Buffer.from(bytesOf(lines)).toString().replace('"number":2', '"number":7');
    const { output } = keptOutput();
    const codes: string[] = [];
    for (const bytes of [bytesOf(lines.slice(1)), reordered, withEnd, ""]) {
      const out = join(newFolder(), "out");
      const path = put(join(newFolder(), "custody.jsonl"), bytes);
      codes.push(await codeOf(showCustodySheet(output, path, { print: out })));
      expect(existsSync(out)).toBe(false);
    }
    expect(codes).toEqual(["CHAIN", "CHAIN", "CHAIN", "CHAIN"]);
    // Nothing follows the last line: its digest, which is the head, tells.
    const path = put(join(newFolder(), "custody.jsonl"), changed);
    await showCustodySheet(output, path, {});
  });

  it("CHAIN: nor has one that lacks a line which a transcript names; a changed transcript is refused, too", async () => {
    const { log, path, lines } = await usual();
    const last = log.events.at(-1);
    if (!last) throw new Error("no event");
    const transcript = await transcriptOf(lineDigest(log, last));
    const dir = newFolder();
    put(join(dir, "2026-004-custody.p7m"), transcript);
    const { output } = keptOutput();
    const short = put(join(newFolder(), "custody.jsonl"), bytesOf(lines.slice(0, 2)));
    expect(await codeOf(showCustodySheet(output, short, { transcripts: dir }))).toBe("CHAIN");
    expect(await codeOf(showCustodySheet(output, path, { transcripts: dir }))).toBe("none");
    transcript[transcript.length - 5] = (transcript[transcript.length - 5] ?? 0) ^ 1;
    put(join(dir, "2026-004-custody.p7m"), transcript);
    expect(await codeOf(showCustodySheet(output, path, { transcripts: dir }))).toBe("CMS-SIGNATURE");
  });

  it("STORE: no log, no folder of transcripts", async () => {
    const { path } = await usual();
    const { output } = keptOutput();
    expect(await codeOf(showCustodySheet(output, join(path, "../none.jsonl"), {}))).toBe("STORE");
    const transcripts = join(path, "../none");
    expect(await codeOf(showCustodySheet(output, path, { transcripts }))).toBe("STORE");
  });
});
