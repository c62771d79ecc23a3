import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { exitStatus } from "../../host/terminal/refusal-lines.ts";
import { refusalTable } from "../../manifests/refusal.ts";

it("docs/operations.md explains every refusal code, with its exit status and advice", () => {
  const page = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
  const rows = Object.entries(refusalTable).map(
    ([code, [kind, next]]) => `| \`${code}\` | ${exitStatus[kind]} | ${next} |`,
  );
  expect(page.split("\n").filter((line) => line.startsWith("| `") && / \| [1-4] \| /.test(line))).toEqual(rows);
});
