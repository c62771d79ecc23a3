/** A token that is opened, logged in to, and closed again, for one piece of work. */

import type { TokenConfig } from "./module.ts";
import { openToken, type Token } from "./token.ts";

/**
 * Runs `work` under a login of its own, so that what is found comes from the token's own memory or files. `pin` is UTF-8, the caller wipes it. Refuses with the codes of
 * `openToken` and `Token.login`; nothing is tried twice.
 */
export async function withLogin<T>(
  config: TokenConfig,
  pin: Uint8Array,
  work: (token: Token) => Promise<T>,
): Promise<T> {
  const token = await openToken(config);
  try {
    await token.login(pin);
    return await work(token);
  } finally {
    await token.close();
  }
}
