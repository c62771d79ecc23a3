import { nodeHost } from "../../../host/crypto-host.ts";
import { readSignedData, readSignedDataHead, type SignedData } from "../../../manifests/cms/read.ts";
import { signedData } from "../../../manifests/cms/write.ts";
import { equal } from "../../../manifests/encoding/bytes.ts";
import { LargeSignedData } from "../../../manifests/verify/large-signed-data.ts";
import { buildBundle } from "../../bundle/build.ts";
import { headersAreMinimal } from "../der-tree.ts";
import { mutateFile } from "../files.ts";
import { piecesOf } from "../random.ts";
import { Broken, type Target } from "../target.ts";

async function seeds(): Promise<readonly Uint8Array[]> {
  const { files } = await buildBundle();
  return [...files].filter(([path]) => /\.p7[ms]$/.test(path)).map(([, bytes]) => bytes);
}

/** What is accepted, written anew from its parts, is the same bytes. */
export const signedDataTarget: Target = {
  name: "signed-data",
  seeds,
  mutate: mutateFile,
  run: (input) => readSignedData(input),
  after: (input, read) => {
    const { eContentType, content, certificates, signers } = read as SignedData;
    const strict = [...certificates, ...signers.map(({ core }) => core)].every(headersAreMinimal);
    if (!strict) throw new Broken("an accepted element has a length that is not minimal");
    const signerInfos = signers.map(({ der }) => der);
    const again = signedData({ eContentType, certificates, signerInfos, ...(content ? { content } : {}) });
    if (!equal(again, input)) throw new Broken("an accepted SignedData does not encode to the same bytes");
  },
};

/** Taken in pieces, the same files are accepted as whole ones, with the same content. */
export const signedDataPieces: Target = {
  name: "signed-data-pieces",
  seeds: async () => (await seeds()).filter((seed) => !readSignedDataHead(seed, seed.length).detached),
  mutate: mutateFile,
  run: async (input) => {
    const large = new LargeSignedData();
    const hasher = nodeHost.hasher("sha256");
    for (const piece of piecesOf(input)) hasher.update(large.push(piece));
    const { data, rest } = large.end();
    hasher.update(rest);
    return { data, digest: await hasher.digest() };
  },
  after: async (input, result) => {
    const { digest } = result as { digest: Uint8Array };
    const { content } = readSignedData(input);
    if (!content || !equal(digest, await nodeHost.digest("sha256", content))) {
      throw new Broken("the content in pieces is another than the whole's");
    }
  },
};
