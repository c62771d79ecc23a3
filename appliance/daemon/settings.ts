/** `daemon.json`: where the daemon's sockets, spool and media are, and how patient it is. */

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { readCertificateFile } from "../../host/certificate-file.ts";
import { readPlainJson } from "../../manifests/encoding/plain-json.ts";
import { integer, list, object, optional, type Read, text } from "../../manifests/encoding/shape.ts";
import { asRefusal, Refusal } from "../../manifests/refusal.ts";

const path = text(4096);

const readSettings = object({
  appliance: text(64),
  /** refuse a batch that is still not complete so long after it last changed */
  incompleteSeconds: integer(0, 1_000_000),
  intakeSocket: path,
  media: object({ audit: path, in: path, out: path }),
  /** the mount helper's socket: sticks are mounted and put away by it, below the folders of `media`; left out, these are folders */
  mountSocket: optional(path),
  /** pinned roots of the box's own certificates, PEM or DER: what was written is verified under them */
  roots: list(path, 1, 16),
  /** how often the inbox is looked at */
  scanSeconds: integer(1, 3600),
  /** a batch folder is taken when nothing in it changed for so long */
  settleSeconds: integer(0, 100_000),
  signerSocket: path,
  socket: path,
  spool: path,
});

export type DaemonSettings = Omit<Read<typeof readSettings>, "roots"> & { readonly roots: readonly Uint8Array[] };

/** Reads the file; paths in it are relative to its folder. Refuses with CONFIG. */
export function readDaemonSettings(file: string): DaemonSettings {
  try {
    const { roots, ...settings } = readSettings(readPlainJson(readFileSync(file, "utf8")), "daemon.json");
    const here = (one: string) => resolve(dirname(file), one);
    const { media, mountSocket } = settings;
    return {
      ...settings,
      ...(mountSocket === undefined ? {} : { mountSocket: here(mountSocket) }),
      intakeSocket: here(settings.intakeSocket),
      media: { audit: here(media.audit), in: here(media.in), out: here(media.out) },
      roots: roots.map((one) => readCertificateFile(here(one))),
      signerSocket: here(settings.signerSocket),
      socket: here(settings.socket),
      spool: here(settings.spool),
    };
  } catch (fault) {
    const why = asRefusal(fault, "CONFIG", fault instanceof Error ? fault.message : "cannot be read");
    throw new Refusal("CONFIG", `the daemon's file cannot be used: ${why.message}`, { about: file, cause: fault });
  }
}
