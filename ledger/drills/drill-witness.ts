/** A witness for a drill, which serves within its process on a free port of this machine alone. */

import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { serveWitness } from "../witness/server.ts";
import { makeWitness, openWitness } from "../witness/witness-folder.ts";
import type { DrillContext } from "./drill.ts";

/** Guessing the passphrase is nobody's gain here: it is random, and gone with the drill. */
const cost = { N: 1 << 10, p: 1, r: 8 };

/** Watches the log of that verifier key. */
export async function aWitness(
  { folder, onEnd }: DrillContext,
  log: string,
): Promise<{ readonly url: string; readonly vkey: string }> {
  const own = `${folder}/witness`;
  const listen = { host: "127.0.0.1", port: 0 };
  const passphrase = utf8(randomBytes(24).toString("base64url"));
  const vkey = await makeWitness({
    cost,
    folder: own,
    listen,
    logs: [log],
    name: "drill.coldseal.test/witness",
    passphrase: passphrase.slice(),
  });
  const { witness } = await openWitness(own, async () => passphrase);
  const server = await serveWitness(witness, listen);
  onEnd(() => {
    server.close();
    server.closeAllConnections();
    witness.heads.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, vkey };
}
