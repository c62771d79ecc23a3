import { nodeHost } from "../../../host/crypto-host.ts";
import { verifyRequest } from "../../../manifests/records/request-envelope.ts";
import { checkRequestSigner, readRequestFile, requestDocuments } from "../../../manifests/verify/request-file.ts";
import { now, oids, policy, request, sign } from "../../media/signed-batch.ts";
import { mutateFile } from "../files.ts";
import { piecesOf } from "../random.ts";
import type { Target } from "../target.ts";

const listed = ["a.pdf", "b.pdf"].map((name, size) => ({ digest: "ab".repeat(32), name, size }));

async function* stream(input: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* piecesOf(input);
}

/** batch.p7m as the verifiers and intake read it. */
export const requestFile: Target = {
  name: "request-file",
  seeds: async () => [await sign(request(listed))],
  mutate: mutateFile,
  run: async (input) => {
    const read = await readRequestFile(nodeHost, stream(input), policy);
    let count = 0;
    for await (const _ of requestDocuments(stream(input))) count++;
    await checkRequestSigner(nodeHost, oids, read, undefined);
    await checkRequestSigner(nodeHost, oids, read, { policy, at: now });
    await verifyRequest(nodeHost, oids, read.envelope, { policy, now });
    return count;
  },
};
