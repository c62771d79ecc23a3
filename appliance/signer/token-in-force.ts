/** Which token holds the keys in force: the one that the box was made with, until a policy names keys of another. */

import { existsSync } from "node:fs";
import type { Host } from "../../manifests/host.ts";
import type { SignerConfig } from "./config.ts";
import { configuredKeys, keysInForce, type TokenAtHand } from "./keys.ts";
import { storePath } from "./open-box.ts";
import { Orders } from "./orders.ts";
import { Policies } from "./policies.ts";
import { keysAtHand } from "./standing.ts";
import { openStore } from "./store.ts";

/** Looked up before the token is opened, as a process opens one alone. Whatever is wrong with the store is `openBox`'s to say: the configured one then. */
export async function tokenInForce(config: SignerConfig, host: Host): Promise<TokenAtHand> {
  const path = storePath(config);
  if (!existsSync(path)) return config.token;
  try {
    const db = openStore(path);
    try {
      const { policy } = (await Policies.load(db, host)).inForce;
      return keysInForce(policy, keysAtHand(configuredKeys(config), new Orders(db).standing)).token;
    } finally {
      db.close();
    }
  } catch {
    return config.token;
  }
}
