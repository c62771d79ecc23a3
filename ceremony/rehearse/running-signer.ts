/** The signer of a rehearsed box as a process, started again when it ends, as a unit does; and its unlock by made-up holders. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { boxStanding, unlock, wrappedPins } from "../../appliance/client/unlock-client.ts";
import { compileCache } from "../../host/compile-cache.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { KeptProcess } from "../../host/kept-process.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { readWrapped, verifyShare } from "../../manifests/records/share.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { joinShares, type OpenedShare, openShare } from "../shares/split.ts";
import type { Cast } from "./cast.ts";

const main = fileURLToPath(new URL("../../appliance/signer/main.ts", import.meta.url));
const libraries = process.env.LD_LIBRARY_PATH ? { LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH } : {};

export interface RunningSigner {
  /** Ends it, by its id. */
  stop(): Promise<void>;
}

/** Kept running from now on: also where there is no box yet, which it waits for. */
export function keepSigner(signerJson: string, log: string): RunningSigner {
  return new KeptProcess({
    name: "signer",
    file: process.execPath,
    args: [main, "run", signerJson],
    env: { LANG: "C.UTF-8", PATH: "/usr/bin:/bin", TZ: "UTC", ...compileCache, ...libraries },
    log: join(log, "signer.log"),
    restart: true,
  });
}

/** Resolves when it answers. Refuses with UNREACHABLE, and then nothing runs. */
export async function startSigner(signerJson: string, unlockSocket: string, log: string): Promise<RunningSigner> {
  const kept = keepSigner(signerJson, log);
  for (let left = 300; left > 0; left--) {
    if (await answers(unlockSocket)) return kept;
    await setTimeout(100);
  }
  await kept.stop();
  throw new Refusal("UNREACHABLE", "the signer does not answer", { about: join(log, "signer.log") });
}

/** Unlocks by the shares in these files; the holders' passphrases are made up. Refuses SHARE-*, PIN-*, CLOSED, HSM-*. */
export async function unlockByCast(
  socket: string,
  cast: Pick<Cast, "secret">,
  files: readonly string[],
): Promise<void> {
  if (!(await boxStanding(socket)).locked) return;
  const { auditKeys, wrapped } = await wrappedPins(socket);
  const { split } = await verifyShare(nodeHost, readFileSync(files[0] ?? ""), auditKeys);
  const pin = wrapped.find((one) => readWrapped(one).split === split);
  if (!pin) throw new Refusal("SHARE-FOREIGN", "no PIN of this box was split");
  const opened: OpenedShare[] = [];
  for (const file of files) {
    const bytes = readFileSync(file);
    const opener = async ({ holder }: { readonly holder: string }) => ({
      kind: "passphrase" as const,
      passphrase: utf8(cast.secret(holder, "passphrase")),
    });
    opened.push(await openShare(bytes, pin, auditKeys, opener));
  }
  const joined = await joinShares(opened, pin);
  try {
    await unlock(socket, joined);
  } finally {
    joined.fill(0);
    for (const { piece } of opened) piece.fill(0);
  }
}

async function answers(socket: string): Promise<boolean> {
  try {
    await boxStanding(socket);
    return true;
  } catch {
    return false;
  }
}
