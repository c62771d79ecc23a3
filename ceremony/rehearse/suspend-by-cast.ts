/** What `ceremony suspend` does, by a made-up officer: one signature, and the box seals nothing. */

import { boxStanding, order } from "../../appliance/client/unlock-client.ts";
import { nodeHost } from "../../host/crypto-host.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import { documentationArc, ownOids } from "../../manifests/encoding/oid.ts";
import { utcOf } from "../../manifests/encoding/shape.ts";
import { readCeremonyFile } from "../engine/ceremony-file.ts";
import { personKey, personOf } from "../engine/people.ts";
import { playedScene } from "../engine/played-scene.ts";
import { suspendOrder } from "../suspend-order.ts";
import { endTokenProcesses } from "../tokens/token-process.ts";
import type { Rehearsal } from "./rehearsal.ts";

/** Suspends the box of the rehearsal. Refuses as `order`. */
export async function suspendByCast(rehearsal: Rehearsal, id: string, reason: string): Promise<void> {
  const file = readCeremonyFile(rehearsal.done.at(-1)?.file ?? "");
  const scene = playedScene({ secret: rehearsal.cast.secret, say: () => undefined });
  const key = await personKey(scene, personOf(file, id));
  try {
    const now = utcOf(Date.now());
    const content = suspendOrder(await boxStanding(rehearsal.socket), rehearsal.made.wanted.appliance, reason, now);
    const { order: eContentType } = ownOids(documentationArc);
    await order(rehearsal.socket, await signContent(nodeHost, key, { eContentType, content, signingTime: now }));
  } finally {
    key.wipe();
    endTokenProcesses();
  }
}
