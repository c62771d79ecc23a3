/** The built page in a real Chromium, opened from a file as from a stick; what a person does to it, and what it shows. */

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { pageOf } from "../../desk/page/build.ts";
import type { VerdictWords } from "../../desk/verdict-words.ts";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Path of the browser; undefined, and said, where there is none. */
export function browserHere(): string | undefined {
  const found = places.find((path) => existsSync(path));
  if (found) return found;
  if (process.env.CI) throw new Error("chromium is missing");
  console.warn("SKIPPED: there is no Chromium here (Debian: apt-get install chromium)");
  return undefined;
}

interface TypedKeys {
  readonly log?: string;
  readonly witnesses?: readonly string[];
  readonly cosigned?: string;
}

export class OpenPage {
  readonly dir = mkdtempSync(join(tmpdir(), "coldseal-page-"));
  /** what the page asked of anything but itself */
  readonly asked: string[] = [];
  page!: Page;
  #browser!: Browser;
  #folders = 0;

  static async open(executablePath: string): Promise<OpenPage> {
    const open = new OpenPage();
    const file = join(open.dir, "coldseal-verify.html");
    writeFileSync(file, await pageOf());
    // Tests run as any user, also as root, for whom Chromium has no sandbox.
    open.#browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
    open.page = await open.#browser.newPage();
    open.page.on("request", (request) => open.asked.push(request.url()));
    open.page.on("pageerror", (error) => open.asked.push(`error ${error.message}`));
    await open.page.goto(`file://${file}`);
    return open;
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Writes files by path below a new folder of that name, and gives its path. */
  folderOf(name: string, files: ReadonlyMap<string, Uint8Array>): string {
    this.#folders += 1;
    const folder = join(this.dir, `${this.#folders}`, name);
    mkdirSync(folder, { recursive: true });
    for (const [path, bytes] of files) {
      const to = join(folder, path);
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, bytes);
    }
    return folder;
  }

  async forget(): Promise<void> {
    await this.page.getByRole("button", { name: "Forget these files" }).click();
  }

  async chooseFolder(folder: string): Promise<void> {
    await this.page.getByLabel("Folder from the box").setInputFiles(folder);
  }

  async chooseFiles(paths: readonly string[]): Promise<void> {
    await this.page.getByLabel("Documents, or one seal and its document").setInputFiles([...paths]);
  }

  async trust(root: Uint8Array, genesis: string): Promise<void> {
    await this.page.getByLabel("Root certificate (PEM or DER)").setInputFiles(inMemory("root.der", root));
    await this.page.getByLabel(/^Genesis digest/).fill(genesis);
  }

  /** Chooses revocation lists and responses; none takes back those that were chosen before. */
  async chooseRevocation(crls: readonly Uint8Array[], ocsp: readonly Uint8Array[] = []): Promise<void> {
    await this.page.getByLabel(/^CRLs/).setInputFiles(crls.map((der, at) => inMemory(`${at}.crl`, der)));
    await this.page.getByLabel(/^OCSP responses/).setInputFiles(ocsp.map((der, at) => inMemory(`${at}.ors`, der)));
  }

  /** Chooses roots of time-stamp authorities; none takes back those that were chosen before. */
  async chooseAuthorities(roots: readonly Uint8Array[]): Promise<void> {
    const files = roots.map((der, at) => inMemory(`${at}.der`, der));
    await this.page.getByLabel(/^Roots of time-stamp authorities/).setInputFiles(files);
  }

  /** Types keys of a log and of its witnesses; nothing takes back those that were typed before. */
  async typeKeys({ log = "", witnesses = [], cosigned = "" }: TypedKeys): Promise<void> {
    await this.page.getByLabel(/^Key of the log/).fill(log);
    await this.page.getByLabel(/^Keys of its witnesses/).fill(witnesses.join("\n"));
    await this.page.getByLabel(/^How many of them must have cosigned/).fill(cosigned);
  }

  /** Presses Verify and reads what is shown when it is done. */
  async verify(): Promise<VerdictWords> {
    await this.page.getByRole("button", { name: "Verify" }).click();
    await this.page.waitForFunction(() => {
      const text = document.getElementById("headline")?.textContent ?? "";
      return text !== "" && text !== "Verifying …";
    });
    return this.page.evaluate(() => {
      const texts = (query: string) => [...document.querySelectorAll(query)].map((one) => one.textContent ?? "");
      const findings = texts("#findings li");
      const more = Number(/^… and (\d+) more$/.exec(findings.at(-1) ?? "")?.[1] ?? 0);
      const [labels, values] = [texts("#rows dt"), texts("#rows dd")];
      return {
        tone: document.getElementById("verdict")?.className as "good" | "warn" | "bad",
        headline: document.getElementById("headline")?.textContent ?? "",
        findings: more > 0 ? findings.slice(0, -1) : findings,
        more,
        rows: labels.map((label, at) => [label, values[at] ?? ""] as const),
      };
    });
  }
}

function inMemory(name: string, bytes: Uint8Array) {
  return { name, mimeType: "application/octet-stream", buffer: Buffer.from(bytes) };
}
