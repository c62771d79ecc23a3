// Where set-up finds and leaves things; every path is absolute.

import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../..");
export const cache = join(root, ".cache");
export const packages = join(root, "node_modules");

/** The folder of the pinned Node 26: `bin/node` and the headers in `include`. */
export const pinnedNodeFolder = join(packages, `node-linux-${process.arch}`);
export const pinnedNode = join(pinnedNodeFolder, "bin/node");

/** The one package that is compiled here, and what compiling leaves. */
export const nativePackage = "pkcs11js";
export const nativeAddon = join(packages, nativePackage, "build/Release/pkcs11.node");

/** What Node compiled, kept between starts: processes start in half the time. */
export const compiledCode = join(cache, "compiled");

/** Tools that set-up unpacked because the machine has none; first on the PATH of everything that is run. */
export const unpackedTools = join(cache, "bin");
