/**
 * The making of a new box: its store and the first objects in its token. A kill at any point costs nothing: the store has its
 * name only when all is done, and the next run goes on from what stands.
 */

import { existsSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { moveDurable, syncFolder } from "../../host/durable.ts";
import { hex } from "../../manifests/encoding/bytes.ts";
import { ownOids } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { type PolicyInForce, verifyGenesis } from "../../manifests/records/policy-chain.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { Head } from "./head.ts";
import { Journal } from "./journal.ts";
import { checkPinnedKeys } from "./keys.ts";
import { type BoxParts, checkAppliance, storePath } from "./open-box.ts";
import { insertBox, insertPolicy } from "./policies.ts";
import { createStore, openStore } from "./store.ts";

/**
 * Makes a box: store, journal row 1, policy 1, genesis digest and first head in the token. Everything is durable on return.
 * Refuses with STORE when there is a store, CHAIN when the token holds anything that this did not write, POLICY-*, PIN-WRONG,
 * HSM codes. What is left then, or by a kill, is a store under another name, and perhaps the token's objects of it: running it
 * again makes the box.
 */
export async function createBox(parts: BoxParts, genesis: Uint8Array, pin: Uint8Array): Promise<PolicyInForce> {
  const { config, host, hsm } = parts;
  try {
    const policy = await verifyGenesis(host, ownOids(config.arc), genesis, config.genesis);
    checkAppliance(policy.policy.appliance, config.appliance);
    checkPinnedKeys(config.keys, policy.policy);
    const path = storePath(config);
    if (existsSync(path)) throw new Refusal("STORE", "a store is already there: this box was made", { about: path });
    hsm.use(config.keys);
    await hsm.login(pin);
    try {
      await makeBox(parts, policy, genesis, path);
    } finally {
      await hsm.logout();
    }
    return policy;
  } finally {
    pin.fill(0);
  }
}

async function makeBox(parts: BoxParts, policy: PolicyInForce, genesis: Uint8Array, path: string): Promise<void> {
  const { appliance, genesis: genesisDigest } = parts.config;
  const unfinished = `${path}.new`;
  if (!(await parts.hsm.readHead("head"))) await makeStore(parts, policy, genesis, unfinished);
  else if (!existsSync(unfinished)) throw new Refusal("CHAIN", "the token already holds the head of a box");
  const db = openStore(unfinished);
  try {
    await new Head(db, new Journal(db), parts.hsm, { appliance, genesis: genesisDigest }).create();
    db.pragma("wal_checkpoint(TRUNCATE)");
  } finally {
    db.close();
  }
  await moveDurable(unfinished, path);
}

/** The store with its first two rows, durable under a name that no signer opens. No head in the token names an older one there. */
async function makeStore(parts: BoxParts, policy: PolicyInForce, genesis: Uint8Array, path: string): Promise<void> {
  const { clocks, config, hsm, software } = parts;
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
  const time = utcOf(clocks.wall());
  createStore(path, (made) => {
    insertBox(made, config.appliance, config.genesis);
    insertPolicy(made, policy, genesis);
    made.prepare("INSERT INTO pin_tries (one, failures, wait_until) VALUES (1, 0, NULL)").run();
    made.prepare("INSERT INTO last_time (one, time) VALUES (1, ?)").run(time);
    const journal = new Journal(made);
    journal.append(time, "created", {
      appliance: config.appliance,
      genesis: config.genesis,
      software: { ...software },
      token: hsm.serial,
    });
    journal.append(time, "policy", { digest: hex(policy.digest), number: 1 });
  }).close();
  await syncFolder(dirname(path));
}
