import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ceremonyProgram } from "../../ceremony/program.ts";
import { buildBundle } from "../bundle/build.ts";
import { root } from "../bundle/people.ts";
import { pem } from "../pki/authority.ts";
import { projectRoot } from "../structure/source-files.ts";

const read = (path: string) => readFileSync(join(projectRoot, path), "utf8");
const readme = read("README.md");

/** The one command of the page that starts so, its continued lines joined. */
function command(start: string): string {
  const lines = readme.replace(/\\\n */g, "").split("\n");
  const found = lines.filter((line) => line.startsWith(`    ${start}`));
  expect(found, start).toHaveLength(1);
  return (found[0] ?? "").trim();
}

/** The demo's documents as the desk orders them, by name bytes, from the source that writes them. */
function demoDocuments(): string[] {
  const source = read("demo/documents.ts");
  const named = [...source.matchAll(/^ {4}"([^"]+)": /gm), ...source.matchAll(/join\(folder, "([^"]+)"\)/g)];
  return named.map(([, name = ""]) => name).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

let folder: string;
let batch: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "coldseal-readme-"));
  batch = /^const folder = "([^"]+)";$/m.exec(read("demo/main.ts"))?.[1] ?? "";
  const names = demoDocuments();
  expect(names).toHaveLength(12);
  const bundle = await buildBundle({ documents: Object.fromEntries(names.map((name) => [name, `what ${name} says`])) });
  const put = (path: string, bytes: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, "demo-out", path)), { recursive: true });
    writeFileSync(join(folder, "demo-out", path), bytes);
  };
  for (const [path, bytes] of bundle.files) put(`stick/coldseal/outbox/${batch}/${path}`, bytes);
  for (const [name, bytes] of bundle.documents) put(`stick/coldseal/inbox/${batch}/documents/${name}`, bytes);
  put("pki/ca.crt", pem(root.certificate));
  put("pki/genesis.txt", `${bundle.genesis}\n 1 words and more words\n`);
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (line: string) =>
  execFileSync("bash", ["-c", line], { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

describe("README.md, on what the demo leaves", () => {
  it("HONEST: its OpenSSL line verifies a seal as it stands, and refuses another document", () => {
    const line = command("openssl cms -verify ");
    run(line);
    writeFileSync(join(folder, "other.pdf"), "another");
    expect(() => run(line.replace(/-content \S+/, "-content other.pdf"))).toThrow();
  });

  it("HONEST: its coldseal line verifies the bundle, pinned to the genesis digest", () => {
    const line = command("npm run -s coldseal -- verify ").replace(
      "npm run -s coldseal --",
      `"${projectRoot}/bin/coldseal"`,
    );
    const said = run(line);
    expect(said).toMatch(/^VALID: 12 seals, all 12 documents/);
    expect(said).toContain("from the genesis digest you gave");
  });

  it("UX9: its npm scripts and the commands of docs/operations.md are there", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    for (const [, name = ""] of readme.matchAll(/npm run (?:-s )?([a-z]+)/g))
      expect(Object.keys(scripts)).toContain(name);
    const program = ceremonyProgram({} as Parameters<typeof ceremonyProgram>[0]);
    const known = program.commands.map((one) => one.name());
    const named = [
      ...read("docs/operations.md").matchAll(/^ {4}ceremony (?:--as operator\.json )?([a-z-]+)(?: \| ([a-z-]+))?/gm),
    ];
    const words = named.flatMap(([, one, other]) => [one, other]).filter((word) => word !== undefined);
    expect(words.length).toBeGreaterThan(12);
    expect(words.filter((word) => !known.includes(word))).toEqual([]);
    expect(known.filter((one) => !["completion", "batch-names", ...words].includes(one))).toEqual([]);
  });
});
