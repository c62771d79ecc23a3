import { describe, expect, it } from "vitest";
import { columns, plain, styleFor } from "../../../host/terminal/style.ts";
import { cut, tableLines, wrapped } from "../../../host/terminal/table.ts";

describe("tables", () => {
  const table = [
    { title: "BATCH", shrinks: true },
    { title: "DOCS", align: "right" as const },
  ];

  it("UX8: columns are aligned, numbers to the right", () => {
    expect(
      tableLines(table, [
        ["a", "1"],
        ["long-name", "100"],
      ]),
    ).toEqual(["BATCH      DOCS", "a             1", "long-name   100"]);
  });

  it("UX2: only a column that may shrink is cut to fit the width, and says so", () => {
    const lines = tableLines(table, [["x".repeat(200), "7"]], 80);
    expect(lines.every((line) => columns(line) <= 80)).toBe(true);
    expect(lines[1]).toContain("…");
    expect(lines[1]?.endsWith("   7")).toBe(true);
  });

  it("UX2: text is broken at spaces", () => {
    expect(wrapped("one two three", 7)).toEqual(["one two", "three"]);
    expect(wrapped("extraordinarily", 5)).toEqual(["extraordinarily"]);
    expect(cut("契約書契約書", 5)).toBe("契約…");
  });
});

describe("colours", () => {
  it("UX7: there are none without a terminal, with NO_COLOR or on a dumb terminal", () => {
    expect(styleFor({ isTTY: false }, {})).toBe(plain);
    expect(styleFor({ isTTY: true }, { NO_COLOR: "1" })).toBe(plain);
    expect(styleFor({ isTTY: true }, { TERM: "dumb" })).toBe(plain);
    const style = styleFor({ isTTY: true }, { TERM: "xterm" });
    expect(style.coloured).toBe(true);
    expect(columns(style.bad("red"))).toBe(3);
  });
});
