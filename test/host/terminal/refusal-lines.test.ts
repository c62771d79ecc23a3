import { describe, expect, it } from "vitest";
import { endingRefusal, exitStatus, refusalJson, refusalLines } from "../../../host/terminal/refusal-lines.ts";
import { Refusal, refusalTable } from "../../../manifests/refusal.ts";

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
