import { checkDocumentName, collisionKey, isBatchFolder, sealPath, shown } from "../../../manifests/records/names.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import { Broken, type Target } from "../target.ts";

export const documentNames: Target = {
  name: "document-names",
  seeds: async () =>
    ["contract 0113.pdf", "Übersicht.pdf", "ﬀ.txt", "日本語.txt", "a".repeat(255)].map(
      (name) => new Uint8Array(Buffer.from(name)),
    ),
  mutate: mutateBytes,
  run: (input) => {
    // UTF-16 with lone surrogates for odd lengths, so that what JSON can hold is reached too
    const name = input.length % 5 === 4 ? Buffer.from(input).toString("utf16le") : Buffer.from(input).toString();
    isBatchFolder(name);
    if (!/^[\x20-\x7e]*$/.test(shown(name))) throw new Broken("a name is shown with more than printable ASCII");
    if (!/^seals\/\d{4}\/\d{6}-[a-z0-9.-]{0,64}\.p7s$/.test(sealPath(7, name)))
      throw new Broken("a seal's path is not plain");
    const key = collisionKey(name);
    checkDocumentName(name);
    if (name.isWellFormed() && collisionKey(key) !== key) throw new Broken("a folded name folds again");
    return "a name";
  },
};
