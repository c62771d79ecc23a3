/** One JSON value a line, over a socket. */

import { createConnection, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";

/** Connects as soon as somebody listens there. */
export async function connectSoon(path: string, patience = 20_000): Promise<Socket> {
  for (const end = Date.now() + patience; ; ) {
    const socket = createConnection(path);
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once("connect", resolve);
        socket.once("error", reject);
      });
      return socket;
    } catch (fault) {
      if (Date.now() > end) throw fault;
      await setTimeout(20);
    }
  }
}

export function onLines(socket: Socket, told: (value: { readonly [name: string]: unknown }) => void): void {
  let text = "";
  socket.on("error", () => undefined);
  socket.setEncoding("utf8").on("data", (piece: string) => {
    const lines = (text + piece).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines.filter((one) => one.trim() !== "")) told(JSON.parse(line));
  });
}
