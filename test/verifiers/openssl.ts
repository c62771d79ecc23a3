/** OpenSSL's `cms -verify`, by the README's line. Without -no-CApath and -no-CAstore it would trust the system's roots as well. */

import { cmsVerify } from "../../demo/openssl.ts";
import { refusalOf } from "./run.ts";
import { type VerifierKind, versionOf } from "./verifier.ts";

export const openssl: VerifierKind = {
  name: "OpenSSL",
  needs: "openssl",
  version: versionOf("openssl", ["version"], /^OpenSSL (\S+)/),
  open: async (root) => ({
    refusal: ({ signed, document }) => refusalOf("openssl", cmsVerify(signed, root, document)),
    end: async () => {},
  }),
};
