/** The packaged files tried on this machine: native code loads in the packaged Node, and says what is inside of it. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Refusal } from "../../manifests/refusal.ts";
import type { Inner } from "./sbom.ts";

const run = promisify(execFile);

const question = `
const { createRequire } = require("node:module");
const from = createRequire(process.argv[1] + "/package.json");
const Database = from("better-sqlite3");
const sqlite = new Database(":memory:").prepare("select sqlite_version() as version").get().version;
if (typeof from("pkcs11js").PKCS11 !== "function") throw new Error("pkcs11js does not load");
if (typeof from("usb").usb.getDevices !== "function") throw new Error("usb does not load");
process.stdout.write(JSON.stringify({ node: process.version, sqlite, versions: process.versions }));
`;

/** Not libraries: versions of interfaces, and Node itself. */
const notInside = ["modules", "napi", "node", "unicode", "tz", "cldr"];

/** `product`: the product's folder below the package's tree. Refuses with CONFIG where it does not run, or Node is not of this version. */
export async function selfCheck(
  product: string,
  version: string,
): Promise<{ readonly inNode: readonly Inner[]; readonly sqlite: string }> {
  let said: { node: string; sqlite: string; versions: Record<string, string> };
  try {
    const { stdout } = await run(`${product}/node/bin/node`, ["-e", question, product], { env: { LANG: "C.UTF-8" } });
    said = JSON.parse(stdout) as typeof said;
  } catch (cause) {
    throw new Refusal("CONFIG", "what was packaged does not run here", { got: String(cause), cause });
  }
  if (said.node !== `v${version}`) {
    throw new Refusal("CONFIG", "the packaged Node is another one", { expected: `v${version}`, got: said.node });
  }
  const inNode = Object.entries(said.versions).filter(([name]) => !notInside.includes(name));
  return {
    inNode: inNode.map(([name, inner]) => ({ name, version: inner })).sort((a, b) => (a.name < b.name ? -1 : 1)),
    sqlite: said.sqlite,
  };
}
