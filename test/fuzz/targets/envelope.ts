import { concat, equal, utf8 } from "../../../manifests/encoding/bytes.ts";
import { documentationArc, ownOids } from "../../../manifests/encoding/oid.ts";
import { readStripped } from "../../../manifests/records/plain-envelope.ts";
import { strip } from "../../../media/intake/envelope/strip.ts";
import { issue, makeRoot } from "../../pki/authority.ts";
import { armoured, envelopeParts, inBer, inDer, type Pieces, smime } from "../../pki/plain.ts";
import { mutateFile } from "../files.ts";
import { piecesOf } from "../random.ts";
import { Broken, type Target } from "../target.ts";

function stripOf(pieces: Iterable<Uint8Array>): { readonly envelope: Uint8Array; readonly content: Uint8Array } {
  const content: Uint8Array[] = [];
  const sink = { begin: () => undefined, write: (some: Uint8Array) => void content.push(some.slice()) };
  return { envelope: strip(pieces, sink), content: concat(content) };
}

/** An envelope as any tool writes it: BER, DER, PEM, S/MIME. In pieces of any sizes it is stripped as in one. */
export const envelopeTarget: Target = {
  name: "envelope",
  seeds: async () => {
    const root = makeRoot({ name: "Root" });
    const signer = issue(root, { name: "Desk", eku: [ownOids(documentationArc).plainSubmitter] });
    const parts = await envelopeParts(signer, "the document\r\n", { certificates: [root.certificate] });
    const long = await envelopeParts(signer, utf8("0123456789".repeat(2000)));
    const cut: Pieces = [
      long.content.subarray(0, 9000),
      [long.content.subarray(9000, 9001), []],
      long.content.subarray(9001),
    ];
    const der = inDer(parts);
    return [der, inBer(parts), inBer(long, { pieces: cut }), armoured(der), smime(inBer(parts))];
  },
  mutate: mutateFile,
  run: (input) => stripOf(piecesOf(input)),
  after: (input, result) => {
    const inPieces = result as ReturnType<typeof stripOf>;
    const whole = stripOf([input]);
    if (!equal(whole.envelope, inPieces.envelope) || !equal(whole.content, inPieces.content)) {
      throw new Broken("pieces and the whole differ");
    }
    readStripped(whole.envelope);
  },
};
