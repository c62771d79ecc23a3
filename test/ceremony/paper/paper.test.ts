import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CeremonyFile } from "../../../ceremony/engine/ceremony-file.ts";
import { columns, reprint, textOf } from "../../../ceremony/paper/page.ts";
import { pdfOf } from "../../../ceremony/paper/pdf.ts";
import { printFile } from "../../../ceremony/paper/print.ts";
import { recordPaper } from "../../../ceremony/paper/record-paper.ts";
import { scriptPaper } from "../../../ceremony/paper/script-paper.ts";
import type { Transcript } from "../../../manifests/records/transcript.ts";
import { codeOf } from "../software-box.ts";

const dir = mkdtempSync(join(tmpdir(), "coldseal-paper-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const digest = "0123456789abcdef".repeat(4);
const created = "2026-11-26T12:00:00Z";

const people = [
  { id: "ada", name: "Ada \u202eAdams", roles: ["administrator"] },
  ...Array.from({ length: 63 }, (_, at) => ({
    id: `op${at}`,
    name: `Operator with a rather long name, number ${at}`,
    roles: ["operator", "witness"],
  })),
] as unknown as CeremonyFile["people"];
const file = {
  appliance: "box-1",
  archive: "2026-001",
  ceremony: "genesis",
  digest,
  folder: "/",
  parameters: { keys: [{ kind: "p256" }], soPin: null, thresholds: { policy: 2, seal: 2 }, "x\u202e": "y".repeat(90) },
  people,
  place: "Vault 2, a place whose description is so long that it does not fit into one line of a line printer's page",
  scheduled: created,
  title: "Genesis of box-1",
  type: "ceremony",
  version: 1,
  video: null,
} as CeremonyFile;
const steps = Array.from({ length: 300 }, (_, at) => ({
  id: `step-${at}`,
  title: `Do number ${at}`,
  acts: "the administrator",
  checks: "a witness",
  minutes: 2,
  script: ["A sentence that says what is done.", `Another one, ${"x".repeat(200)}.`],
  wayBack: "Try again.",
  needs: [],
  perform: async () => ({ people: [] }),
}));
const script = scriptPaper(file, { purpose: "To test.", steps, simulated: false }, [
  { digest, subject: "CN=Root", where: "roots[1]" },
]);

const entry = (index: number, kind: string, more: object = {}) => ({
  facts: { spki: "A".repeat(300) },
  index,
  kind,
  people: ["ada"],
  previous: digest,
  shown: [],
  step: "clock",
  text: null,
  time: created,
  ...more,
});
const transcript = {
  ...file,
  entries: [entry(1, "opened"), entry(2, "failed", { text: "the clock \u001b[31m stands" }), entry(3, "completed")],
  head: digest,
  outcome: "completed",
  people: people.slice(0, 2).map((one) => ({ ...one, certificate: null })),
  previous: null,
  run: "rehearsal",
  simulated: true,
  software: { digest, version: "0.1.0" },
} as unknown as Transcript;
const record = recordPaper(transcript, digest, ["op1", "audit"]);

const has = (tool: string) => {
  try {
    execFileSync("which", [tool], { stdio: "ignore" });
    return true;
  } catch {
    if (process.env.CI) throw new Error(`${tool} is missing`);
    console.warn(`SKIPPED: ${tool} is not installed`);
    return false;
  }
};

describe("papers as text", () => {
  it("PRINTER: fit a line printer, in ASCII, whatever names and facts hold", () => {
    for (const text of [textOf(script), textOf(record)]) {
      expect(text).toMatch(/^[\n\f\x20-\x7e]*$/);
      expect(Math.max(...text.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(columns);
      expect(text.endsWith("\f")).toBe(true);
    }
    expect(textOf(script)).toContain("Ada \\u{202e}Adams");
    for (const row of ["keys[1].kind: p256", "soPin: none", "thresholds.policy: 2", "thresholds.seal: 2"]) {
      expect(textOf(script)).toContain(`[ ] ${row}\n`);
    }
    expect(textOf(record)).toContain("!!   2  2026-11-26T12:00:00Z  failed clock");
    expect(textOf(record)).toContain("*** REHEARSAL by made-up people: nothing of it counts ***");
    expect(textOf(record)).toContain("the clock \\u{1b}[31m stands");
  });

  it("PRINTER: printed again, they say so and are otherwise equal", () => {
    const again = textOf(reprint(script, 2, created));
    expect(again).toContain("*** REPRINT 2, 2026-11-26T12:00:00Z ***\n");
    expect(again.replace("*** REPRINT 2, 2026-11-26T12:00:00Z ***\n", "")).toBe(textOf(script));
    expect(textOf(reprint(record, 1, created))).toContain("nothing of it counts; REPRINT 1");
  });
});

describe("papers as PDF", () => {
  let pdf: Uint8Array;
  beforeAll(async () => {
    pdf = await pdfOf(record, created);
    writeFileSync(join(dir, "record.pdf"), pdf);
    writeFileSync(join(dir, "script.pdf"), await pdfOf(script, created));
  });

  it("PRINTER: equal papers give equal bytes", async () => {
    expect(Buffer.from(await pdfOf(record, created)).equals(Buffer.from(pdf))).toBe(true);
  });

  it.runIf(has("pdftoppm"))("PRINTER: every line stands on a page, each with its number", () => {
    const text = execFileSync("pdftotext", ["-layout", join(dir, "script.pdf"), "-"], {
      maxBuffer: 1 << 26,
    }).toString();
    const pages = text.split("\f").length - 1;
    expect(pages).toBeGreaterThan(40);
    expect(text).toContain(`page ${pages} of ${pages}`);
    for (const { title } of steps) expect(text).toContain(title);
  });

  it.runIf(has("zbarimg") && has("pdftoppm"))("PRINTER: a scanner reads the digest back from its QR code", () => {
    execFileSync("pdftoppm", ["-r", "150", "-png", join(dir, "record.pdf"), join(dir, "page")]);
    // It ends with 4 where one of the pages has no code.
    const pages = readdirSync(dir).filter((name) => name.endsWith(".png"));
    const { stdout } = spawnSync("zbarimg", ["--quiet", "--raw", ...pages], { cwd: dir });
    expect(stdout.toString().trim()).toBe(digest);
  });
});

describe("a printer", () => {
  it("PRINTER: is given the file by lp; what lp refuses is said", async () => {
    const path = process.env.PATH;
    const lp = join(dir, "lp");
    writeFileSync(
      lp,
      `#!/bin/sh\nif [ "$2" = none ]; then echo "lp: no such printer" >&2; exit 1; fi\necho "$@" > ${join(dir, "printed")}\n`,
    );
    chmodSync(lp, 0o755);
    process.env.PATH = `${dir}:${path}`;
    try {
      await printFile("office", "/tmp/record.pdf");
      expect(readFileSync(join(dir, "printed"), "utf8")).toBe("-d office -o media=A4 -- /tmp/record.pdf\n");
      await expect(printFile("none", "/tmp/record.pdf")).rejects.toMatchObject({
        code: "PRINTER",
        got: "lp: no such printer",
      });
      process.env.PATH = "/nowhere";
      expect(await codeOf(printFile("office", "/tmp/record.pdf"))).toBe("PRINTER");
    } finally {
      process.env.PATH = path;
    }
  });
});
