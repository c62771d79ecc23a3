import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { projectRoot } from "../../demo/project-root.ts";

const program = `import { processLog } from ${JSON.stringify(join(projectRoot, "appliance/log.ts"))};
processLog("signer", 1).warn({ code: "GAP", links: ["eth0"] }, "a link is there");`;

const node = [process.execPath, "--input-type=module", "-e", program] as const;

describe("the log of a process", () => {
  it("HONEST: JSON lines, with the code and which process wrote them", () => {
    const [file, ...args] = node;
    const line = JSON.parse(execFileSync(file, args, { encoding: "utf8" }));
    expect(line).toMatchObject({ code: "GAP", level: 40, msg: "a link is there", process: "signer" });
  });

  it("UX5: readable in a terminal", () => {
    // script(1) of util-linux gives its command a terminal.
    const command = node.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    const said = execFileSync("script", ["-qec", command, "/dev/null"], { encoding: "utf8", input: "" });
    expect(said).toMatch(/\d\d:\d\d:\d\dZ.*WARN.*a link is there/s);
    expect(said).not.toContain('"msg"');
  });
});
