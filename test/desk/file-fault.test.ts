import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Attempt, fileFault } from "../../desk/file-fault.ts";
import { folderAt } from "../../desk/new-files.ts";
import { writeDurable } from "../../host/durable.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { canMount, inMounts } from "../media/in-mounts.ts";
import { create, folder, order, write } from "./stick.ts";

const main = fileURLToPath(new URL("../../desk/main.ts", import.meta.url));

function coldseal(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

function errno(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: it went wrong`), { code, errno: -1, syscall: "write" });
}

describe("faults of the file system at the desk", () => {
  it("USAGE: a folder that cannot be made is refused, and not tried for ever", async () => {
    await expect(folderAt("/proc/none/here")).rejects.toMatchObject({
      code: "USAGE",
      got: expect.stringContaining("ENOENT"),
    });
  });

  it.each<[string, Attempt, string]>([
    ["EACCES", "read a file", "USAGE"],
    ["ENOENT", "read a file", "USAGE"],
    ["EIO", "read a file", "MEDIA-READ"],
    ["EACCES", "write a file", "USAGE"],
    ["ENOSPC", "write a file", "MEDIA-FULL"],
    ["EIO", "read the stick", "MEDIA-READ"],
    ["EACCES", "write the stick", "MEDIA-WRITE"],
    ["EROFS", "write the stick", "MEDIA-WRITE"],
    ["EIO", "write the stick", "MEDIA-WRITE"],
    ["ENOSPC", "write the stick", "MEDIA-FULL"],
    ["EFBIG", "write the stick", "MEDIA-FULL"],
  ])("UX4: %s at an attempt to %s is %s, with what was expected and what came", (code, attempt, wanted) => {
    const refusal = fileFault(errno(code), attempt, "/some/path");
    expect(refusal).toMatchObject({ code: wanted, about: "/some/path", got: expect.stringContaining(`(${code})`) });
    expect(refusal).toHaveProperty("expected", expect.stringMatching(/that can be (read|written)$/));
  });

  it("UX4: refusals and faults of the program itself pass as they are", () => {
    const refusal = new Refusal("MEDIA-CHANGED", "it changed");
    expect(fileFault(refusal, "read a file", "x")).toBe(refusal);
    const bug = new TypeError("x is undefined");
    expect(fileFault(bug, "read a file", "x")).toBe(bug);
  });

  it("T20: behind a durable write the file system's own fault is still told", async () => {
    const fault = await writeDurable("/dev/null/x", new Uint8Array(1)).catch((thrown: unknown) => thrown);
    expect(fault).toMatchObject({ code: "STORE" });
    expect(fileFault(fault, "write a file", "x")).toMatchObject({ code: "USAGE", got: "no folder above it (ENOTDIR)" });
  });
});

describe("coldseal with files that cannot be used", () => {
  const key = ["--key", "README.md", "--password-file", "README.md"];

  it.each<[string, string[], number, string]>([
    ["a password file that is not there", ["--key", "README.md", "--password-file", "/nowhere"], 2, "/nowhere"],
    ["a key file that is a folder", ["--key", "/tmp", "--password-file", "/dev/null"], 2, "/tmp"],
    ["neither key nor token", [], 2, "neither"],
    ["a token's file that is not there", ["--token", "/nowhere"], 2, "/nowhere"],
    ["a slip on the stick", [...key, "--slip", "STICK/slip.txt"], 2, "slip"],
  ])("UX4: batch create with %s ends in three lines, and made no batch", (_, args, status, named) => {
    const stick = folder();
    const document = write(folder(), "a.txt", "a");
    const words = args.map((word) => word.replace("STICK", stick));
    const ran = coldseal("batch", "create", document, "--to", stick, ...words);
    expect(ran).toMatchObject({ status, stdout: "" });
    expect(ran.stderr).toMatch(/; no batch was\s+made\n +expected +\S[\s\S]*\n +(got|about) +\S[\s\S]*\n +do now +\S/);
    expect(ran.stderr).toContain(named);
    expect(ran.stderr).not.toContain("INTERNAL");
    expect(readdirSync(stick)).toEqual([]);
  });

  it("MEDIA-WRITE: a stick on which nothing can be made", async () => {
    const stick = folder();
    write(stick, "coldseal", "a file where a folder belongs");
    const made = create({ stick, documents: [write(folder(), "a", "a")] });
    await expect(made).rejects.toMatchObject({ code: "MEDIA-WRITE", expected: "a stick that can be written" });
  });

  it.skipIf(!canMount).each([
    ["MEDIA-WRITE", "ro", 1],
    ["MEDIA-FULL", "nr_inodes=8", 20],
    ["MEDIA-FULL", "size=64k", 1],
  ])("T20: %s on a stick mounted with %s, and no batch stays behind", async (code, options, count) => {
    const [stick, source] = [folder(), folder()];
    for (let at = 0; at < count; at++) write(source, `${at}.txt`, "x");
    const root = join(import.meta.dirname, "../..");
    const module = `
      import { readdirSync } from "node:fs";
      import { createBatch } from ${JSON.stringify(join(root, "desk/batch-create.ts"))};
      import { oids, submitter } from ${JSON.stringify(join(root, "test/bundle/people.ts"))};
      const order = ${JSON.stringify(order({ stick, documents: [source] }))};
      const made = createBatch(order, { ...submitter.signingKey, chain: [] }, oids);
      const outcome = await made.then(() => "made", (fault) => fault.code);
      console.log(outcome, readdirSync(${JSON.stringify(stick)}, { recursive: true }).filter((name) => /txt|p7m/.test(name)).length);`;
    expect(await inMounts(`mount -t tmpfs -o ${options} none ${stick}`, module)).toBe(`${code} 0`);
  });

  it("UX4: collect into a place that cannot be written", async () => {
    const stick = folder();
    mkdirSync(join(stick, "coldseal/outbox/batch-1"), { recursive: true });
    write(join(stick, "coldseal/outbox/batch-1"), "refusal.json", "{}");
    const ran = coldseal("collect", stick, "--to", join(write(folder(), "file", ""), "below"));
    expect(ran.status).toBe(2);
    expect(ran.stderr).toMatch(/^USAGE: .*cannot be written/);
  });

  it.each([
    ["verify", "a folder instead of a seal's document", ["verify", "FILE", "/tmp", "--ca", "CA"]],
    ["verify", "documents that are not there", ["verify", "/tmp", "--documents", "/nowhere", "--ca", "CA"]],
    ["inspect", "a folder", ["inspect", "/tmp"]],
  ])("USAGE: %s of %s", (_, __, args) => {
    const file = write(folder(), "x", "x");
    const ca = write(folder(), "ca.der", Uint8Array.of(0x30, 0));
    const ran = coldseal(...args.map((word) => ({ FILE: file, CA: ca })[word] ?? word));
    expect(ran.status).toBe(2);
    expect(ran.stderr).toMatch(/^USAGE: /);
  });
});
