/** A Java program with BouncyCastle, compiled once and kept warm: each line that it reads is answered with one figure. */

import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { projectRoot } from "../../../demo/project-root.ts";

const jars = ["bcprov", "bcpkix", "bcutil"].map((name) => `/usr/share/java/${name}.jar`);

export interface WarmJava {
  /** a line that is not answered */
  say(line: string): void;
  ask(line: string): Promise<number>;
  end(): void;
}

/** `name`: of the class, and of its file in test/bench/peers. Throws where Java or BouncyCastle is missing. */
export function warmJava(
  folder: string,
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): WarmJava {
  const missing = jars.find((path) => !existsSync(path));
  if (missing) throw new Error(`${missing} is missing (Debian: libbcpkix-java)`);
  execFileSync("javac", ["-cp", jars.join(":"), "-d", folder, join(projectRoot, `test/bench/peers/${name}.java`)]);
  const child = spawn("java", ["-cp", [folder, ...jars].join(":"), name, ...args], {
    env: { ...process.env, ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const say = (line: string) => void child.stdin.write(`${line}\n`);
  return {
    say,
    async ask(line) {
      say(line);
      const { value, done } = await answers.next();
      if (done) throw new Error("the Java process ended");
      return Number(value);
    },
    end: () => void child.kill(),
  };
}
