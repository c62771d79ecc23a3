/** The data socket of swtpm: commands and responses one after another, each with its own length in front (TPM 2.0 Library, part 3, responseSize). */

import { createConnection } from "node:net";
import { concat } from "../../manifests/encoding/bytes.ts";
import { bufferSize, type Connection } from "./connection.ts";

/** Throws what connecting throws; `transact` throws when the other end closes, or answers more than a response. */
export async function openSocket(path: string): Promise<Connection> {
  const socket = createConnection(path);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  const pieces = socket[Symbol.asyncIterator]();
  return {
    transact: async (command) => {
      socket.write(command);
      let response: Uint8Array = new Uint8Array(0);
      while (response.length < 10 || response.length < lengthOf(response)) {
        const { done, value } = await pieces.next();
        if (done === true) throw new Error("it hung up");
        response = concat([response, value as Uint8Array]);
        if (response.length > bufferSize) throw new Error("it answered too much");
      }
      return response;
    },
    close: () => socket.destroy(),
  };
}

/** responseSize, after the tag. */
function lengthOf(response: Uint8Array): number {
  return new DataView(response.buffer, response.byteOffset).getUint32(2);
}
