/** A signer that is killed around the one write that counts: `node dying-signer.ts FOLDER before|after`, the passphrase on descriptor 3; serves at its socket. */

import { join } from "node:path";
import { serve } from "../../../host/wire.ts";
import { askPassphrase } from "../../../ledger/keys/passphrase.ts";
import { signerMethods } from "../../../ledger/signer/methods.ts";
import { openSigner } from "../../../ledger/signer/open-signer.ts";
import { documentationArc } from "../../../manifests/encoding/oid.ts";

const [, , folder = "", moment] = process.argv;
const signer = await openSigner(folder, documentationArc, (what) => askPassphrase(3, what));
const { heads } = signer;
const advance = heads.advance.bind(heads);
heads.advance = async (...args) => {
  if (moment === "after") await advance(...args);
  process.kill(process.pid, "SIGKILL");
  await new Promise(() => undefined);
};
await serve(join(folder, "sign.sock"), signerMethods(signer));
process.stdout.write("serving\n");
