/** Has the signer create its store: journal, genesis policy, head on the token. The signer's own program does it, with the PIN on a descriptor. */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { BoxPaths } from "./layout.ts";

const signerMain = fileURLToPath(new URL("../../appliance/signer/main.ts", import.meta.url));
const pinDescriptor = 3;

/** Resolves when the store is there and durable. Refuses with STORE, naming what the signer said. */
export async function createStore(paths: BoxPaths, pin: string): Promise<void> {
  await createSignerStore(paths.box.signerJson, paths.pki.genesisPolicy, utf8(pin));
}

/** The same, by paths; the PIN is the caller's to wipe. */
export async function createSignerStore(signerJson: string, genesis: string, pin: Uint8Array): Promise<void> {
  const words = ["create", signerJson, "--genesis", genesis, "--pin-fd", String(pinDescriptor)];
  const child = spawn(process.execPath, [signerMain, ...words], { stdio: ["ignore", "ignore", "pipe", "pipe"] });
  const said: Buffer[] = [];
  child.stderr?.on("data", (piece: Buffer) => said.push(piece));
  const pinPipe = child.stdio[pinDescriptor] as NodeJS.WritableStream;
  pinPipe.on("error", () => undefined);
  pinPipe.end(Buffer.from(pin));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (status === 0) return;
  throw new Refusal("STORE", "the signer did not create its store", {
    expected: "exit status 0",
    got: `exit status ${status}: ${Buffer.concat(said).toString("utf8").trim().slice(-2000)}`,
  });
}
