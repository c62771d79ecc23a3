/** Asking one witness over HTTP (c2sp.org/tlog-witness): a bounded answer within a bounded time; a cosignature counts only when it was verified. */

import { nodeHost } from "../../host/crypto-host.ts";
import { boundedBody, reasonOf } from "../../host/http-answer.ts";
import { fromUtf8 } from "../../manifests/encoding/bytes.ts";
import { checkNote, type NoteSignature, readNote, readSignatureLines } from "../../manifests/log/note.ts";
import type { VerifierKey } from "../../manifests/log/verifier-key.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { type AddCheckpoint, addCheckpointBytes } from "../witness/add-checkpoint.ts";

export type WitnessAnswer =
  | { readonly kind: "cosigned"; readonly signature: NoteSignature }
  /** it stands at another size */
  | { readonly kind: "stands"; readonly size: number };

const mostAnswerBytes = 16 * 1024;

/** Refuses WITNESS one that does not answer, not in its protocol, or whose cosignature does not hold. */
export async function askWitness(
  { key, url }: { readonly key: VerifierKey; readonly url: string },
  request: AddCheckpoint,
  signal: AbortSignal,
): Promise<WitnessAnswer> {
  const { status, text } = await post(`${url}/add-checkpoint`, addCheckpointBytes(request), signal);
  if (status === 200) return { kind: "cosigned", signature: await cosignatureIn(text, request.checkpoint, key) };
  const size = /^(0|[1-9][0-9]{0,15})\n$/.exec(text)?.[1];
  if (status === 409 && size !== undefined) return { kind: "stands", size: Number(size) };
  const said = text.trim().slice(0, 300);
  throw new Refusal("WITNESS", `the witness does not cosign: ${said || "it says nothing"}`, {
    got: `HTTP status ${status}`,
  });
}

async function cosignatureIn(text: string, checkpoint: Uint8Array, key: VerifierKey): Promise<NoteSignature> {
  try {
    const signature = readSignatureLines(text).find(({ id, name }) => id === key.id && name === key.name);
    if (!signature) throw new Refusal("WITNESS", "an answer without a cosignature by the witness's key");
    await checkNote(nodeHost, { text: readNote(checkpoint).text, signatures: [signature] }, [key]);
    return signature;
  } catch (fault) {
    const { message } = asRefusal(fault, "WITNESS", "an answer that cannot be read");
    throw new Refusal("WITNESS", `the witness's cosignature does not count: ${message}`, {
      about: key.name,
      cause: fault,
    });
  }
}

async function post(url: string, body: Uint8Array, signal: AbortSignal) {
  try {
    const response = await fetch(url, { method: "POST", body: new Uint8Array(body), redirect: "error", signal });
    return {
      status: response.status,
      text: fromUtf8(await boundedBody(response, mostAnswerBytes, "WITNESS"), "WITNESS"),
    };
  } catch (cause) {
    throw asRefusal(cause, "WITNESS", `the witness does not answer: ${reasonOf(cause)}`);
  }
}
