import { describe, expect, it } from "vitest";
import { clockTime, count, duration, exactSize, minute, number, size } from "../../../host/terminal/amounts.ts";

describe("amounts for people", () => {
  it.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [1023, "1,023 bytes"],
    [1024, "1.00 KiB"],
    [90_112, "88.0 KiB"],
    [1_048_575, "1.00 MiB"],
    [1_048_576, "1.00 MiB"],
    [209_715_200, "200 MiB"],
    [5 * 2 ** 40, "5.00 TiB"],
  ])("UX8: %i bytes are shown as %s", (bytes, text) => {
    expect(size(bytes)).toBe(text);
  });

  it("UX8: a size that must be compared is rounded and exact", () => {
    expect(exactSize(253_023_744)).toBe("241 MiB (253,023,744 bytes)");
    expect(exactSize(12)).toBe("12 bytes");
  });

  it("UX9: counts take the right number of the noun", () => {
    expect(count(1, "document")).toBe("1 document");
    expect(count(100_000, "document")).toBe("100,000 documents");
    expect(count(2, "wrong try", "wrong tries")).toBe("2 wrong tries");
    expect(number(1_234_567)).toBe("1,234,567");
  });

  it.each([
    [0, "0 s"],
    [59.4, "59 s"],
    [185, "3 min 5 s"],
    [7440, "2 h 4 min"],
    [9 * 86_400, "9 days"],
  ])("UX5: %d seconds are %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it("UX8: times are UTC with Z, with the date where it is another day", () => {
    expect(minute("2026-11-23T12:04:09Z")).toBe("2026-11-23 12:04Z");
    expect(clockTime("2026-11-23T12:04:09Z", "2026-11-23T18:00:00Z")).toBe("12:04Z");
    expect(clockTime("2026-11-22T12:04:09Z", "2026-11-23T18:00:00Z")).toBe("2026-11-22 12:04Z");
  });
});
