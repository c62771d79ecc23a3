/** `bouncycastle`: one Java process over SunPKCS11 (Peer.java), kept warm over all measurements. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PeerKey, PeerToken } from "./peer-token.ts";
import { warmJava } from "./warm-java.ts";

export interface Peer {
  /** documents a second */
  measure(): Promise<number>;
  end(): void;
}

/** Over the `count` documents `folder/d0…`. Throws where Java or BouncyCastle is missing. */
export function bouncyCastle(folder: string, { soft, label }: PeerToken, kind: PeerKey, count: number): Peer {
  const configuration = join(folder, "p11.cfg");
  writeFileSync(configuration, `name = peer\nlibrary = ${soft.place.module}\nslotListIndex = 0\n`);
  const algorithm = kind === "p256" ? "SHA256withECDSA" : "SHA256withRSA";
  const args = [configuration, label, algorithm, `${count}`, folder];
  const java = warmJava(folder, "Peer", args, soft.place.environment);
  java.say(new TextDecoder().decode(soft.pin));
  let run = 0;
  return { measure: () => java.ask(join(folder, `java-out-${++run}`)), end: () => java.end() };
}
