/** A way to a TPM: one command out, one response back. A device is the kernel's; a socket is a program's in the place of a TPM. */

import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { Refusal } from "../../manifests/refusal.ts";
import { openSocket } from "./socket.ts";

/** Largest command and response (TPM_BUFSIZE of Linux's driver). */
export const bufferSize = 4096;

/** `device`: /dev/tpmrm0. `socket`: SIMULATED, a Unix socket of swtpm's. */
export type TpmPlace = { readonly device: string } | { readonly socket: string };

export interface Connection {
  /** The whole response to a whole command. Throws what the system throws. */
  transact(command: Uint8Array): Promise<Uint8Array>;
  close(): void;
}

/** Refuses TPM-GONE. */
export async function openConnection(place: TpmPlace): Promise<Connection> {
  const where = "device" in place ? place.device : place.socket;
  try {
    return "device" in place ? openDevice(place.device) : await openSocket(place.socket);
  } catch (cause) {
    const got = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new Refusal("TPM-GONE", "the TPM cannot be opened", {
      expected: `a TPM at ${where}`,
      got,
      about: where,
      cause,
    });
  }
}

/** Linux's driver takes a command in one write and gives the response in one read; it waits in the kernel, so that a process of its own does this. */
function openDevice(path: string): Connection {
  const descriptor = openSync(path, "r+");
  return {
    transact: async (command) => {
      writeSync(descriptor, command);
      const response = new Uint8Array(bufferSize);
      return response.subarray(0, readSync(descriptor, response));
    },
    close: () => closeSync(descriptor),
  };
}
