/** A witness that is killed around the one write that counts: `node dying-witness.ts FOLDER before|after`, the passphrase on descriptor 3. */

import type { AddressInfo } from "node:net";
import { askPassphrase } from "../../../ledger/keys/passphrase.ts";
import { serveWitness } from "../../../ledger/witness/server.ts";
import { openWitness } from "../../../ledger/witness/witness-folder.ts";

const [, , folder = "", moment] = process.argv;
const { listen, witness } = await openWitness(folder, (what) => askPassphrase(3, what));
const { heads } = witness;
const advance = heads.advance.bind(heads);
heads.advance = async (...args) => {
  if (moment === "after") await advance(...args);
  process.kill(process.pid, "SIGKILL");
  await new Promise(() => undefined);
};
const server = await serveWitness(witness, listen);
process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })}\n`);
