/** `raw-1` and `raw-2`: C_Sign of the box's own sealing key in a C program, in one session or two. */

import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BoxPaths } from "../../../ceremony/provision/layout.ts";
import { projectRoot } from "../../../demo/project-root.ts";
import { readPkcs11Uri } from "../../../hardware/uri.ts";

const seconds = "2";

/** Signatures a second, in so many sessions. Throws where there is no compiler. */
export type RawSign = (sessions: number) => Promise<number>;

/** Compiles the program into `folder`. */
export function compileRawSign(folder: string, paths: BoxPaths, kind: "rsa" | "ecdsa"): RawSign {
  const program = join(folder, "raw-sign");
  const headers = join(projectRoot, "node_modules/pkcs11js/includes/pkcs11");
  const source = join(projectRoot, "test/bench/raw-sign.c");
  const compile = ["-O2", "-x", "c++", "-I", headers, "-o", program, source, "-ldl", "-lpthread"];
  execFileSync("g++", compile, { stdio: "pipe" });
  const { token, keys } = JSON.parse(readFileSync(paths.box.signerJson, "utf8")) as {
    readonly token: { module: string; environment: Record<string, string>; uri: string };
    readonly keys: { readonly sealing: { readonly uri: string } };
  };
  const { object = "" } = readPkcs11Uri(keys.sealing.uri);
  const { serial = "" } = readPkcs11Uri(token.uri);
  // A SHA-256 DigestInfo has 51 bytes, a bare digest 32.
  const [mechanism, length] = kind === "rsa" ? ["1", "51"] : ["1041", "32"];
  return (sessions) => {
    const args = [token.module, serial, object, mechanism as string, length as string, `${sessions}`, seconds];
    const env = { PATH: process.env.PATH ?? "", ...libraries, ...token.environment };
    return new Promise((resolve, reject) => {
      const child = execFile(program, args, { env }, (fault, stdout, stderr) => {
        if (fault) reject(new Error(`raw-sign: ${stderr.trim()}`, { cause: fault }));
        else resolve(Number(stdout));
      });
      child.stdin?.end(readFileSync(paths.box.pin));
    });
  };
}

const libraries = process.env.LD_LIBRARY_PATH ? { LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH } : {};
