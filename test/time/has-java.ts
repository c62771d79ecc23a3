/** Whether BouncyCastle can be asked on this machine; where it cannot, a user's tests are skipped and CI's fail. */

import { execFileSync } from "node:child_process";

export function hasJava(): boolean {
  try {
    execFileSync("java", ["--list-modules"], { stdio: "ignore" });
    execFileSync("ls", ["/usr/share/java/bcpkix.jar"], { stdio: "ignore" });
    return true;
  } catch {
    if (process.env.CI)
      throw new Error("java and BouncyCastle are missing: apt install default-jdk-headless libbcpkix-java");
    return false;
  }
}
