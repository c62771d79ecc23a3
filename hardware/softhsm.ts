/** SoftHSM 2, the software token of tests, demo and test boxes: where its module is, and a token folder of one's own. */

import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { syncTree, writeDurable } from "../host/durable.ts";
import { utf8 } from "../manifests/encoding/bytes.ts";
import { Refusal } from "../manifests/refusal.ts";
import type { ModulePlace } from "./module.ts";

/** A module with the configuration of one token folder. */
export interface SoftHsmFolder extends ModulePlace {
  readonly environment: { readonly SOFTHSM2_CONF: string };
}

const root = fileURLToPath(new URL("../", import.meta.url));

const usualPlaces = [
  "/usr/lib/softhsm/libsofthsm2.so",
  "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
  "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
  "/usr/lib64/softhsm/libsofthsm2.so",
  "/usr/lib64/pkcs11/libsofthsm2.so",
  "/usr/local/lib/softhsm/libsofthsm2.so",
];

/** The module's path: COLDSEAL_SOFTHSM_MODULE, else what the set-up found, else the usual places. Refuses with HSM-MODULE. */
export function softhsmModule(): string {
  const chosen = process.env.COLDSEAL_SOFTHSM_MODULE;
  const places = chosen ? [chosen] : [...foundBySetup(), ...usualPlaces];
  const found = places.find((path) => existsSync(path));
  if (found) return found;
  throw new Refusal("HSM-MODULE", "SoftHSM 2 is missing: install it (Debian: apt-get install softhsm2)", {
    expected: "libsofthsm2.so, or its path in COLDSEAL_SOFTHSM_MODULE",
    got: chosen ? `${chosen}, which is not there` : "nothing",
  });
}

/**
 * Makes `folder/softhsm2.conf` and the empty `folder/tokens`; `folder` is made, or must hold neither. All of it is for
 * its owner only. Refuses with STORE.
 */
export async function makeSoftHsmFolder(folder: string): Promise<SoftHsmFolder> {
  const module = softhsmModule();
  const tokens = join(resolve(folder), "tokens");
  const configuration = join(resolve(folder), "softhsm2.conf");
  if (existsSync(configuration))
    throw new Refusal("STORE", "a token folder is there already", { about: configuration });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  await mkdir(tokens, { mode: 0o700 });
  await writeDurable(configuration, utf8(configurationText(tokens)));
  return { module, environment: { SOFTHSM2_CONF: configuration } };
}

/**
 * Makes durable what SoftHSM wrote, which it does not do itself: token files and folders are on the disk on
 * return. Does nothing for a module that is not configured by SOFTHSM2_CONF. Refuses with STORE.
 */
export async function syncTokens(place: ModulePlace): Promise<void> {
  const configuration = place.environment?.SOFTHSM2_CONF;
  if (configuration === undefined) return;
  const [, folder] = /^\s*directories\.tokendir\s*=\s*(\S.*?)\s*$/m.exec(readFileSync(configuration, "utf8")) ?? [];
  if (folder === undefined) throw new Refusal("CONFIG", "no directories.tokendir", { about: configuration });
  await syncTree(folder);
}

function configurationText(tokens: string): string {
  return [
    `directories.tokendir = ${tokens}`,
    "objectstore.backend = file",
    "log.level = ERROR",
    "slots.removable = false",
    "",
  ].join("\n");
}

function foundBySetup(): readonly string[] {
  try {
    const { softhsmModule: path } = JSON.parse(readFileSync(join(root, ".cache/setup.json"), "utf8"));
    return typeof path === "string" ? [path] : [];
  } catch {
    return [];
  }
}
