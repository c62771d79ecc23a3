/**
 * A value in the token that can only be replaced by one of a higher counter: private data objects of one label, in two
 * generations, because a data object cannot be changed. This is software: whoever may log in can delete the objects, and
 * where a token keeps its objects in files, an old copy of them brings back an old value. Hence `hardware: false`.
 */

import pkcs11js from "pkcs11js";
import { sha256 } from "../host/crypto-host.ts";
import { compare, concat, equal } from "../manifests/encoding/bytes.ts";
import { Refusal } from "../manifests/refusal.ts";
import { attribute, findObjects, type Session } from "./objects.ts";
import { syncTokens } from "./softhsm.ts";
import type { Token } from "./token.ts";

export interface Head {
  readonly counter: number;
  readonly value: Uint8Array;
  /** other objects of the label that are on the token: older generations, and what was cut off while it was written */
  readonly others: number;
}

/** Most bytes of a value. */
export const headLimit = 2048;

export class HeadStore {
  /** no hardware counter stands behind this */
  readonly hardware = false;
  readonly #token: Token;

  constructor(token: Token) {
    this.#token = token;
  }

  /** The value of the highest counter; nothing where there is none. Refuses with CHAIN two values of one counter; with LOCKED and HSM codes. */
  async read(label: string): Promise<Head | undefined> {
    return this.#token.withSession((session) => highest(readAll(session, label)), { repeat: true });
  }

  /**
   * Writes `value` under a counter above the highest one. On return it was read back and is on the disk where the token
   * keeps files (SoftHSM), and older generations are destroyed. Wherever it is interrupted, the token holds the old value,
   * the new one, or both. Refuses with CHAIN a counter that does not rise; with LOCKED and HSM codes.
   */
  async advance(label: string, counter: number, value: Uint8Array): Promise<void> {
    const content = encode(counter, value);
    const old = await this.#token.withSession((session) => createAbove(session, label, counter, content));
    await syncTokens(this.#token.module.place);
    await this.#token.withSession((session) => destroyAllBut(session, label, content, old));
    await syncTokens(this.#token.module.place);
  }
}

interface Stored {
  readonly handle: pkcs11js.Handle;
  readonly content: Uint8Array;
  /** undefined: not whole */
  readonly head: { readonly counter: number; readonly value: Uint8Array } | undefined;
}

function readAll(session: Session, label: string): readonly Stored[] {
  return findObjects(session, template(label)).map((handle) => {
    const content = attribute(session, handle, pkcs11js.CKA_VALUE) ?? new Uint8Array();
    return { handle, content, head: decode(content) };
  });
}

function highest(all: readonly Stored[]): Head | undefined {
  const heads = all.flatMap(({ head }) => head ?? []).sort((a, b) => b.counter - a.counter);
  const [first, second] = heads;
  if (!first) return undefined;
  if (second?.counter === first.counter && compare(first.value, second.value) !== 0) {
    throw new Refusal("CHAIN", "the token holds two values of one counter", { got: `counter ${first.counter}` });
  }
  return { ...first, others: all.length - 1 };
}

/** Creates the object and returns how many there were before. */
function createAbove(session: Session, label: string, counter: number, content: Uint8Array): number {
  const all = readAll(session, label);
  const present = highest(all)?.counter ?? 0;
  if (counter <= present) {
    throw new Refusal("CHAIN", "the counter in the token only rises", {
      expected: `a counter above ${present}`,
      got: `${counter}`,
    });
  }
  session.library.C_CreateObject(session.handle, [
    ...template(label),
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_MODIFIABLE, value: false },
    { type: pkcs11js.CKA_APPLICATION, value: application },
    { type: pkcs11js.CKA_VALUE, value: Buffer.from(content) },
  ]);
  return all.length;
}

function destroyAllBut(session: Session, label: string, content: Uint8Array, old: number): void {
  const all = readAll(session, label);
  const kept = all.filter((one) => equal(one.content, content));
  if (kept.length !== 1 || all.length !== old + 1) {
    throw new Refusal("CHAIN", "the token does not hold the value that was written", {
      expected: `it once among ${old + 1} objects`,
      got: `it ${kept.length} times among ${all.length}`,
    });
  }
  for (const one of all) {
    if (!kept.includes(one)) session.library.C_DestroyObject(session.handle, one.handle);
  }
}

const application = "coldseal head";

function template(label: string): pkcs11js.Template {
  return [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_DATA },
    { type: pkcs11js.CKA_LABEL, value: label },
  ];
}

/** Object content: counter in 8 bytes, big-endian; value; SHA-256 of both, by which a part is told from the whole. */
function encode(counter: number, value: Uint8Array): Uint8Array {
  if (value.length > headLimit || !Number.isSafeInteger(counter) || counter < 1) {
    throw new Refusal("INTERNAL", "a head needs a counter from 1 and at most 2048 bytes");
  }
  const number = new Uint8Array(8);
  new DataView(number.buffer).setBigUint64(0, BigInt(counter));
  return concat([number, value, sha256(concat([number, value]))]);
}

function decode(content: Uint8Array): Stored["head"] {
  const end = content.length - 32;
  if (end < 8 || !equal(sha256(content.subarray(0, end)), content.subarray(end))) return undefined;
  const counter = Number(new DataView(content.buffer, content.byteOffset).getBigUint64(0));
  return { counter, value: content.slice(8, end) };
}
