/**
 * What a ceremony leaves of the box on its medium, so that a lost disk can be made good: configuration, certificates, wrapped PINs, policies,
 * orders and statements (docs/formats.md, "coldseal/box"). None of it is secret: a wrapped PIN opens by shares alone.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { boxExports } from "../../appliance/client/unlock-client.ts";
import { makeFolder, writeDurable } from "../../host/durable.ts";
import { equal } from "../../manifests/encoding/bytes.ts";
import { type BoxLayout, boxLayout, wrappedPath } from "./layout.ts";

/** The folder of a box's copy on a medium. */
export function copyFolder(media: string, appliance: string): string {
  return join(media, "coldseal/box", appliance);
}

export interface CopyOrder {
  readonly layout: BoxLayout;
  readonly appliance: string;
  readonly media: string;
  /** the signer's unlock socket, where it runs: orders and statements are its own */
  readonly socket?: string;
}

/** Brings the copy up to date; durable on return, what is there as it should be stays untouched. Refuses STORE, UNREACHABLE. */
export async function leaveCopy({ layout, appliance, media, socket }: CopyOrder): Promise<void> {
  const files = new Map<string, Uint8Array>(ownFiles(layout));
  if (socket !== undefined) for (const [path, bytes] of await boxExports(socket)) files.set(path, bytes);
  const folder = copyFolder(media, appliance);
  for (const [path, bytes] of files) {
    const to = join(folder, path);
    if (existsSync(to) && equal(readFileSync(to), bytes)) continue;
    await makeFolder(dirname(to), 0o755);
    await writeDurable(to, bytes);
  }
}

function* ownFiles(layout: BoxLayout): Generator<readonly [string, Uint8Array]> {
  const named: readonly (readonly [string, string])[] = [
    ["signer.json", layout.signerJson],
    ["wrapped-unlock.json", wrappedPath(layout, "unlock")],
    ["wrapped-recovery.json", wrappedPath(layout, "recovery")],
    ["successor/wrapped-unlock.json", wrappedPath(boxLayout(layout.successor), "unlock")],
    ["successor/wrapped-recovery.json", wrappedPath(boxLayout(layout.successor), "recovery")],
  ];
  for (const [name, path] of named) if (existsSync(path)) yield [name, readFileSync(path)];
  for (const [name, folder] of [
    ["policies", layout.policies],
    ["certificates", layout.certificates],
  ] as const) {
    if (!existsSync(folder)) continue;
    for (const one of readdirSync(folder)) yield [`${name}/${one}`, readFileSync(join(folder, one))];
  }
}
