/** Has the signer create its store: journal, genesis policy, head on the token. The signer's own program does it, with the PIN on a descriptor. */

import { utf8 } from "../../manifests/encoding/bytes.ts";
import type { BoxPaths } from "./layout.ts";
import { runSigner } from "./run-signer.ts";

/** Resolves when the store is there and durable. Refuses with STORE, naming what the signer said. */
export async function createStore(paths: BoxPaths, pin: string): Promise<void> {
  await createSignerStore(paths.box.signerJson, paths.pki.genesisPolicy, utf8(pin));
}

/** The same, by paths; the PIN is the caller's to wipe. */
export async function createSignerStore(signerJson: string, genesis: string, pin: Uint8Array): Promise<void> {
  await runSigner(["create", signerJson, "--genesis", genesis], "create its store", pin);
}
