/** A provisioned test box laid out as an installed one: settings in /etc/coldseal, state in /var/lib/coldseal, sockets in /run/coldseal, as the units want it. */

import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BoxPaths } from "../../ceremony/provision/layout.ts";

/** Writes the box's files below `root`; whose they are is the caller's. */
export function layInstalledBox(paths: BoxPaths, root: string): void {
  const { box, pki } = paths;
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const [from, name] of [
    [box.daemonJson, "daemon.json"],
    [box.signerJson, "signer.json"],
    [join(box.folder, "softhsm2.conf"), "softhsm2.conf"],
  ] as const) {
    put(`/etc/coldseal/${name}`, installedText(paths, readFileSync(from, "utf8")));
  }
  for (const name of readdirSync(pki.folder).filter((one) => /\.(?:crt|der)$/.test(one))) {
    cpSync(join(pki.folder, name), join(root, "etc/coldseal/pki", name));
  }
  cpSync(box.state, join(root, "var/lib/coldseal/signer"), { recursive: true });
  cpSync(join(box.folder, "tokens"), join(root, "var/lib/coldseal/signer/tokens"), { recursive: true });
}

/** A text of the provisioned box with the installed one's paths. */
export function installedText({ box, keeper, pki, stick }: BoxPaths, text: string): string {
  return text
    .replaceAll(box.run, "/run/coldseal")
    .replaceAll(box.spool, "/var/lib/coldseal/spool")
    .replaceAll(box.state, "/var/lib/coldseal/signer")
    .replaceAll(join(box.folder, "tokens"), "/var/lib/coldseal/signer/tokens")
    .replaceAll(join(box.folder, "softhsm2.conf"), "/etc/coldseal/softhsm2.conf")
    .replaceAll(pki.folder, "/etc/coldseal/pki")
    .replaceAll(stick, "/run/coldseal/media/in")
    .replaceAll(keeper, "/run/coldseal/media/audit")
    .replace('"isolation": "none"', '"isolation": "units"');
}
