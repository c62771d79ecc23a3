import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectRoot } from "../structure/source-files.ts";

const { bin, version } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
  readonly bin: Readonly<Record<string, string>>;
  readonly version: string;
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "coldseal bin "));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("the launchers", () => {
  it("RUN: package.json names them all, and they may be executed", () => {
    expect(Object.keys(bin)).toEqual(["ceremony", "coldseal", "coldseald"]);
    for (const path of Object.values(bin)) expect(statSync(join(projectRoot, path)).mode & 0o111).toBe(0o111);
  });

  it.each(Object.entries(bin))("RUN: %s runs on the pinned Node from any folder, through a link", (name, path) => {
    const link = join(folder, name);
    symlinkSync(join(projectRoot, path), link);
    const ran = spawnSync(link, ["--version"], { cwd: "/", encoding: "utf8" });
    expect(ran).toMatchObject({ status: 0, stderr: "" });
    expect(ran.stdout).toMatch(new RegExp(`^${name} ${version}, Node v26\\.`));
    expect(spawnSync(link, ["frobnicate"]).status).toBe(2);
  });

  it("RUN: without set-up each says in a sentence what to do", () => {
    const clone = join(folder, "clone");
    mkdirSync(clone);
    for (const part of ["bin", "scripts/on-pinned-node.sh"])
      cpSync(join(projectRoot, part), join(clone, part), { recursive: true });
    for (const path of Object.values(bin)) {
      const ran = spawnSync(join(clone, path), ["--version"], { encoding: "utf8" });
      expect(ran).toMatchObject({ status: 3, stdout: "" });
      expect(ran.stderr).toBe(`Set-up is missing here: run "npm run setup" in ${clone}\n`);
    }
  });

  it("RUN: the desk's command keeps compiled code beside its sources, where nobody else may write, unless another place or none is named; a box's commands keep none", () => {
    const clone = join(folder, "kept");
    mkdirSync(clone);
    for (const part of ["bin", "scripts/on-pinned-node.sh", "package.json"])
      cpSync(join(projectRoot, part), join(clone, part), { recursive: true });
    for (const part of ["appliance", "ceremony", "desk", "hardware", "host", "manifests", "media", "node_modules"])
      symlinkSync(join(projectRoot, part), join(clone, part));
    const ran = (name: string, place: object) => {
      const { NODE_COMPILE_CACHE: _, ...outside } = process.env;
      const env = { ...outside, ...place };
      expect(spawnSync(join(clone, "bin", name), ["--version"], { env, encoding: "utf8" })).toMatchObject({
        status: 0,
        stderr: "",
      });
    };
    const kept = join(clone, ".cache");
    for (const name of ["ceremony", "coldseald"]) ran(name, {});
    ran("coldseal", { NODE_COMPILE_CACHE: "" });
    ran("coldseal", { NODE_COMPILE_CACHE: join(folder, "elsewhere") });
    expect(existsSync(kept)).toBe(false);
    expect(readdirSync(join(folder, "elsewhere"))).not.toEqual([]);
    ran("coldseal", {});
    expect(readdirSync(join(kept, "compiled"))).not.toEqual([]);
    expect(statSync(join(kept, "compiled")).mode & 0o777).toBe(0o700);
    rmSync(kept, { recursive: true });
    writeFileSync(kept, "no folder can be made here");
    ran("coldseal", {});
  });

  it("RUN: a project's folders may have any names", () => {
    const clone = join(folder, "scripts", "other");
    mkdirSync(clone, { recursive: true });
    cpSync(join(projectRoot, "bin"), join(clone, "commands"), { recursive: true });
    mkdirSync(join(clone, "scripts"));
    cpSync(join(projectRoot, "scripts/on-pinned-node.sh"), join(clone, "scripts/on-pinned-node.sh"));
    for (const name of Object.keys(bin)) {
      const ran = spawnSync(join(clone, "commands", name), ["--version"], { encoding: "utf8" });
      expect(ran.stderr).toBe(`Set-up is missing here: run "npm run setup" in ${clone}\n`);
    }
  });

  it("RUN: bash completes the command that the PATH names", () => {
    const script = `source <(ceremony completion bash); complete -p ceremony; COMP_WORDS=(ceremony ver); COMP_CWORD=1; _ceremony; echo "\${COMPREPLY[@]}"`;
    const PATH = `${join(projectRoot, "bin")}:${process.env.PATH}`;
    const out = execFileSync("bash", ["-c", script], { cwd: "/", env: { ...process.env, PATH }, encoding: "utf8" });
    expect(out).toBe("complete -F _ceremony ceremony\nverify-journal\n");
  });
});
