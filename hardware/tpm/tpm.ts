/** The few commands of a TPM 2.0 that attesting needs (TPM 2.0 Library, part 3), each as it stands there. Keys and hierarchies have empty passwords. */

import { setTimeout } from "node:timers/promises";
import type { PcrBank } from "../../manifests/attest/tpm-algorithms.ts";
import { tpmAlgorithm } from "../../manifests/attest/tpm-algorithms.ts";
import { TpmReader } from "../../manifests/attest/tpm-reader.ts";
import { concat } from "../../manifests/encoding/bytes.ts";
import { Refusal } from "../../manifests/refusal.ts";
import type { Connection } from "./connection.ts";
import { empty, selection, sized, u8, u16, u32 } from "./tpm-writer.ts";

/** TPM_CC (part 2) */
const code = {
  evictControl: 0x120,
  createPrimary: 0x131,
  activateCredential: 0x147,
  nvRead: 0x14e,
  policySecret: 0x151,
  quote: 0x158,
  flushContext: 0x165,
  nvReadPublic: 0x169,
  readPublic: 0x173,
  startAuthSession: 0x176,
  getCapability: 0x17a,
  pcrRead: 0x17e,
} as const;

/** TPM_RH (part 2) */
export const hierarchy = { owner: 0x40000001, none: 0x40000007, endorsement: 0x4000000b } as const;
const passwordSession = 0x40000009;

/** TPM_RC_TESTING, TPM_RC_YIELDED, TPM_RC_RETRY (part 2): asked again. */
const askAgain: readonly number[] = [0x90a, 0x908, 0x922];
const patience = 50;

/** TPM_RC_HANDLE of the first handle: there is nothing. */
const noSuchHandle = 0x18b;

export interface PublicAndName {
  /** TPMT_PUBLIC */
  readonly publicArea: Uint8Array;
  readonly name: Uint8Array;
  readonly qualifiedName: Uint8Array;
}

export class Tpm {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Undefined where nothing is at the handle. */
  async readPublic(handle: number): Promise<PublicAndName | undefined> {
    const answer = await this.#ask("TPM2_ReadPublic", code.readPublic, [u32(handle)], { mayBeNothing: true });
    if (!answer) return undefined;
    return { publicArea: answer.sized(1024), name: answer.sized(68), qualifiedName: answer.sized(68) };
  }

  /** Values by index; several commands where there are more than eight. */
  async readPcrs(bank: PcrBank, pcrs: readonly number[]): Promise<ReadonlyMap<number, Uint8Array>> {
    const values = new Map<number, Uint8Array>();
    for (let at = 0; at < pcrs.length; at += 8) {
      const some = pcrs.slice(at, at + 8);
      const answer = await this.#asked("TPM2_PCR_Read", code.pcrRead, [selection(bank, some)]);
      answer.u32(); // pcrUpdateCounter
      for (let selections = answer.u32(); selections > 0; selections--) {
        answer.u16();
        answer.take(answer.u8());
      }
      const count = answer.u32();
      if (count !== some.length) {
        const detail = { expected: some.join(", "), got: `${count} values` };
        throw new Refusal("TPM-FAULT", `the TPM has not all of these PCRs in its bank ${bank}`, detail);
      }
      for (const pcr of some) values.set(pcr, answer.sized(64));
    }
    return values;
  }

  /** TPMS_ATTEST and TPMT_SIGNATURE, by the key's own scheme. */
  async quote(key: number, nonce: Uint8Array, bank: PcrBank, pcrs: readonly number[]) {
    const parameters = [sized(nonce), u16(tpmAlgorithm.null), selection(bank, pcrs)];
    const answer = await this.#asked("TPM2_Quote", code.quote, [u32(key)], { auths: [password], parameters });
    return { quote: answer.sized(1024), signature: rest(answer) };
  }

