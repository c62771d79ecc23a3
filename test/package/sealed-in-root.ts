/**
 * Runs inside of a Debian root, on the installed Node, beside copies of the demo's people and launcher: a box comes to be by its
 * ceremonies, seals, is upgraded by `dpkg -i NEXT`, refuses to seal, and seals again after an `update` ceremony. The product itself
 * is the installed one: the folders beside are links to it. Prints what it saw as JSON.
 */

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Rehearsal } from "../../ceremony/rehearse/rehearsal.ts";
import { type RehearsedBox, rehearsedBox } from "../../ceremony/rehearse/rehearsed-box.ts";
import { startBox } from "../../demo/launcher.ts";
import { succeeded, unlockByShares } from "../../demo/people.ts";
import { RehearsedDay } from "../e2e/rehearsed-day.ts";

const [dir = "", next = ""] = process.argv.slice(2);
const product = "/usr/lib/coldseal";
const silent = { say: () => undefined };

const made = await rehearsedBox(dir, { profile: "ecdsa-p256-sha256", settleSeconds: 1, scanSeconds: 1 }, silent);
const day = new RehearsedDay(made);
startInstalled(made);

const first = await running(async () => {
  await day.sealed("first", { "a.txt": "one", "b.txt": "two" });
  return JSON.parse(succeeded(await day.verify("first"), "verify").stdout) as unknown;
});

const upgraded = execFileSync("dpkg", ["-i", next], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const { software, package: version } = JSON.parse(readFileSync(`${product}/files.json`, "utf8")) as Record<
  string,
  string
>;

const second = await running(async () => {
  const slip = await day.bring("second", { "c.txt": "three" });
  await day.until("second", "waiting-for-approval");
  const refused = ask("status");
  const rehearsal = new Rehearsal(made, silent);
  await rehearsal.hold("update", "The installed software is approved", {
    ...rehearsal.common,
    software: { digest: software ?? "", version: version ?? "" },
  });
  await day.approved(slip);
  return { refused, verified: JSON.parse(succeeded(await day.verify("second"), "verify").stdout) as unknown };
});

process.stdout.write(`${JSON.stringify({ first, second, software, stick: made.paths.stick, upgraded })}\n`);

/** The launcher takes the processes' code from the installed folder, not from the links beside it. */
function startInstalled({ paths }: RehearsedBox): void {
  const launcher = JSON.parse(readFileSync(paths.box.launcherJson, "utf8")) as Record<string, unknown>;
  const installed = { ...launcher, node: `${product}/node/bin/node`, project: product };
  writeFileSync(paths.box.launcherJson, JSON.stringify(installed));
  mkdirSync(paths.box.run, { recursive: true, mode: 0o700 });
}

async function running<T>(act: () => Promise<T>): Promise<T> {
  const box = await startBox(dir, { restart: true });
  try {
    succeeded(await unlockByShares(made, ["op1", "op2"]), "unlock");
    return await act();
  } finally {
    await box.stop();
  }
}

function ask(what: string): unknown {
  const operator = made.paths.operators[0]?.operatorJson ?? "";
  return JSON.parse(execFileSync("/usr/bin/ceremony", ["--as", operator, "--json", what], { encoding: "utf8" }));
}
