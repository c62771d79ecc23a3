import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCertificateFile } from "../../../host/certificate-file.ts";
import { root } from "../../bundle/people.ts";
import { pem } from "../../pki/authority.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import type { Target } from "../target.ts";

const folder = mkdtempSync(join(tmpdir(), "coldseal-fuzz-certificate-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

export const certificateFile: Target = {
  name: "certificate-file",
  seeds: async () => {
    const text = pem(root.certificate);
    const bytes = (value: string) => new Uint8Array(Buffer.from(value));
    return [bytes(text), bytes(`CN=Root\n${text}\nend`), root.certificate];
  },
  mutate: mutateBytes,
  run: (input) => {
    const file = join(folder, "file");
    writeFileSync(file, input);
    return readCertificateFile(file).length;
  },
};
