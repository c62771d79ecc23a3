import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectRoot } from "../../demo/project-root.ts";
import { create, folder, write } from "./stick.ts";

const coldseal = (...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(projectRoot, "desk/main.ts"), ...args], {
    encoding: "utf8",
  });
  return { status, told: stdout + stderr };
};

describe("coldseal --arc", () => {
  it("CMS-TYPE: takes an organisation's own arc, before and behind the command", async () => {
    const stick = folder();
    await create({ stick, documents: [write(folder(), "a.txt", "a")] });
    const request = join(stick, "coldseal/inbox/q4-contracts/batch.p7m");
    const own = coldseal("inspect", request);
    expect(own).toMatchObject({ status: 0, told: expect.stringContaining("Q4-contracts") });
    const arc = ["--arc", "1.3.6.1.4.1.99999.1"];
    for (const other of [coldseal(...arc, "inspect", request), coldseal("inspect", request, ...arc)]) {
      expect(other.told).not.toContain("USAGE");
      expect(other.told).not.toContain("Q4-contracts");
    }
    expect(coldseal(...arc, "inspect", request).told).toContain("unknown type");
    const longest = coldseal("--arc", "1.3.6.1.4.1.4294967295", "inspect", request);
    expect(longest.told).toContain("unknown type"); // a policy may have such a one
  });

  it("USAGE: what is no object identifier is refused before anything else", () => {
    for (const arc of ["1", "1.2.x", "3.2.1", "1.02.3"])
      expect(coldseal("--arc", arc, "inspect", "nothing")).toMatchObject({
        status: 2,
        told: expect.stringContaining("--arc expects an object identifier"),
      });
  });
});
