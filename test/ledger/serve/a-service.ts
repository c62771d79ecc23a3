/** A ledger with a box's records, published and cosigned, its service on a free port of this machine, and clients with certificates, right and wrong. */

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { type IncomingHttpHeaders, request as plainRequest } from "node:http";
import { type RequestOptions, request } from "node:https";
import { join } from "node:path";
import { connect, serve, stopServing } from "../../../host/wire.ts";
import { type BroughtOut, bringOut } from "../../../ledger/checkpoints/bring-out.ts";
import { readWitnessSettings } from "../../../ledger/checkpoints/witness-settings.ts";
import { signerClient } from "../../../ledger/client/signer-client.ts";
import { placesOf } from "../../../ledger/publish/places.ts";
import { logTo } from "../../../ledger/serve/log-lines.ts";
import { type Service, startService } from "../../../ledger/serve/server.ts";
import { signerMethods } from "../../../ledger/signer/methods.ts";
import { openSigner } from "../../../ledger/signer/open-signer.ts";
import { utf8 } from "../../../manifests/encoding/bytes.ts";
import { der, sequence } from "../../../manifests/encoding/der-write.ts";
import { documentationArc } from "../../../manifests/encoding/oid.ts";
import { type Issued, issue, makeRoot, pem, type Wanted } from "../../pki/authority.ts";
import { type TestLedger, testLedger } from "../ingest/on-real-ledger.ts";
import { passphrase } from "../programs.ts";
import { keysIn, type TestKeys } from "../signer/a-signer.ts";

export const clientAuth = "1.3.6.1.5.5.7.3.2";
const serverAuth = "1.3.6.1.5.5.7.3.1";
const clientRoot = makeRoot({ name: "Clients" });
const serverRoot = makeRoot({ name: "Servers" });
const server = issue(serverRoot, {
  name: "ledger",
  eku: [serverAuth],
  extensions: [{ oid: "2.5.29.17", value: sequence(der(0x87, Uint8Array.of(127, 0, 0, 1))) }],
});

/** A client's certificate: by the pinned root unless said. */
export function client(name: string, change: Partial<Wanted> = {}, by: Issued = clientRoot): Issued {
  return issue(by, { name, eku: [clientAuth], ...change });
}
export const keeper = client("keeper");
export const auditor = client("auditor");

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  json<T = Record<string, unknown>>(): T;
}

export interface Ask {
  readonly as?: Issued;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly tls?: RequestOptions;
}

export interface TestService {
  readonly ledger: TestLedger;
  readonly keys: TestKeys;
  readonly log: Record<string, unknown>[];
  service: Service;
  settings: Record<string, unknown>;
  /** writes serve.json, with changes to what there is */
  configure(change: Record<string, unknown>): void;
  start(): Promise<void>;
  ask(path: string, ask?: Ask): Promise<Answer>;
  bringOut(): Promise<BroughtOut>;
  end(): Promise<void>;
}

/** Options of TLS for whoever connects by other means. */
export const trusted = { ca: pem(serverRoot.certificate) };

export function certificateOf({ certificate, key }: Issued) {
  return { cert: pem(certificate), key: key.export({ type: "pkcs8", format: "pem" }) as string };
}

/** `plain`: without TLS. Not started, and no probe, unless said. */
export async function aService(genesis: string, { plain = false, probes = false } = {}): Promise<TestService> {
  const ledger = await testLedger();
  await ledger.enrol(genesis);
  const keys = await keysIn(ledger.folder, "p256", ledger.ledger.origin);
  put(ledger.folder, "server.crt", pem(server.certificate));
  put(ledger.folder, "server.key", server.key.export({ type: "pkcs8", format: "pem" }) as string);
  put(ledger.folder, "clients.crt", pem(clientRoot.certificate));
  const log: Record<string, unknown>[] = [];
  const signing = await openSigner(join(ledger.folder, "signer"), documentationArc, async () => utf8(passphrase));
  const socket = join(ledger.dir, `s${randomBytes(2).toString("hex")}`);
  const signer = await serve(socket, signerMethods(signing));
  const connections: { close(): void }[] = [];
  const test: TestService = {
    ledger,
    keys,
    log,
    service: undefined as unknown as Service,
    settings: {
      clients: [
        { name: "keeper", rights: ["search", "upload", "metrics"] },
        { name: "auditor", rights: ["search"] },
      ],
      health: { checkSeconds: 1 },
      listen: { host: "127.0.0.1", port: 0 },
      tls: plain ? null : { certificate: "server.crt", clientRoots: ["clients.crt"], key: "server.key" },
      type: "ledger-serve",
      version: 1,
    },
    configure(change) {
      test.settings = { ...test.settings, ...change };
      put(ledger.folder, "serve.json", JSON.stringify(test.settings));
    },
    async start() {
      test.configure({});
      const write = (line: string) => log.push(JSON.parse(line) as Record<string, unknown>);
      test.service = await startService({ folder: ledger.folder, plain, log: logTo(write), probes });
    },
    ask: (path, asking = {}) => ask(test.service.url, path, asking),
    async bringOut() {
      const settings = await readWitnessSettings(ledger.folder, keys.vkey);
      const patience = { each: 60_000, others: 200 };
      const one = async () => {
        const client = signerClient(await connect(socket));
        connections.push(client);
        return client;
      };
      return bringOut({
        ledger: ledger.ledger,
        log: keys.vkey,
        settings,
        places: placesOf(ledger.ledger),
        patience,
        signer: one,
      });
    },
    async end() {
      await test.service?.stop(30_000);
      for (const one of connections) one.close();
      await stopServing(signer);
      signing.heads.close();
      ledger.end();
    },
  };
  return test;
}

export async function ask(base: string, path: string, asking: Ask = {}): Promise<Answer> {
  const { as, body, headers = {}, method = "GET", tls = {} } = asking;
  const { hostname, port, protocol } = new URL(base);
  const options = {
    ...{ hostname, port, path, method, agent: false },
    headers: { ...(body === undefined ? {} : { "content-length": `${body.length}` }), ...headers },
    ...(protocol === "https:" ? { ...trusted, ...(as ? certificateOf(as) : {}), ...tls } : {}),
  } as RequestOptions;
  return new Promise((resolve, reject) => {
    const sent = (protocol === "https:" ? request : plainRequest)(options, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => {
        const whole = Buffer.concat(pieces);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: whole,
          text: whole.toString(),
          json: <T>() => JSON.parse(whole.toString()) as T,
        });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** `refused 403 CLIENT` and the like, in short. */
export function inShort(answer: Answer): string {
  const { refusal } = answer.json<{ refusal?: { code: string } }>();
  return `${answer.status}${refusal ? ` ${refusal.code}` : ""}`;
}

export function put(folder: string, name: string, text: string | Uint8Array): void {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
}
