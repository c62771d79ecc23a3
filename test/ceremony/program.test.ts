import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommanderError } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { completionScript } from "../../ceremony/completion.ts";
import { type Actions, ceremonyProgram } from "../../ceremony/program.ts";
import { usageRefusal } from "../../host/terminal/usage-refusal.ts";
import { documentationArc } from "../../manifests/encoding/oid.ts";

/** A program whose actions only tell what they were called with. */
function recording() {
  const calls: unknown[][] = [];
  const actions = new Proxy({} as Actions, {
    get:
      (_, name) =>
      async (...given: unknown[]) =>
        void calls.push([name, ...given]),
  });
  const program = ceremonyProgram(actions);
  for (const one of [program, ...program.commands])
    one.configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  return { program, calls };
}

async function parsed(...words: string[]) {
  const { program, calls } = recording();
  await program.parseAsync(words, { from: "user" });
  return { calls, options: program.opts() };
}

async function refused(...words: string[]): Promise<unknown> {
  const fault = await parsed(...words).catch((thrown: unknown) => thrown);
  if (fault instanceof CommanderError) return usageRefusal(fault)?.code;
  return fault instanceof Error && "code" in fault ? fault.code : "none";
}

describe("the command line", () => {
  it.each([
    [["status"], ["status"]],
    [
      ["list", "--all"],
      ["list", true],
    ],
    [
      ["show", "b", "--documents"],
      ["show", "b", true],
    ],
    [["approve"], ["approve", [], false]],
    [
      ["hold", "genesis.json"],
      ["hold", "genesis.json"],
    ],
    [
      ["rehearse", "--out", "d"],
      ["rehearse", "d", undefined],
    ],
    [
      ["rehearse", "close", "--out", "d"],
      ["rehearse", "d", "close"],
    ],
    [
      ["ready", "genesis.json"],
      ["ready", "genesis.json", undefined],
    ],
    [
      ["batch-record", "d", "--ca", "ca.crt", "--genesis", "ab", "--documents", "e", "--print", "p", "--lp", "office"],
      [
        "batchRecord",
        "d",
        { arc: documentationArc, ca: "ca.crt", documents: "e", genesis: "ab", lp: "office", print: "p" },
      ],
    ],
    [
      ["custody-sheet", "custody.jsonl", "--transcripts", "t", "--print", "p", "--reprint", "2"],
      ["custodySheet", "custody.jsonl", { print: "p", reprint: 2, transcripts: "t" }],
    ],
    [
      ["enrol-device", "--appliance", "box-1", "--to", "device.json", "--handle", "0x81010003"],
      ["enrolDevice", { appliance: "box-1", handle: 0x81010003, to: "device.json", tpm: "/dev/tpmrm0" }],
    ],
    [
      ["suspend", "--reason", "a stranger"],
      ["suspend", "a stranger"],
    ],
    [
      ["approve", "a", "b", "--watch"],
      ["approve", ["a", "b"], true],
    ],
    [
      ["reject", "b", "--reason", "wrong list"],
      ["reject", "b", "wrong list"],
    ],
    [
      ["withdraw", "b"],
      ["withdraw", "b", "withdrawn by the operator"],
    ],
    [
      ["abort", "b", "--reason", "r"],
      ["abort", "b", "r"],
    ],
    [["unlock"], ["unlock", []]],
    [["lock"], ["lock"]],
    [
      ["export", "b", "--to", "d"],
      ["exportBatch", "b", "d"],
    ],
    [
      ["export", "--audit"],
      ["exportAudit", undefined],
    ],
    [["import"], ["import"]],
    [
      ["journal", "--from", "5", "--limit", "2"],
      ["journal", 5, 2],
    ],
    [["verify-journal"], ["verifyJournal"]],
    [
      ["completion", "bash"],
      ["completion", "bash"],
    ],
  ])("%j is understood", async (words, call) => {
    expect((await parsed(...words)).calls).toEqual([call]);
  });

  it("global options may stand before or after the command", async () => {
    const before = await parsed("--as", "op2.json", "--json", "--pin-fd", "3", "list");
    const after = await parsed("list", "--as", "op2.json", "--json", "--pin-fd", "3");
    expect(before.options).toEqual({ as: "op2.json", json: true, pinFd: 3 });
    expect(after.options).toEqual(before.options);
  });

  it.each([
    [["nothing"]],
    [["show"]],
    [["reject", "b"]],
    [["reject", "b", "--reason", " "]],
    [["abort", "b"]],
    [["export"]],
    [["export", "b", "--audit"]],
    [["journal", "--from", "0"]],
    [["status", "--pin", "1234"]],
    [["--pin-fd", "x", "status"]],
    [["batch-record", "d"]],
    [["batch-record", "d", "--ca", "ca.crt", "--reprint", "0"]],
    [["custody-sheet"]],
    [["completion", "tcsh"]],
  ])("USAGE: %j is wrong use", async (words) => {
    expect(await refused(...words)).toBe("USAGE");
  });
});

describe("completion", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "coldseal-completion-"));
    writeFileSync(
      join(folder, "names.sh"),
      '[ "$COLDSEAL_OPERATOR" = op1.json ] && printf "contracts\\ninvoices\\n"\n',
    );
    const { program } = recording();
    writeFileSync(join(folder, "it.bash"), completionScript(program, "bash", ["bash", join(folder, "names.sh")]));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** What bash would offer after these words, the last one being typed. */
  function offered(...words: string[]): string[] {
    const script = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ceremony; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const out = execFileSync("bash", ["-c", script, "bash", join(folder, "it.bash"), "ceremony", ...words]);
    return out
      .toString()
      .split("\n")
      .filter((word) => word !== "");
  }

  it("bash offers commands, a command's options, shells and the batches that are here", () => {
    expect(offered("ver")).toEqual(["verify-journal"]);
    expect(offered("a")).toEqual(["approve", "abort", "abandon"]);
    expect(offered("reject", "--r")).toEqual(["--reason"]);
    expect(offered("completion", "f")).toEqual(["fish"]);
    expect(offered("--as", "op1.json", "show", "")).toContain("contracts");
    expect(offered("--as", "op1.json", "show", "inv")).toEqual(["invoices"]);
    expect(offered("show", "con")).toEqual([]);
    expect(offered("--as", "op1.json", "sta")).toEqual(["status"]);
  });

  it("hidden commands are not offered", () => {
    expect(offered("batch-")).toEqual(["batch-record"]);
  });

  it("the scripts of all shells name every command", () => {
    const { program } = recording();
    for (const shell of ["bash", "zsh", "fish"] as const) {
      const script = completionScript(program, shell, ["x"]);
      for (const name of ["approve", "verify-journal", "unlock"]) expect(script).toContain(name);
    }
  });
});
