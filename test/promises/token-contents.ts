/** What the checker asks of a real token: the head and genesis that its private objects hold. */

import { readFileSync } from "node:fs";
import { HeadStore } from "../../hardware/counter-object.ts";
import { openToken } from "../../hardware/token.ts";
import { utf8 } from "../../manifests/encoding/bytes.ts";
import { type RealSigner, tokenPin } from "../appliance/signer/real-signer.ts";
import type { TokenContents } from "./check-record.ts";

/** Reads it in this process, also while the signer runs, and by the real module, whatever stands between signer and token. SoftHSM does not tell what it signed. */
export async function tokenContents(signer: RealSigner): Promise<TokenContents> {
  const { token: place } = JSON.parse(readFileSync(signer.config, "utf8")) as {
    readonly token: { readonly uri: string };
  };
  const token = await openToken({ ...signer.token, uri: place.uri });
  try {
    await token.login(utf8(tokenPin));
    const heads = new HeadStore(token);
    const read = async (name: string) => {
      const head = await heads.read(`coldseal ${name} ${signer.policy.appliance}`);
      return head && { counter: head.counter, content: head.value };
    };
    return { head: await read("head"), genesis: (await read("genesis"))?.content, sealed: undefined };
  } finally {
    await token.close();
  }
}
