import { expect, it } from "vitest";
import { progressLine } from "../../../host/terminal/progress.ts";

function written(isTTY: boolean, work: (line: ReturnType<typeof progressLine>) => void): string {
  const out: string[] = [];
  work(progressLine({ isTTY, columns: 20, write: (text) => out.push(text) }));
  return out.join("");
}

it("UX5: a terminal shows one line that is rewritten, and keeps the last", () => {
  const text = written(true, (line) => {
    line.show("copying 1 of 12");
    line.show("copying 2 of 12");
    line.end("done");
    line.end();
  });
  expect(text).toBe("\r\u001b[Kcopying 1 of 12\r\u001b[Kcopying 2 of 12\r\u001b[Kdone\n");
});

it("UX5: elsewhere a line is written when the words change, not when only the numbers do", () => {
  const text = written(false, (line) => {
    line.show("copying 1 of 12 documents, 1.2 MiB");
    line.show("copying 2 of 12 documents, 900 KiB");
    line.show("sealing 1 of 12 documents");
    line.end();
  });
  expect(text).toBe("copying 1 of 12 documents, 1.2 MiB\nsealing 1 of 12 documents\n");
});
