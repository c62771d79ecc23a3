/** `npm run box -- DIR`: starts the box of a demo folder in the foreground, and says what can be done with it. */

import { existsSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { asRefusal, Refusal } from "../manifests/refusal.ts";
import { startBox } from "./launcher.ts";

const [dir, ...rest] = process.argv.slice(2);
try {
  if (dir === undefined || rest.length > 0) {
    throw new Refusal("USAGE", "expected one folder", {
      expected: "npm run box -- DIR",
      got: process.argv.slice(2).join(" ") || "nothing",
    });
  }
  await run(resolve(dir));
} catch (fault) {
  const { code, message, next } = asRefusal(fault, "INTERNAL", fault instanceof Error ? fault.message : "a fault");
  console.error(`box: ${message} (${code})\nnow: ${next}`);
  process.exitCode = code === "USAGE" ? 2 : 3;
}

async function run(folder: string): Promise<void> {
  if (!existsSync(join(folder, "box", "launcher.json"))) {
    throw new Refusal("USAGE", `${folder} holds no box`, { expected: "a folder made by `npm run demo -- --out DIR`" });
  }
  const box = await startBox(folder, {
    restart: true,
    onLog: (name, line) => console.log(`${name.padEnd(6)} ${shortly(line)}`),
  });
  console.log(guide(folder).join("\n"));
  await new Promise<void>((done) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => done());
  });
  console.log("ending the box");
  await box.stop();
}

/** A line of JSON log as a person reads it. */
function shortly(line: string): string {
  try {
    const { time, msg, code, folder } = JSON.parse(line) as { readonly [name: string]: unknown };
    const words = [String(time).slice(11, 19), msg, folder, code && `(${code})`];
    return words.filter((word) => word !== undefined && word !== "").join(" ");
  } catch {
    return line;
  }
}

function guide(folder: string): readonly string[] {
  const here = (...path: readonly string[]) => quoted(relative(process.cwd(), join(folder, ...path)) || ".");
  const people = readdirSync(join(folder, "operators")).sort();
  const as = (person: string) => `npm run -s ceremony -- --as ${here("operators", person, "operator.json")}`;
  const [first = "op1", second = "op2"] = people;
  return [
    "",
    "The box runs; it is locked. Ctrl-C ends it. In another terminal, in this folder:",
    "",
    `  ${as(first)} status                    how it is`,
    ...unlockLines(folder, as(first), here),
    `  npm run -s coldseal -- batch create FILES… --to ${here("stick")} --mode test \\`,
    `      --key ${here("pki", "submitter.p12")} --password-file ${here("pki", "submitter.p12.password")}`,
    "                                         keep the slip: approving asks for words of it",
    `  ${as(first)} list                      what waits, and why`,
    `  ${as(first)} approve BATCH             the person's PIN is in ${here("operators", first, "pin")}`,
    `  ${as(second)} approve BATCH`,
    `  npm run -s coldseal -- verify ${here("stick", "coldseal", "outbox")}/BATCH --ca ${here("pki", "ca.crt")}`,
    "",
  ];
}

/** By its PIN, or by shares where genesis was held by ceremony: passphrases lie beside each operator's token. */
function unlockLines(folder: string, as: string, here: (...path: readonly string[]) => string): readonly string[] {
  if (existsSync(join(folder, "box", "pin")))
    return [`  ${as} unlock                    its PIN is in ${here("box", "pin")}`];
  const shares = readdirSync(join(folder, "stick/coldseal/shares"))
    .filter((name) => name.includes("-unlock-"))
    .sort();
  const two = shares.slice(0, 2).map((name) => here("stick", "coldseal", "shares", name));
  return [
    `  ${as} unlock \\`,
    `      --share ${two.join(" ")}`,
    `                                         passphrases are in ${here("operators")}/op*/passphrase`,
  ];
}

function quoted(path: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
