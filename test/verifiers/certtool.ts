/** GnuTLS's `certtool --p7-verify`. It takes a document without bytes for no document at all. */

import { statSync } from "node:fs";
import { refusalOf } from "./run.ts";
import { type VerifierKind, versionOf } from "./verifier.ts";

export const certtool: VerifierKind = {
  name: "certtool",
  needs: "gnutls-bin",
  version: versionOf("certtool", ["--version"], /^certtool (\S+)/),
  cannot: ({ document }) =>
    document !== undefined && statSync(document).size === 0 ? /There are no embedded data in the structure/ : undefined,
  open: async (root) => ({
    refusal: ({ signed, document }) => {
      const detached = document === undefined ? [] : ["--load-data", document];
      const what = ["--inder", "--infile", signed, ...detached, "--load-ca-certificate", root];
      return refusalOf("certtool", ["--p7-verify", ...what]);
    },
    end: async () => {},
  }),
};
