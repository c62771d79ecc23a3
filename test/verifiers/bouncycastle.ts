/** BouncyCastle, by the program of docs/verify.md: one Java process, which compiles it in memory and answers line by line. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { projectRoot } from "../structure/source-files.ts";
import { type Verifier, type VerifierKind, versionOf } from "./verifier.ts";

const jars = ["bcpkix", "bcprov", "bcutil"].map((name) => `/usr/share/java/${name}.jar`);

/** What stands before the program's own arguments; the two options make a short life of it cheaper. */
export const javaArguments: readonly string[] = [
  ...["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"],
  ...["-cp", jars.join(":"), join(projectRoot, "docs/CheckCms.java")],
];

export const bouncycastle: VerifierKind = {
  name: "BouncyCastle",
  needs: "default-jdk-headless libbcpkix-java",
  version: versionHere(),
  open,
};

/** BouncyCastle's, null also where only a Java without compiler is. */
function versionHere(): string | null {
  const java = versionOf("java", ["--list-modules"], /^(jdk\.compiler)@/m);
  if (java === null || !jars.every((jar) => existsSync(jar))) return null;
  return /-([\d.]+)\.jar$/.exec(realpathSync(jars[0] as string))?.[1] ?? "of unknown version";
}

async function open(root: string): Promise<Verifier> {
  // Without a UTF-8 locale Java 17 cannot even name a file like "Übersicht.pdf".
  const env = { ...process.env, LC_ALL: "C.UTF-8" };
  const child = spawn("java", [...javaArguments, root], { env, stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (bytes) => {
    said += String(bytes);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();
  const ask = async (line: string): Promise<string | undefined> => {
    child.stdin.write(`${line}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`the Java program ended: ${said}`);
    if (value.startsWith("good: ")) return undefined;
    if (value.startsWith("refused: ")) return value;
    throw new Error(`the Java program said ${value}`);
  };
  return {
    refusal: ({ signed, document }) => {
      const answer = last.then(() => ask(document === undefined ? signed : `${signed}\t${document}`));
      last = answer.catch(() => {});
      return answer;
    },
    end: async () => {
      child.stdin.end();
      await ended(child);
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}
