/** What is said of an ingest: its last line counts everything that the lines above told. */

import { describe, expect, it } from "vitest";
import { summary } from "../../../ledger/commands/ingest-words.ts";

describe("HONEST: the last line of an ingest", () => {
  it("counts what was left, for whichever reason", () => {
    expect(summary({ chained: 1, known: 2 })).toBe("1 chained; known before: 2; refused: 0");
    expect(summary({ chained: 1, left: 1, practised: 2, refused: 1, unsigned: 1, unvouched: 1 })).toBe(
      "1 chained; known before: 0; refused: 1; left: 5",
    );
    expect(summary({ practised: 2 })).toBe("nothing changed; known before: 0; refused: 0; left: 2");
  });
});
