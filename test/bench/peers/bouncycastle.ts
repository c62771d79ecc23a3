/** `bouncycastle`: one Java process over SunPKCS11 (Peer.java), kept warm over all measurements. */

import { execFileSync, spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { projectRoot } from "../../../demo/project-root.ts";
import type { PeerKey, PeerToken } from "./peer-token.ts";

const jars = ["bcprov", "bcpkix", "bcutil"].map((name) => `/usr/share/java/${name}.jar`);

export interface Peer {
  /** documents a second */
  measure(): Promise<number>;
  end(): void;
}

/** Over the `count` documents `folder/d0…`. Throws where Java or BouncyCastle is missing. */
export function bouncyCastle(folder: string, { soft, label }: PeerToken, kind: PeerKey, count: number): Peer {
  const missing = jars.find((path) => !existsSync(path));
  if (missing) throw new Error(`${missing} is missing (Debian: libbcpkix-java)`);
  execFileSync("javac", ["-cp", jars.join(":"), "-d", folder, join(projectRoot, "test/bench/peers/Peer.java")]);
  const configuration = join(folder, "p11.cfg");
  writeFileSync(configuration, `name = peer\nlibrary = ${soft.place.module}\nslotListIndex = 0\n`);
  const algorithm = kind === "p256" ? "SHA256withECDSA" : "SHA256withRSA";
  const classes = [folder, ...jars].join(":");
  const child = spawn("java", ["-cp", classes, "Peer", configuration, label, algorithm, `${count}`, folder], {
    env: { ...process.env, ...soft.place.environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.write(`${new TextDecoder().decode(soft.pin)}\n`);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let run = 0;
  return {
    async measure() {
      child.stdin.write(`${join(folder, `java-out-${++run}`)}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error("the Java process ended");
      return Number(value);
    },
    end() {
      child.kill();
    },
  };
}
