/** Signs one decision with the operator's token, asking for the PIN once a sitting. */

import { nodeHost } from "../host/crypto-host.ts";
import { type SigningKey, signContent } from "../manifests/cms/sign.ts";
import { shown } from "../manifests/records/names.ts";
import { withPin } from "./ask-pin.ts";
import type { Sitting } from "./ports.ts";

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
    const { token, person } = this.#sitting;
    const owner = `${person}'s token ${shown(token.label)} (serial ${shown(token.serial)})`;
    const asked = {
      owner: () => owner,
      question: async () => {
        const warning = await token.check();
        return `Type the PIN of ${owner}${warning === undefined ? "" : `, ${warning}`}: `;
      },
      again: "That is not the PIN of this token. Nothing was signed. Type it again, slowly.",
    };
    return withPin(this.#sitting, asked, (pin) => token.login(pin));
  }
}
