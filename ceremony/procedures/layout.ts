/** Where the files of a box lie that ceremonies make: below one folder. */

import { join } from "node:path";

export interface BoxLayout {
  /** the signer's configuration */
  readonly signerJson: string;
  /** the signer's state: its store, and the wrapped PIN */
  readonly state: string;
  readonly certificates: string;
  /** what was asked of the CA: a request of each key, DER */
  readonly requests: string;
  /** all policies, signed: policy-0001.p7m and so on */
  readonly policies: string;
  /** policy number 1, signed */
  readonly genesis: string;
  readonly records: string;
  /** names the record of the genesis that this folder belongs to */
  readonly held: string;
  /** what belongs to the second token, below a folder like the box's own */
  readonly successor: string;
  /** orders that officers signed, and what the box stated of them */
  readonly orders: string;
  readonly statements: string;
  /** closing records of emergencies */
  readonly closings: string;
}

export function boxLayout(box: string): BoxLayout {
  return {
    signerJson: join(box, "signer.json"),
    state: join(box, "signer"),
    certificates: join(box, "certificates"),
    requests: join(box, "requests"),
    policies: join(box, "policies"),
    genesis: join(box, "policies/policy-0001.p7m"),
    records: join(box, "records"),
    held: join(box, "genesis-record"),
    successor: join(box, "successor"),
    orders: join(box, "orders"),
    statements: join(box, "statements"),
    closings: join(box, "closings"),
  };
}

/** The wrapped PIN of a purpose, beside the store. */
export function wrappedPath(layout: BoxLayout, purpose: string): string {
  return join(layout.state, `wrapped-${purpose}.json`);
}

/** The wrapped PIN of a split that is being made: until it is in force both stand there. */
export function nextWrappedPath(layout: BoxLayout, purpose: string): string {
  return join(layout.state, `wrapped-${purpose}.next.json`);
}
