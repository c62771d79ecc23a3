import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Profile } from "../../ceremony/provision/provision.ts";
import { approve, succeeded } from "../../demo/people.ts";
import { readSignedData } from "../../manifests/cms/read.ts";
import { isHere, verifiers } from "../verifiers/all.ts";
import { tampered } from "../verifiers/tampered.ts";
import type { SignedFile } from "../verifiers/verifier.ts";
import { wholeBox } from "./whole-box.ts";

const documents = { "contract.pdf": "%PDF-1.4 contract", "Übersicht 2026.txt": "overview\n", "empty.dat": "" };

/** Tests of the main job under each of `profiles`, and of what every verifier of others says of what it gave out. */
export function profileDays(profiles: readonly Profile[]): void {
  describe.each(profiles)("the main job, end to end, %s", profileDay);
}

function profileDay(profile: Profile): void {
  /** Holds `outbox`, `documents` and `ca.crt` of the one batch that is sealed here. */
  let kept: string;
  beforeAll(() => {
    kept = mkdtempSync(join(tmpdir(), "coldseal-profile-"));
  });
  afterAll(() => rmSync(kept, { recursive: true }));

  it("QUORUM: two of three approve, nothing leaves before, all of it verifies", async () => {
    const whole = await wholeBox({ profile });
    onTestFinished(whole.end);
    const slip = await whole.bring("contracts", documents, ["--digest", profile.slice(profile.lastIndexOf("-") + 1)]);
    await whole.until("contracts", "waiting-for-approval");
    const [op1, op2] = whole.paths.operators;
    if (!op1 || !op2) throw new Error("no operators");
    succeeded(await approve(op1, slip), "approve");
    expect(readdirSync(join(whole.paths.stick, "coldseal/outbox"))).toEqual([]);
    succeeded(await approve(op2, slip), "approve");
    await whole.until("contracts", "released");
    const verified = await whole.verify("contracts");
    expect(verified).toMatchObject({ status: 0 });
    expect(verified.stdout).toContain("VALID: 3 seals, all 3 documents (mode test)");
    cpSync(whole.outbox("contracts"), join(kept, "outbox"), { recursive: true });
    cpSync(join(whole.inbox("contracts"), "documents"), join(kept, "documents"), { recursive: true });
    cpSync(whole.paths.pki.root, join(kept, "ca.crt"));
  });

  for (const kind of verifiers) {
    it.skipIf(!isHere(kind))(
      `QUORUM: ${kind.name} accepts every signed file, and none with a byte changed`,
      async () => {
        const verifier = await kind.open(join(kept, "ca.crt"));
        onTestFinished(verifier.end);
        const refused: string[] = [];
        const accepted: string[] = [];
        for (const file of signedFiles(kept)) {
          const limit = kind.cannot?.(file);
          const refusal = await verifier.refusal(file);
          if (limit) expect(refusal, file.signed).toMatch(limit);
          else if (refusal !== undefined) refused.push(`${file.signed}: ${refusal}`);
          for (const { title, copy } of tamperedCopies(kept, file)) {
            if ((await verifier.refusal(copy)) === undefined) accepted.push(`${file.signed}, ${title}`);
          }
        }
        expect({ refused, accepted }).toEqual({ refused: [], accepted: [] });
      },
    );
  }
}

/** Three seals with their documents, and the four files that hold what was signed. */
function signedFiles(kept: string): readonly SignedFile[] {
  const outbox = join(kept, "outbox");
  const lines = readFileSync(join(outbox, "documents.jsonl"), "utf8").trimEnd().split("\n");
  const listed = lines.map((line) => JSON.parse(line) as { name: string; seal: string });
  expect(listed).toHaveLength(3);
  return [
    ...["batch.p7m", "policy/0001.p7m", "authorization.p7m", "manifest.p7m"].map((name) => ({
      signed: join(outbox, name),
    })),
    ...listed.map(({ name, seal }) => ({ signed: join(outbox, seal), document: join(kept, "documents", name) })),
  ];
}

function tamperedCopies(
  kept: string,
  { signed, document }: SignedFile,
): readonly { title: string; copy: SignedFile }[] {
  const bytes = readFileSync(signed);
  const content = document === undefined ? readSignedData(bytes).content : readFileSync(document);
  return tampered(bytes, content ?? new Uint8Array(0), document !== undefined).map((one, at) => {
    const copy = { signed: join(kept, `copy-${at}`), document: join(kept, `document-${at}`) };
    writeFileSync(copy.signed, one.signed);
    writeFileSync(copy.document, one.document ?? content ?? "");
    return { title: one.title, copy: document === undefined ? { signed: copy.signed } : copy };
  });
}
