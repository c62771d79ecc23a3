/** Runs the signer's own program for one task that needs the token's PIN, which goes in by a descriptor. */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Refusal } from "../../manifests/refusal.ts";

const signerMain = fileURLToPath(new URL("../../appliance/signer/main.ts", import.meta.url));
const pinDescriptor = 3;

/** What it printed. The PIN is the caller's to wipe. Refuses with STORE, naming what the signer said. */
export async function runSigner(words: readonly string[], what: string, pin: Uint8Array): Promise<string> {
  const args = [signerMain, ...words, "--pin-fd", String(pinDescriptor)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe", "pipe"] });
  const printed: Buffer[] = [];
  const said: Buffer[] = [];
  child.stdout?.on("data", (piece: Buffer) => printed.push(piece));
  child.stderr?.on("data", (piece: Buffer) => said.push(piece));
  const pinPipe = child.stdio[pinDescriptor] as NodeJS.WritableStream;
  pinPipe.on("error", () => undefined);
  pinPipe.end(Buffer.from(pin));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (status === 0) return Buffer.concat(printed).toString("utf8");
  throw new Refusal("STORE", `the signer did not ${what}`, {
    expected: "exit status 0",
    got: `exit status ${status}: ${Buffer.concat(said).toString("utf8").trim().slice(-2000)}`,
  });
}
