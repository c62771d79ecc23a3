/** The room: the stick can be written, the clock is plausible, the printer answers. */

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Refusal } from "../../manifests/refusal.ts";
import { type CeremonyFile, pathIn } from "../engine/ceremony-file.ts";
import { asText } from "../shown-json.ts";
import type { Days } from "./certificate-ready.ts";
import { type Finding, look, missing, warning, well } from "./finding.ts";

const room = 64 << 20;
const day = 86_400_000;
const run = promisify(execFile);

export async function placeReady(
  file: CeremonyFile,
  days: Days,
  printer: string | undefined,
): Promise<readonly Finding[]> {
  const stick = asText(file.parameters.stick);
  return [
    ...(stick === null ? [] : [await look("stick", () => stickReady(pathIn(file, stick)))]),
    await look("clock", () => clockReady(days)),
    ...(printer === undefined ? [] : [await look(`printer ${printer}`, () => printerReady(printer))]),
  ];
}

function stickReady(path: string): Omit<Finding, "about"> {
  try {
    const folder = mkdtempSync(join(path, ".ready-"));
    try {
      writeFileSync(join(folder, "probe"), "coldseal", { flag: "wx" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  } catch (cause) {
    throw new Refusal("MEDIA-WRITE", "the stick cannot be written", {
      expected: path,
      got: `${(cause as Error).message}`,
    });
  }
  const { bavail, bsize } = statfsSync(path);
  const free = bavail * bsize;
  return free < room
    ? missing(`MEDIA-FULL: ${Math.floor(free / 2 ** 20)} MiB are free at ${path}, 64 are wanted`)
    : well(`${path} can be written`);
}

function clockReady({ now, scheduled }: Days): Omit<Finding, "about"> {
  const days = (Date.parse(scheduled) - Date.parse(now)) / day;
  const words = `it is ${now}; the ceremony is at ${scheduled}`;
  return days < -1 ? warning(`${words}, which is past: is the clock right?`) : well(words);
}

/** What CUPS says of it. Refuses PRINTER. */
async function printerReady(printer: string): Promise<Omit<Finding, "about">> {
  try {
    const { stdout } = await run("lpstat", ["-p", printer], { timeout: 10_000 });
    const [line = ""] = stdout.split("\n");
    return /disabled/.test(line) ? missing(`PRINTER: ${line}`) : well(line);
  } catch (cause) {
    throw new Refusal("PRINTER", "lpstat does not know it", { expected: `lpstat -p ${printer}`, cause });
  }
}
