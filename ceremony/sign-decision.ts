/** Signs one decision with the operator's token, asking for the PIN once a sitting. */

import { nodeHost } from "../host/crypto-host.ts";
import { readSecret } from "../host/terminal/secret-descriptor.ts";
import { type SigningKey, signContent } from "../manifests/cms/sign.ts";
import { shown } from "../manifests/records/names.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { Sitting } from "./ports.ts";
import { notThePin } from "./wrong-pin.ts";

/** Holds the login of one sitting: the PIN is asked for at the first signature, then no more. */
export class TokenLogin {
  readonly #sitting: Sitting;
  #key: SigningKey | undefined;

  constructor(sitting: Sitting) {
    this.#sitting = sitting;
  }

  /** A SignedData over `content` with one signer, the operator. Refuses with PIN-WRONG, PIN-LOCKED and HSM-* codes. */
  async sign(eContentType: string, content: Uint8Array): Promise<Uint8Array> {
    this.#key ??= await this.#login();
    return signContent(nodeHost, this.#key, { eContentType, content, signingTime: this.#sitting.now() });
  }

  async close(): Promise<void> {
    this.#key = undefined;
    await this.#sitting.token.close();
  }

  async #login(): Promise<SigningKey> {
    const { token, pinDescriptor, prompter } = this.#sitting;
    const owner = `${this.#sitting.person}'s token ${shown(token.label)} (serial ${shown(token.serial)})`;
    if (pinDescriptor !== undefined) return this.#try(owner, readSecret(pinDescriptor));
    const tries = prompter.interactive ? 3 : 1;
    for (let left = tries; ; left--) {
      const warning = await token.check();
      const note = warning === undefined ? "" : `, ${warning}`;
      const pin = await prompter.secret(`Type the PIN of ${owner}${note}: `);
      try {
        return await this.#try(owner, pin);
      } catch (fault) {
        if (!(fault instanceof Refusal) || fault.code !== "PIN-WRONG" || left <= 1) throw fault;
        this.#sitting.output.say("That is not the PIN of this token. Nothing was signed. Type it again, slowly.");
      }
    }
  }

  async #try(owner: string, pin: Uint8Array): Promise<SigningKey> {
    try {
      return await this.#sitting.token.login(pin);
    } catch (fault) {
      throw notThePin(owner, fault);
    } finally {
      pin.fill(0);
    }
  }
}
