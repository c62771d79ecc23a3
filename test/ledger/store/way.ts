/** The way to a server, over loopback, which may be interrupted while the server knows nothing of it. */

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { PostgresServer } from "../../drills/servers/postgres-server.ts";

export class Way {
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #ways = new Set<Socket>();
  #hangs = false;

  private constructor(to: PostgresServer) {
    this.#server = createServer((client) => this.#open(client, join(to.folder, `.s.PGSQL.${to.port}`)));
  }

  static async to(server: PostgresServer): Promise<Way> {
    const way = new Way(server);
    await new Promise<void>((resolve) => way.#server.listen(0, "127.0.0.1", resolve));
    return way;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on the server hears of a new client only how it begins, and no more. */
  hang(): void {
    this.#hangs = true;
  }

  /** Every client that is there now loses its connection; the server believes that it is there still. */
  interrupt(): void {
    for (const client of this.#clients) client.destroy();
  }

  async end(): Promise<void> {
    for (const socket of [...this.#clients, ...this.#ways]) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #open(client: Socket, path: string): void {
    const way = connect(path);
    this.#clients.add(client);
    this.#ways.add(way);
    for (const socket of [client, way]) socket.on("error", () => undefined);
    let begun = false;
    client.on("data", (bytes) => {
      if (!(this.#hangs && begun)) way.write(bytes);
      begun = true;
    });
    client.on("close", () => this.#clients.delete(client));
    way.on("data", (bytes) => client.write(bytes));
    way.on("close", () => {
      this.#ways.delete(way);
      client.destroy();
    });
  }
}
