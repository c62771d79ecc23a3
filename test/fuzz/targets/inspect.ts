import { inspectFile, inspectionLines } from "../../../desk/inspect.ts";
import { buildBundle } from "../../bundle/build.ts";
import { logProofFile } from "../../bundle/log.ts";
import { oids } from "../../bundle/people.ts";
import { mutateFile } from "../files.ts";
import type { Target } from "../target.ts";

/** `coldseal inspect` of any file. */
export const inspectTarget: Target = {
  name: "inspect",
  seeds: async () => {
    const { files } = await buildBundle();
    const some = [...files].filter(([path]) => /\.p7m$|000001.*\.p7s$/.test(path)).map(([, bytes]) => bytes);
    const proof = await logProofFile({ files }, { seals: [1] });
    return [...some, proof, new Uint8Array(Buffer.from('{"a":[1,{"b":"c"}]}'))];
  },
  mutate: mutateFile,
  run: (input) => {
    const found = inspectFile(input, oids);
    return JSON.stringify(found).length + inspectionLines(found).length;
  },
};
