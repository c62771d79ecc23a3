/**
 * GnuTLS's `certtool --p7-verify`. Its exit status is that of the last signature alone, so each one's line counts. It takes a
 * document without bytes for no document at all.
 */

import { statSync } from "node:fs";
import { runCommand } from "./run.ts";
import { type VerifierKind, versionOf } from "./verifier.ts";

export const certtool: VerifierKind = {
  name: "certtool",
  needs: "gnutls-bin",
  version: versionOf("certtool", ["--version"], /^certtool (\S+)/),
  cannot: ({ document }) =>
    document !== undefined && statSync(document).size === 0 ? /There are no embedded data in the structure/ : undefined,
  open: async (root) => ({
    refusal: async ({ signed, document }) => {
      const detached = document === undefined ? [] : ["--load-data", document];
      const what = ["--inder", "--infile", signed, ...detached, "--load-ca-certificate", root];
      const { status, said } = await runCommand("certtool", ["--p7-verify", ...what]);
      const words = [...said.matchAll(/^\tSignature status: (.*)$/gm)].map((line) => line[1]);
      return status === 0 && words.length > 0 && words.every((word) => word === "ok")
        ? undefined
        : `${status}: ${said}`;
    },
    end: async () => {},
  }),
};
