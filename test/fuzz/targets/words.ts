import { matchesGroup, wordGroups, words } from "../../../manifests/encoding/words.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import { Broken, type Target } from "../target.ts";

const digest = Uint8Array.from({ length: 32 }, (_, at) => at * 7);

/** What a person types for group 1 (bytes 0 and 1) of a digest; the digest's own length is read too. */
export const wordsTarget: Target = {
  name: "words",
  seeds: async () => [new Uint8Array(Buffer.from(wordGroups(digest)[0] ?? "")), digest],
  mutate: mutateBytes,
  run: (input) => {
    const typed = Buffer.from(input).toString();
    if (input.length === 32) return words(input).length;
    return String(matchesGroup(digest, 1, typed));
  },
  after: (input, result) => {
    const letters = Buffer.from(input).toString().toLowerCase().replace(/\s/g, "");
    const expected = (wordGroups(digest)[0] ?? "").toLowerCase().replace(/\s/g, "");
    if ((result === "true") !== (letters === expected) && input.length !== 32)
      throw new Broken("other letters are taken for the words");
  },
};
