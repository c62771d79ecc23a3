/** The service's certificate and key, and the roots of its clients, out of their files; read again on SIGHUP. */

import { constants as crypto } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { readCertificateFile } from "../../host/certificate-file.ts";
import { faultWords } from "../../host/fault-words.ts";
import { pemText } from "../../manifests/encoding/pem.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";
import { readCertificate } from "../../manifests/x509/certificate.ts";
import { checkIssuer } from "../../manifests/x509/path.ts";
import { clientAuth } from "./clients.ts";
import type { ServeSettings } from "./settings.ts";

export interface TlsFiles {
  readonly context: SecureContextOptions;
  /** DER */
  readonly clientRoots: readonly Uint8Array[];
}

/** Refuses CONFIG a key that others may read, what is no certificate and its key, and a root of clients under which no client could ever come in. */
export function readTlsFiles(
  ledger: string,
  { certificate, clientRoots, key }: NonNullable<ServeSettings["tls"]>,
): TlsFiles {
  const roots = clientRoots.map((file) => readClientRoot(resolve(ledger, file)));
  const secret = readKey(resolve(ledger, key));
  try {
    const context: SecureContextOptions = {
      cert: read(resolve(ledger, certificate)),
      key: secret,
      // Of nobody where no root is set: without this, of whomever the system trusts.
      ca: roots.map((der) => pemText(der, "CERTIFICATE")),
      // Clients are looked at in every handshake; a session that goes on would pass over what SIGHUP changed.
      secureOptions: crypto.SSL_OP_NO_TICKET | crypto.SSL_OP_NO_RENEGOTIATION,
      minVersion: "TLSv1.2",
    };
    createSecureContext(context);
    return { context, clientRoots: roots };
  } catch (fault) {
    const refusal = asRefusal(fault, "CONFIG", "the service's certificate and key cannot be used");
    if (refusal === fault) throw refusal;
    // OpenSSL's words say nothing of the key itself.
    throw new Refusal("CONFIG", refusal.message, { got: faultWords(fault), about: certificate });
  }
}

function readClientRoot(path: string): Uint8Array {
  const root = readCertificateFile(path);
  try {
    checkIssuer(readCertificate(root), clientAuth);
    return root;
  } catch (fault) {
    const { message } = asRefusal(fault, "CONFIG", faultWords(fault));
    throw new Refusal("CONFIG", "this cannot be a root of clients: each of them would be turned away", {
      expected: "a CA's certificate: CA flag, key usage keyCertSign, no extended key usage or one for clients",
      got: message,
      about: path,
      cause: fault,
    });
  }
}

/** A link is not followed; nobody else may read or write it. */
function readKey(path: string): Buffer {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(descriptor);
    if (stat.isFile() && (stat.mode & 0o077) === 0) return readFileSync(descriptor);
    throw new Refusal("CONFIG", "the key of the service's certificate may be read by its owner alone", {
      expected: "a file of mode 0600",
      got: stat.isFile() ? `mode 0${(stat.mode & 0o777).toString(8)}` : "no plain file",
      about: path,
    });
  } catch (fault) {
    if (fault instanceof Refusal) throw fault;
    throw new Refusal("CONFIG", "the key of the service's certificate cannot be read", {
      got: faultWords(fault),
      about: path,
      cause: fault,
    });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Refusal("CONFIG", "the service's certificate cannot be read", {
      got: faultWords(cause),
      about: path,
      cause,
    });
  }
}
