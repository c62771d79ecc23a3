/** A key that the token has and the record does not, or the other way round: found at each unlock, journalled and named. */

import type { Box } from "./box.ts";
import { keysAtHand, markOf } from "./standing.ts";

/** Compares; what differs is journalled where it is new. A token that cannot list its keys refuses with its HSM code. */
export async function findKeys(box: Box): Promise<void> {
  const { standing } = box.orders;
  const known = keysAtHand(box.configured, standing).filter(({ token }) => token.uri === box.token.uri);
  const expected = known.filter(({ spki }) => markOf(standing, spki)?.state !== "destroyed").map(({ uri }) => uri);
  const doomed = known.filter(({ uri }) => !expected.includes(uri)).map(({ uri }) => uri);
  const { missing, unrecorded } = await box.hsm.compareKeys(known.map(({ uri }) => uri));
  const found = [
    ...missing.filter((uri) => expected.includes(uri)).map((uri) => `recorded, but not on the token: ${uri}`),
    ...doomed.filter((uri) => !missing.includes(uri)).map((uri) => `to be destroyed, but still on the token: ${uri}`),
    ...unrecorded.map((name) => `on the token, but not recorded: ${name}`),
  ];
  const same = found.length === box.keysFound.length && found.every((one, at) => one === box.keysFound[at]);
  if (!same) box.record("keys-found", { found });
  box.keysFound = found;
}
