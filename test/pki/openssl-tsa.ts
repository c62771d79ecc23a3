/** A time-stamp authority: OpenSSL's (`openssl ts -reply`) behind a small HTTP server on this machine. */

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Issued, pem } from "./authority.ts";
import { tsa, tsaRoot } from "./tsa.ts";

export interface TestTsa {
  readonly url: string;
  /** PEM of its root */
  readonly ca: string;
  /** what it answers next, in place of an answer of its own; in order */
  readonly instead: ((request: Uint8Array) => Uint8Array | { readonly status: number } | "hang")[];
  /** how often it was asked */
  asked(): number;
  reply(request: Uint8Array): Promise<Uint8Array>;
  end(): void;
}

/** `chain`: what stands in its tokens beside its own certificate. */
export async function openTsa(by: Issued = tsa, chain: readonly Issued[] = []): Promise<TestTsa> {
  const dir = mkdtempSync(join(tmpdir(), "coldseal-tsa-"));
  const put = (name: string, text: string) => writeFileSync(join(dir, name), text);
  put("tsa.key", by.key.export({ type: "pkcs8", format: "pem" }) as string);
  put("tsa.crt", pem(by.certificate));
  put("chain.crt", chain.map(({ certificate }) => pem(certificate)).join(""));
  put("ca.crt", pem(tsaRoot.certificate));
  const config = configuration(dir, chain.length > 0);
  const instead: TestTsa["instead"] = [];
  let asked = 0;
  const reply = (request: Uint8Array) => openssl(dir, config, request, ++asked);
  const server = createServer((request, response) => void answer(request, response, instead, reply));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsr`,
    ca: join(dir, "ca.crt"),
    instead,
    asked: () => asked,
    reply,
    end: () => {
      server.closeAllConnections();
      server.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function configuration(dir: string, hasChain: boolean): string {
  return `[tsa]
default_tsa = one
[one]
dir = ${dir}
serial = ${dir}/serial
crypto_device = builtin
signer_cert = ${dir}/tsa.crt
${hasChain ? `certs = ${dir}/chain.crt` : ""}
signer_key = ${dir}/tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.32473.7.1
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500
ordering = yes
tsa_name = yes
ess_cert_id_chain = yes
ess_cert_id_alg = sha256
`;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  instead: TestTsa["instead"],
  reply: TestTsa["reply"],
): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const body = new Uint8Array(Buffer.concat(pieces));
  const other = instead.shift()?.(body);
  if (other === "hang") return;
  if (other !== undefined && !(other instanceof Uint8Array)) {
    response.writeHead(other.status).end();
    return;
  }
  response.writeHead(200, { "content-type": "application/timestamp-reply" }).end(other ?? (await reply(body)));
}

/** Each answer in files of its own; the serial number is this server's. */
async function openssl(dir: string, settings: string, request: Uint8Array, number: number): Promise<Uint8Array> {
  const own = join(dir, `${number}`);
  if (!existsSync(own)) mkdirSync(own);
  const [query, out, config] = ["query.tsq", "reply.tsr", "tsa.cnf"].map((name) => join(own, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(query, request);
  writeFileSync(join(own, "serial"), String(number).padStart(2, "0"));
  writeFileSync(config, settings.replace(`${dir}/serial`, join(own, "serial")));
  await new Promise<void>((resolve, reject) => {
    const args = ["ts", "-reply", "-config", config, "-queryfile", query, "-out", out];
    execFile("openssl", args, (fault, _stdout, stderr) => (fault ? reject(new Error(stderr)) : resolve()));
  });
  return new Uint8Array(readFileSync(out));
}
