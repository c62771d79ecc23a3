/** The ledger's report in a real Chromium: hostile names run nothing, load nothing, and do not break out; also narrow, dark and on paper. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reportPage } from "../../ledger/report/page.ts";
import { hostileFigures, hostileNames } from "../ledger/report/hostile-figures.ts";
import { browserHere } from "./open-page.ts";

const executablePath = browserHere();
let dir: string;
let browser: Browser;
beforeAll(async () => {
  if (!executablePath) return;
  dir = mkdtempSync(join(tmpdir(), "coldseal-report-"));
  writeFileSync(join(dir, "report.html"), reportPage(hostileFigures(), hostileNames[0], "0.1.0"));
  // Tests run as any user, also as root, for whom Chromium has no sandbox.
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});
afterAll(async () => {
  await browser?.close();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

describe.skipIf(!executablePath)("the ledger's report", () => {
  it.each([
    [1100, "light"],
    [1100, "dark"],
    [360, "light"],
  ] as const)(
    "LEDGER-ANSWER: at %i pixels, %s, nothing runs, nothing is fetched, and nothing sticks out",
    async (width, colorScheme) => {
      const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
      const asked: string[] = [];
      page.on("request", (request) => asked.push(request.url()));
      page.on("pageerror", (error) => asked.push(error.message));
      page.on("console", (message) => asked.push(message.text()));
      const url = `file://${join(dir, "report.html")}`;
      await page.goto(url);
      expect(asked).toEqual([url]);
      expect(await page.title()).toContain("Ledger <script>");
      expect(await page.locator("script, iframe, img, object, link").count()).toBe(0);
      expect(await page.locator("main > section").count()).toBe(9);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      const ground = await page.evaluate("getComputedStyle(document.body).backgroundColor");
      expect(ground).toBe(colorScheme === "dark" ? "rgb(20, 24, 29)" : "rgb(255, 255, 255)");
      await page.emulateMedia({ media: "print", colorScheme });
      expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(255, 255, 255)");
      await page.close();
    },
  );
});
