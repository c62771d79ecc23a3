/** Who a client is, and what it may do: by the certificate of its connection, looked at anew for every request. */

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { nodeHost } from "../../host/crypto-host.ts";
import type { Utc } from "../../manifests/encoding/shape.ts";
import { shown } from "../../manifests/records/names.ts";
import { Refusal } from "../../manifests/refusal.ts";
import { type Certificate, readCertificate } from "../../manifests/x509/certificate.ts";
import { readName, stringText } from "../../manifests/x509/name.ts";
import { validatePath } from "../../manifests/x509/path.ts";
import type { Right, ServeSettings } from "./settings.ts";

/** RFC 5280 4.2.1.12, id-kp-clientAuth. */
export const clientAuth = "1.3.6.1.5.5.7.3.2";
const commonName = "2.5.4.3";
const minimumRsaBits = 2048;
const mostSent = 8;

export interface ClientRules extends Pick<ServeSettings, "clients" | "revoked"> {
  /** DER */
  readonly roots: readonly Uint8Array[];
}

/** A refusal that says whether the client is known at all: HTTP has a status for either. */
export interface Turned {
  readonly refusal: Refusal;
  /** 401: it showed no certificate; 403: it may not */
  readonly status: 401 | 403;
}

/**
 * The name under which a client may do this, or why it may not: CLIENT where it showed no certificate, or its name is not listed for it; PATH-*, CMS-ALGORITHM a
 * certificate that has no path to a pinned root, is over, revoked, or for something else.
 */
export async function clientFor(
  socket: Socket,
  right: Right,
  { clients, revoked, roots }: ClientRules,
  now: Utc,
): Promise<string | Turned> {
  const [leaf, ...intermediates] = socket instanceof TLSSocket ? sentBy(socket) : [];
  if (leaf === undefined)
    return turned(401, new Refusal("CLIENT", "this is for known clients alone", { got: "no client certificate" }));
  try {
    const extendedKeyUsage = clientAuth;
    await validatePath(nodeHost, { leaf, intermediates, roots, at: now, revoked, extendedKeyUsage, minimumRsaBits });
    const name = nameOf(readCertificate(leaf));
    if (clients.get(name)?.has(right)) return name;
    throw new Refusal("CLIENT", `this client may not ${words[right]}`, {
      expected: `a name that is listed for \`${right}\``,
      got: shown(name),
    });
  } catch (fault) {
    if (fault instanceof Refusal) return turned(403, fault);
    throw fault;
  }
}

const words: Readonly<Record<Right, string>> = {
  metrics: "read the metrics",
  search: "search",
  upload: "bring records",
};

/** DER, the client's own first. TLS has shown that the client has its key. */
function sentBy(socket: TLSSocket): readonly Uint8Array[] {
  const sent: Uint8Array[] = [];
  let at = socket.getPeerX509Certificate();
  for (; at !== undefined && sent.length < mostSent; at = at.issuerCertificate) {
    const der = new Uint8Array(at.raw);
    if (sent.some((one) => Buffer.compare(one, der) === 0)) break;
    sent.push(der);
  }
  return sent;
}

/** The one common name of its subject. Refuses CLIENT none, and several: which one counts must not be a guess. */
function nameOf({ subject, subjectText }: Certificate): string {
  const values = readName(subject)
    .flat()
    .filter(({ oid }) => oid === commonName);
  const [only, more] = values;
  const name = only && more === undefined ? stringText(only.value) : undefined;
  if (name !== undefined) return name;
  throw new Refusal("CLIENT", "the client's certificate has no one common name", { got: shown(subjectText) });
}

function turned(status: Turned["status"], refusal: Refusal): Turned {
  return { status, refusal };
}
