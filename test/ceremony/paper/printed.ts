/** What the tests of printed records share: an output that is kept, a bundle in a folder, a paper read back. */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import type { Output } from "../../../ceremony/ports.ts";
import { plain } from "../../../host/terminal/style.ts";
import type { Json } from "../../../manifests/encoding/canonical-json.ts";
import { wordGroups } from "../../../manifests/encoding/words.ts";

/** Removed after the test. */
export function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "coldseal-printed-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export function put(path: string, bytes: Uint8Array | string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

export function keptOutput() {
  const said: string[] = [];
  const documents: Json[] = [];
  const output: Output = {
    json: true,
    style: plain,
    say: (...lines) => void said.push(...lines),
    document: (value) => void documents.push(value),
    progress: () => ({ show: () => undefined, end: () => undefined }),
  };
  return { output, said, documents };
}

/** Whether the tools are there; loud where not, and a failure in CI. */
export function has(...tools: readonly string[]): boolean {
  const missing = tools.filter((tool) => spawnSync("which", [tool], { stdio: "ignore" }).status !== 0);
  if (missing.length === 0) return true;
  if (process.env.CI) throw new Error(`${missing.join(", ")} missing`);
  console.warn(`SKIPPED: ${missing.join(", ")} not installed`);
  return false;
}

/** The words of a digest as they are numbered on paper, blanks squeezed. */
export function wordsOf(digest: string): string {
  return wordGroups(Uint8Array.fromHex(digest))
    .map((words, at) => `${at + 1} ${words}`)
    .join(" ");
}

export const squeezed = (text: string) => text.replace(/\s+/g, " ");

export function pdfText(pdf: string): string {
  return execFileSync("pdftotext", ["-layout", pdf, "-"], { maxBuffer: 1 << 26 }).toString();
}

/** What a scanner reads from the pages' QR codes, each once. */
export function scanned(pdf: string): string[] {
  const dir = dirname(pdf);
  execFileSync("pdftoppm", ["-r", "150", "-png", pdf, join(dir, "page")]);
  const pages = readdirSync(dir).filter((name) => name.startsWith("page") && name.endsWith(".png"));
  // It ends with 4 where one of the pages has no code.
  const { stdout } = spawnSync("zbarimg", ["--quiet", "--raw", ...pages.map((name) => basename(name))], { cwd: dir });
  return stdout.toString().trim().split("\n").sort();
}
