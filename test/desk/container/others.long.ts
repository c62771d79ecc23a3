import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { zipPrograms } from "../../verifiers/zip-programs.ts";
import { coldseal, laid, type Place, place } from "./packed.ts";
import { storedFiles } from "./raw-zip.ts";

let here: Place;
/** with how many files are in each */
let containers: readonly (readonly [file: string, files: number])[];
beforeAll(async () => {
  here = place();
  await laid(here.dir);
  const words = ["pack", join(here.dir, "bundle"), "--documents", join(here.dir, "documents")];
  await coldseal(...words, "--to", join(here.dir, "batch.asice"));
  await coldseal(...words, "--each", "--to", here.dir, "2");
  containers = ["batch.asice", "000002--bersicht.pdf.asics"].map((name) => {
    const file = join(here.dir, name);
    return [file, storedFiles(readFileSync(file)).size] as const;
  });
  expect(containers.map(([, files]) => files)).toEqual([24, 8]);
});
afterAll(() => here?.end());

const said = (program: string, ...words: readonly string[]) => execFileSync(program, words).toString();

describe("containers in the hands of other programs", () => {
  it("BUNDLE-FORM: begin with mimetype, stored, without an extra field", () => {
    for (const [file] of containers) {
      const bytes = readFileSync(file);
      expect(bytes.subarray(30, 69).toString()).toBe(`mimetypeapplication/vnd.etsi.asic-${file.at(-1)}+zip`);
      expect([bytes.readUInt16LE(8), bytes.readUInt16LE(28)]).toEqual([0, 0]);
    }
  });

  it.skipIf(!zipPrograms.unzip)("BUNDLE-FORM: unzip finds nothing wrong", () => {
    for (const [file, files] of containers) {
      expect(said("unzip", "-t", file)).toContain("No errors detected");
      expect(said("unzip", "-Z1", file).trimEnd().split("\n")).toHaveLength(files);
    }
  });

  it.skipIf(!zipPrograms.python)("BUNDLE-FORM: Python's zipfile finds nothing wrong", () => {
    for (const [file, files] of containers) {
      expect(said("python3", "-m", "zipfile", "-t", file)).toBe("Done testing\n");
      expect(said("python3", "-m", "zipfile", "-l", file).trimEnd().split("\n")).toHaveLength(files + 1);
    }
  });

  it.skipIf(!zipPrograms.java)("BUNDLE-FORM: Java reads them by their directory and as a stream", () => {
    const program = join(here.dir, "Read.java");
    writeFileSync(program, readBoth);
    for (const [file, files] of containers) expect(said("java", program, file)).toBe(`${files} ${files}\n`);
  });

  it.skipIf(!zipPrograms.python)(
    "TIME-IMPRINT: every manifest is well-formed, and names by its digest each file that its record is over",
    () => {
      const [[file]] = containers as [readonly [string, number]];
      const found = JSON.parse(said("python3", "-c", checkManifests, file));
      expect(found).toEqual({ manifests: 4, records: 4, references: 3 + 3 * 2, uncovered: [] });
    },
  );
});

/** Prints how many files it reads each way. */
const readBoth = `
import java.io.FileInputStream;
import java.util.zip.*;
class Read {
  public static void main(String[] words) throws Exception {
    int streamed = 0;
    try (var stream = new ZipInputStream(new FileInputStream(words[0]))) {
      for (; stream.getNextEntry() != null; streamed++) stream.readAllBytes();
    }
    try (var file = new ZipFile(words[0])) {
      System.out.println(streamed + " " + file.size());
    }
  }
}
`;

/** Reads all manifests with Python's XML and ZIP libraries; ends with an error where a digest is wrong. Prints what it found. */
const checkManifests = `
import base64, hashlib, json, sys, zipfile
from urllib.parse import unquote
from xml.etree import ElementTree
asic, ds = "{http://uri.etsi.org/02918/v1.2.1#}", "{http://www.w3.org/2000/09/xmldsig#}"
container = zipfile.ZipFile(sys.argv[1])
names = container.namelist()
manifests = [name for name in names if name.startswith("META-INF/ASiCEvidenceRecordManifest")]
covered, records = [], set()
for name in manifests:
    root = ElementTree.fromstring(container.read(name))
    assert root.tag == asic + "ASiCManifest" and not root.attrib
    signature, *references = list(root)
    assert signature.tag == asic + "SigReference" and list(signature.attrib) == ["URI"]
    record = container.read(signature.attrib["URI"])
    records.add(signature.attrib["URI"])
    for reference in references:
        assert reference.tag == asic + "DataObjectReference" and list(reference.attrib) == ["URI"]
        method, value = list(reference)
        assert method.tag == ds + "DigestMethod" and value.tag == ds + "DigestValue"
        assert method.attrib == {"Algorithm": "http://www.w3.org/2001/04/xmlenc#sha256"}
        path = unquote(reference.attrib["URI"])
        digest = hashlib.sha256(container.read(path)).digest()
        assert base64.b64decode(value.text) == digest and digest in record, path
        covered.append(path)
data = [name for name in names if name.startswith("documents/") or name.startswith("bundle/seals/")]
print(json.dumps({"manifests": len(manifests), "records": len(records), "references": len(covered),
    "uncovered": [name for name in data if name not in covered]}))
`;
