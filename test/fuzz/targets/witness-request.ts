import { type AddCheckpoint, addCheckpointBytes, readAddCheckpoint } from "../../../ledger/witness/add-checkpoint.ts";
import { equal } from "../../../manifests/encoding/bytes.ts";
import { history } from "../../ledger/trees.ts";
import { logKey, signedCheckpoint } from "../../manifests/log/log-keys.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import { Broken, type Target } from "../target.ts";

/** What a witness is sent over the network. */
export const witnessRequest: Target = {
  name: "witness-request",
  seeds: async () => {
    const log = await logKey("log.example/1");
    const tree = history();
    const checkpoint = signedCheckpoint({ origin: log.vkey.name, ...tree.head(20) }, log);
    return [0, 7, 20].map((old) => addCheckpointBytes({ old, path: tree.path(old, 20), checkpoint }));
  },
  mutate: mutateBytes,
  run: (input) => readAddCheckpoint(input),
  after: (input, read) => {
    if (!equal(addCheckpointBytes(read as AddCheckpoint), input)) {
      throw new Broken("an accepted request is not what was read of it");
    }
  },
};
