/** What tests ask of a signer: checkpoints of a tree, and whether a note is the signed one. */

import { expect } from "vitest";
import { nodeHost } from "../../../host/crypto-host.ts";
import type { SignerClient } from "../../../ledger/client/signer-client.ts";
import { checkCheckpoint } from "../../../manifests/log/checkpoint.ts";
import type { TreeHead } from "../../../manifests/log/tree-proof.ts";
import { history } from "../trees.ts";
import { origin, type TestKeys } from "./a-signer.ts";

export const tree = history();

/** Asks for the checkpoint of `to` entries after one of `from`, with the proof that leads there, unless another is given. */
export function sign(
  signer: SignerClient,
  from: number,
  to: number,
  { path, tree: other = tree }: { tree?: typeof tree; path?: Uint8Array[] } = {},
) {
  return signer.checkpoint(other.head(to), from, path ?? (from < to ? other.path(from, to) : []));
}

/** A note that the log's key signed over exactly this tree. */
export async function checkNote({ vkey: log }: Pick<TestKeys, "vkey">, note: Uint8Array, { root, size }: TreeHead) {
  const checked = await checkCheckpoint(nodeHost, note, { log, witnesses: [], cosignatures: 0 });
  expect(checked).toMatchObject({ origin, size, root });
}
