import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("docs/assurance.md", root), "utf8");

/** Rows of the tables that name tests: their id, and the files. */
const rows = page
  .split("\n")
  .map((line) => /^\| ([A-Z]+(?:-[A-Z]+)*|T\d+a?) \|.*\|([^|]*)\|$/.exec(line))
  .filter((match) => match !== null)
  .map(([, id = "", last = ""]) => ({ id, files: [...last.matchAll(/`(test\/[^`]+)`/g)].map((one) => one[1] ?? "") }));

/** Rows that point to another row, or that are not built yet and say so. */
const elsewhere = ["T13", "T14", "T22", "T22a", "T24"];

describe("docs/assurance.md", () => {
  it("has a row for each of the 12 promises of the main job, the 3 of ceremonies, the 7 of orders, break glass and custody, the 5 of time, the 1 of revocation, that of a ledger's log, that of its acknowledgements, that of its record, the 3 of what it signs, the 4 of its backups, versions and drills, the 3 of what it takes of boxes, that of its answers, the 3 of its service, that of attestation, that of retention, that of emergencies, that of the package, and 33 threats", () => {
    const threats = [...Array.from({ length: 32 }, (_, at) => `T${at + 1}`), "T22a"];
    expect(
      rows
        .map((row) => row.id)
        .filter((id) => /^T\d/.test(id))
        .sort(),
    ).toEqual(threats.sort());
    expect(rows.filter((row) => !/^T\d/.test(row.id))).toHaveLength(49);
  });

  it.each(rows.filter((row) => !elsewhere.includes(row.id)))(
    "$id: each file it names holds a test of that id",
    ({ id, files }) => {
      expect(files.length).toBeGreaterThan(0);
      for (const file of files) {
        expect(existsSync(new URL(file, root)), file).toBe(true);
        const titled = new RegExp(`["'\`]${id}[: ,]|: ${id}: |, ${id}[: ]`);
        expect(titled.test(readFileSync(new URL(file, root), "utf8")), `${file} has no test of ${id}`).toBe(true);
      }
    },
  );

  it("names no source file that is not there", () => {
    const named = [...page.matchAll(/`((?:appliance|manifests|hardware|media|host|ceremony|desk)\/[^`]+\.ts)`/g)];
    expect(named.length).toBeGreaterThan(20);
    for (const [, file = ""] of named) expect(existsSync(new URL(file, root)), file).toBe(true);
  });
});