  /** A key that the hierarchy's seed and the template make, the same every time; the handle must be flushed. */
  async createPrimary(parent: number, template: Uint8Array): Promise<number> {
    const nothing = sized(concat([empty, empty]));
    const parameters = [nothing, sized(template), empty, u32(0)];
    const command = [u32(parent)];
    const handles = await this.#asked("TPM2_CreatePrimary", code.createPrimary, command, {
      auths: [password],
      parameters,
      handles: 1,
    });
    return handles.u32();
  }

  /** Keeps a key at a persistent handle of the owner's. */
  async persist(transient: number, persistent: number): Promise<void> {
    const command = [u32(hierarchy.owner), u32(transient)];
    await this.#asked("TPM2_EvictControl", code.evictControl, command, {
      auths: [password],
      parameters: [u32(persistent)],
    });
  }

  async flush(handle: number): Promise<void> {
    await this.#asked("TPM2_FlushContext", code.flushContext, [u32(handle)]);
  }

  /**
   * What the TPM takes out of a credential: only one that has both keys can (part 1, "Credential Protection"). The policy of the endorsement key asks for the
   * endorsement hierarchy's password, which is empty.
   */
  async activateCredential(
    attestationKey: number,
    endorsementKey: number,
    made: { blob: Uint8Array; secret: Uint8Array },
  ) {
    const session = await this.#startPolicy();
    try {
      const proof = [u32(hierarchy.endorsement), u32(session)];
      const parameters = [empty, empty, empty, u32(0)];
      await this.#asked("TPM2_PolicySecret", code.policySecret, proof, { auths: [password], parameters });
      const answer = await this.#asked(
        "TPM2_ActivateCredential",
        code.activateCredential,
        [u32(attestationKey), u32(endorsementKey)],
        { auths: [password, authBy(session)], parameters: [sized(made.blob), sized(made.secret)] },
      );
      return answer.sized(64);
    } finally {
      // Gone already where the command succeeded.
      await this.flush(session).catch(() => undefined);
    }
  }

  /** Content of an NV index that reads by its own empty password; undefined where there is none. */
  async readNv(index: number): Promise<Uint8Array | undefined> {
    const answer = await this.#ask("TPM2_NV_ReadPublic", code.nvReadPublic, [u32(index)], { mayBeNothing: true });
    if (!answer) return undefined;
    const area = new TpmReader(answer.sized(256), "an NV index");
    area.take(4 + 2 + 4); // nvIndex, nameAlg, attributes
    area.sized(64);
    const size = area.u16();
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < size; at += nvPiece) {
      const parameters = [u16(Math.min(nvPiece, size - at)), u16(at)];
      const piece = await this.#asked("TPM2_NV_Read", code.nvRead, [u32(index), u32(index)], {
        auths: [password],
        parameters,
      });
      pieces.push(piece.sized(nvPiece));
    }
    return concat(pieces);
  }

  /** TPM_PT_MANUFACTURER: four letters of the TCG's list of makers. */
  async manufacturer(): Promise<string> {
    const parameters = [u32(6), u32(0x105), u32(1)];
    const answer = await this.#asked("TPM2_GetCapability", code.getCapability, parameters);
    answer.take(1 + 4 + 4 + 4); // moreData, capability, count, property
    return String.fromCharCode(...answer.take(4).filter((letter) => letter >= 0x21 && letter < 0x7f));
  }

  async #startPolicy(): Promise<number> {
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    const command = [u32(hierarchy.none), u32(hierarchy.none)];
    const parameters = [sized(nonce), empty, u8(1), u16(tpmAlgorithm.null), u16(tpmAlgorithm.sha256)];
    return (await this.#asked("TPM2_StartAuthSession", code.startAuthSession, [...command, ...parameters])).u32();
  }

  async #asked(name: string, command: number, handles: readonly Uint8Array[], more: More = {}): Promise<TpmReader> {
    return (await this.#ask(name, command, handles, more)) as TpmReader;
  }

  /** The response's handles and parameters; undefined where nothing is at the handle and that may be. Refuses TPM-FAULT, TPM-GONE. */
  async #ask(
    name: string,
    command: number,
    handles: readonly Uint8Array[],
    more: More = {},
  ): Promise<TpmReader | undefined> {
    const { auths, mayBeNothing = false, parameters = [] } = more;
    const area = auths ? concat(auths) : undefined;
    const body = concat([...handles, ...(area ? [u32(area.length), area] : []), ...parameters]);
    const message = concat([u16(area ? withSessions : withoutSessions), u32(10 + body.length), u32(command), body]);
    for (let tries = 0; ; tries++) {
      const response = new TpmReader(await this.#transact(name, message), `the answer to ${name}`);
      const tag = response.u16();
      response.u32();
      const got = response.u32();
      if (got === 0) return parametersOf(response, tag, more.handles ?? 0);
      if (mayBeNothing && got === noSuchHandle) return undefined;
      if (!askAgain.includes(got) || tries === 20) {
        throw new Refusal("TPM-FAULT", `the TPM refuses ${name}`, {
          expected: "success",
          got: `response code 0x${got.toString(16)}`,
        });
      }
      await setTimeout(patience);
    }
  }

  async #transact(name: string, message: Uint8Array): Promise<Uint8Array> {
    try {
      return await this.#connection.transact(message);
    } catch (cause) {
      throw new Refusal("TPM-GONE", `the TPM does not answer ${name}`, { got: (cause as Error).message, cause });
    }
  }
}

interface More {
  readonly auths?: readonly Uint8Array[];
  readonly parameters?: readonly Uint8Array[];
  /** how many the response has before its parameters */
  readonly handles?: number;
  readonly mayBeNothing?: boolean;
}

const withoutSessions = 0x8001;
const withSessions = 0x8002;
const nvPiece = 512;

/** TPMS_AUTH_COMMAND: session, no nonce, no attributes, no HMAC. */
function authBy(session: number): Uint8Array {
  return concat([u32(session), empty, u8(0), empty]);
}

const password = authBy(passwordSession);

/** With sessions, a length stands before the parameters, and what proves the sessions after them. */
function parametersOf(response: TpmReader, tag: number, handles: number): TpmReader {
  if (tag !== withSessions) return response;
  const before = response.take(4 * handles);
  return new TpmReader(concat([before, response.take(response.u32())]), "a TPM's answer");
}

function rest(reader: TpmReader): Uint8Array {
  return reader.take(reader.left);
}
