import { describe, expect, it } from "vitest";
import { endingRefusal, exitStatus, refusalJson, refusalLines } from "../../../host/terminal/refusal-lines.ts";
import { Refusal, type RefusalCode, refusalTable } from "../../../manifests/refusal.ts";

const refusal = new Refusal("HSM-TOKEN", "another token is inserted", {
  expected: "op2 (serial 6f2c)",
  got: "op1 (serial 99aa)",
});

describe("refusals on a terminal", () => {
  it("UX4: the code, what was expected, what came, what to do now, and whether anything was signed", () => {
    expect(refusalLines(refusal, "nothing was sealed")).toEqual([
      "HSM-TOKEN: another token is inserted; nothing was sealed",
      "  expected  op2 (serial 6f2c)",
      "  got       op1 (serial 99aa)",
      "  do now    insert the token named here",
    ]);
  });

  it.each(Object.keys(refusalTable) as RefusalCode[])("UX4: %s has its three lines whatever it knows", (code) => {
    const all = [new Refusal(code, "so it is"), new Refusal(code, "so it is", { about: "a thing" })];
    for (const one of all) {
      const lines = refusalLines(one, "nothing was sealed");
      const labels = lines.map((line) => /^ {2}(expected|got|about|do now) +(\S.*)$/.exec(line)?.[1]).filter(Boolean);
      expect(labels).toEqual(["expected", one.about === undefined ? "got" : "about", "do now"]);
    }
  });

  it("UX4: behind a refusal without words of what came stands the fault that caused it", () => {
    const cause = Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });
    const lines = refusalLines(
      new Refusal("STORE", "x could not be written", { about: "x", cause }),
      "nothing was sealed",
    );
    expect(lines).toContain("  got       permission denied (EACCES)");
  });

  it("T2: what others wrote is escaped", () => {
    const text = refusalLines(new Refusal("SHAPE", "name \u001b[2J\u202e"), "nothing was sealed").join("\n");
    expect(text).toContain("\\u{1b}[2J\\u{202e}");
    expect(text).not.toContain("\u001b");
  });

  it("UX7: each kind has its exit status, and what is no refusal becomes INTERNAL", () => {
    expect(exitStatus).toEqual({ refused: 1, usage: 2, "not-now": 3, verification: 4 });
    expect(endingRefusal(new TypeError("oops")).code).toBe("INTERNAL");
    expect(endingRefusal(refusal)).toBe(refusal);
  });

  it("UX7: under --json it is one stable document with the next step", () => {
    expect(refusalJson(refusal, "nothing was sealed")).toEqual({
      refusal: {
        code: "HSM-TOKEN",
        message: "another token is inserted",
        expected: "op2 (serial 6f2c)",
        got: "op1 (serial 99aa)",
        consequence: "nothing was sealed",
        kind: "refused",
        next: refusalTable["HSM-TOKEN"][1],
      },
    });
  });
});
