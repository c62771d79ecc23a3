/** What a token's process is asked for. */

import type { SuiteName } from "../../manifests/cms/suite.ts";

export type KeyKind = "rsa-2048" | "rsa-3072" | "p256" | "p384";

export interface TokenPlace {
  readonly module: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Secrets that come with a job stand behind it, in the order that is said here; keys' `spki` and messages are in base64. */
export type TokenJob =
  /** no secret; makes an empty SoftHSM, for rehearsals and dry runs: the place is what it answers */
  | { readonly job: "soft-folder"; readonly folder: string }
  /** no secret: logs out */
  | { readonly job: "close" }
  /** no secret; refuses a label that a token there has already */
  | { readonly job: "limits"; readonly label?: string }
  /** no secret: is it there, and what does it say of its PIN */
  | { readonly job: "look"; readonly token: string }
  /** secret: PIN */
  | { readonly job: "keys"; readonly token: string }
  /** secrets: SO PIN, PIN, and the SO PIN that the maker set where there is one */
  | { readonly job: "initialize"; readonly label: string }
  /** secret: PIN */
  | {
      readonly job: "generate";
      readonly token: string;
      readonly keys: readonly { readonly label: string; readonly kind: KeyKind }[];
    }
  /** secret: PIN */
  | { readonly job: "destroy"; readonly token: string; readonly key: { readonly uri: string; readonly spki: string } }
  /** secret: PIN */
  | { readonly job: "check"; readonly token: string }
  /** secret: PIN; RSAES-PKCS1-v1_5, the answer is secret too */
  | {
      readonly job: "decrypt";
      readonly token: string;
      readonly key: { readonly uri: string; readonly spki: string };
      readonly ciphertext: string;
    }
  /** secret: PIN */
  | {
      readonly job: "sign";
      readonly token: string;
      readonly key: { readonly uri: string; readonly spki: string };
      readonly suite: SuiteName;
      readonly message: string;
    };

export interface JobHeader {
  readonly place: TokenPlace;
  readonly job: TokenJob;
  /** lengths of the secrets that follow, in bytes */
  readonly secrets: readonly number[];
}
