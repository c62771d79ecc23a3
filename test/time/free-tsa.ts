/** A time-stamp authority in this process, honest as it comes, that lies, hangs or fails as a test says. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { nodeHost } from "../../host/crypto-host.ts";
import { digestAlgorithm } from "../../manifests/cms/algorithm.ts";
import { readDigest } from "../../manifests/cms/digest.ts";
import { signContent } from "../../manifests/cms/sign.ts";
import type { HashName } from "../../manifests/cms/suite.ts";
import { content, DerReader, tag, whole } from "../../manifests/encoding/der-read.ts";
import {
  der,
  generalizedTime,
  integer,
  objectIdentifier,
  octetString,
  sequence,
} from "../../manifests/encoding/der-write.ts";
import { oid } from "../../manifests/encoding/oid.ts";
import { type Utc, utcOf } from "../../manifests/encoding/shape.ts";
import type { Issued } from "../pki/authority.ts";
import { tsa } from "../pki/tsa.ts";

/** What a token says. */
export interface Answer {
  readonly hash: HashName;
  readonly digest: Uint8Array;
  /** content octets of the INTEGER; undefined: none */
  readonly nonce: Uint8Array | undefined;
  readonly time: Utc;
  readonly by: Issued;
  readonly certificates: readonly Uint8Array[];
  readonly policy: string;
}

export type Behaviour =
  | "hang"
  | "drip"
  | { readonly status: number }
  | { readonly bytes: Uint8Array }
  | ((right: Answer) => Answer);

export interface FreeTsa {
  readonly url: string;
  /** how it behaves from now on; undefined: honestly */
  behaviour: Behaviour | undefined;
  /** how often it was asked */
  asked: number;
  end(): void;
}

export async function freeTsa(by: Issued = tsa): Promise<FreeTsa> {
  const server = createServer((request, response) => {
    void (async () => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece as Buffer);
      const { behaviour } = opened;
      opened.asked++;
      if (behaviour === "hang") return;
      if (behaviour === "drip") {
        response.writeHead(200).flushHeaders();
        const drops = setInterval(() => response.write("0"), 50);
        response.on("close", () => clearInterval(drops));
        return;
      }
      if (behaviour !== undefined && "status" in behaviour) return void response.writeHead(behaviour.status).end();
      if (behaviour !== undefined && "bytes" in behaviour) return void response.end(behaviour.bytes);
      const right = answerTo(new Uint8Array(Buffer.concat(pieces)), by);
      response.end(await responseOf(behaviour ? behaviour(right) : right));
    })();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const opened: FreeTsa = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    behaviour: undefined,
    asked: 0,
    end: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return opened;
}

function answerTo(request: Uint8Array, by: Issued): Answer {
  const reader = DerReader.open(request, tag.sequence, "TIME-FORM");
  reader.smallInteger();
  const imprint = reader.enter(tag.sequence);
  const hash = readDigest(whole(request, imprint.read(tag.sequence)));
  const digest = content(request, imprint.read(tag.octetString));
  const nonce = content(request, reader.read(tag.integer));
  return { hash, digest, nonce, time: utcOf(Date.now()), by, certificates: [], policy: "1.3.6.1.4.1.32473.7.1" };
}

async function responseOf({ by, certificates, digest, hash, nonce, policy, time }: Answer): Promise<Uint8Array> {
  const info = sequence(
    integer(1),
    objectIdentifier(policy),
    sequence(digestAlgorithm(hash), octetString(digest)),
    integer(4711),
    generalizedTime(time),
    ...(nonce === undefined ? [] : [der(tag.integer, nonce)]),
  );
  const token = await signContent(nodeHost, by.signingKey, {
    eContentType: oid.tstInfo,
    content: info,
    signingTime: time,
    extraCertificates: certificates,
  });
  return sequence(sequence(integer(0)), token);
}
