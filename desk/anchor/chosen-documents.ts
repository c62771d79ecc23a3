/** Which documents of a bundle a person means, by their names or numbers. */

import { Refusal } from "../../manifests/refusal.ts";
import type { BundleTree } from "./bundle-tree.ts";

/** All where no name is given; each once. Refuses USAGE a name that no document has, or that is another one's number. */
export function chosenDocuments(documents: BundleTree["documents"], names: readonly string[]): BundleTree["documents"] {
  if (names.length === 0) return documents;
  const chosen = names.map((name) => {
    const [only, second] = documents.filter((one) => one.name === name || `${one.index}` === name);
    if (only && !second) return only;
    throw new Refusal("USAGE", only ? "a name and a number mean two documents" : "no such document in this bundle", {
      expected: "names of documents as documents.jsonl has them, or their numbers",
      got: name,
    });
  });
  return [...new Set(chosen)];
}
