import { isDeepStrictEqual } from "node:util";
import { readTokenUri } from "../../../hardware/slot.ts";
import { readPkcs11Uri, writePkcs11Uri } from "../../../hardware/uri.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import { Broken, type Target } from "../target.ts";

export const pkcs11Uri: Target = {
  name: "pkcs11-uri",
  seeds: async () =>
    [
      "pkcs11:token=box;manufacturer=SoftHSM;serial=0123abcd;object=sealing;id=%01%02;type=private?module-path=/usr/lib/x.so",
      "pkcs11:token=t;serial=1;library-version=2.6;slot-id=3;object=%C3%A9",
      "pkcs11:token=t;serial=5",
    ].map((text) => new Uint8Array(Buffer.from(text))),
  mutate: mutateBytes,
  run: (input) => {
    const text = Buffer.from(input).toString();
    const uri = readPkcs11Uri(text);
    const again = readPkcs11Uri(writePkcs11Uri(uri));
    if (!isDeepStrictEqual(again, uri)) throw new Broken("a URI that was written reads otherwise");
    readTokenUri(text);
    return "a URI";
  },
};
