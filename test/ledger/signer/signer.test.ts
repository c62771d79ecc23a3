/** The ledger's signing process: it signs a tree that follows, and acknowledgements, and nothing else. */

import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeHost, sha256 } from "../../../host/crypto-host.ts";
import { runSigner } from "../../../ledger/signer/run.ts";
import { socketPath } from "../../../ledger/signer/socket-path.ts";
import { checkSignature } from "../../../manifests/cms/signature.ts";
import { suiteOf } from "../../../manifests/cms/suite.ts";
import { hex } from "../../../manifests/encoding/bytes.ts";
import { objectIdentifier } from "../../../manifests/encoding/der-write.ts";
import { documentationArc, ownOids } from "../../../manifests/encoding/oid.ts";
import { readCertificate } from "../../../manifests/x509/certificate.ts";
import { codeOf } from "../../manifests/time/code-of.ts";
import { history } from "../trees.ts";
import { keysIn, newFolder, origin, type TestKeys } from "./a-signer.ts";
import { checkNote, sign, tree } from "./signing.ts";

let keys: TestKeys;
beforeAll(async () => {
  keys = await keysIn(newFolder());
});
afterAll(() => rmSync(keys.folder, { recursive: true, force: true }));

describe("a signer that is started for one command", () => {
  it("LOG-HEAD: signs from the empty tree on what a proof shows to follow, across starts, and the same again the same way", async () => {
    await keys.signing(async (signer) => {
      expect(await signer.status()).toMatchObject({ size: 0, stopped: null, origin, certificate: false });
      expect((await signer.status()).held).toEqual({ acknowledgement: "file", checkpoint: "file" });
      await checkNote(keys, await sign(signer, 0, 3), tree.head(3));
    });
    await keys.signing(async (signer) => {
      expect(await signer.status()).toMatchObject({ size: 3, root: hex(tree.head(3).root) });
      const note = await sign(signer, 3, 8);
      await checkNote(keys, note, tree.head(8));
      expect(await sign(signer, 8, 8)).toEqual(note);
      expect(await sign(signer, 3, 8)).toEqual(note);
    });
  });

  it("LOG-HEAD: refuses for ever a smaller tree, another root of a size that it signed, and a proof from elsewhere", async () => {
    await keys.signing(async (signer) => {
      const { size } = await signer.status();
      const forked = history(2);
      expect(await codeOf(sign(signer, size, size - 1))).toBe("LOG-HEAD");
      expect(await codeOf(sign(signer, size, size, { tree: forked }))).toBe("LOG-HEAD");
      expect(await codeOf(sign(signer, 0, size + 1))).toBe("LOG-HEAD");
      expect(await codeOf(sign(signer, size, size + 1, { tree: forked }))).toBe("LOG-PROOF");
      expect(await codeOf(sign(signer, size, size + 1, { path: [] }))).toBe("LOG-PROOF");
      expect(
        await codeOf(sign(signer, size, size + 1, { path: [...tree.path(size, size + 1), new Uint8Array(32)] })),
      ).toBe("LOG-PROOF");
      expect(await signer.status()).toMatchObject({ size, root: hex(tree.head(size).root) });
    });
  });
});

describe("a signer's socket", () => {
  it("CONFIG: is not where the path would be cut: it does not serve, and commands start their own", async () => {
    const long = join(tmpdir(), "x".repeat(100));
    expect(socketPath(long)).toBeUndefined();
    expect(await codeOf(runSigner(long, { arc: documentationArc }))).toBe("CONFIG");
    expect(socketPath(join(keys.folder, "signer"))).toBe(join(keys.folder, "signer/sign.sock"));
  });
});

describe("acknowledgements", () => {
  it("CONFIG: are signed once there is a certificate, as signed attributes of an acknowledgement alone", async () => {
    await keys.signing(async (signer) => {
      const digest = sha256(Uint8Array.of(1));
      expect(await codeOf(signer.acknowledgement(digest))).toBe("CONFIG");
      const certificate = await keys.certify();
      const { attributes, signature } = await signer.acknowledgement(digest);
      const suite = suiteOf("ecdsa-p256-sha256");
      const { spki } = readCertificate(certificate);
      await checkSignature(nodeHost, { suite, spki, message: attributes, signature, minimumRsaBits: 2048 });
      const text = hex(attributes);
      expect(text).toContain(hex(digest));
      expect(text).toContain(hex(sha256(certificate)));
      expect(text).toContain(hex(objectIdentifier(ownOids(documentationArc).acknowledgement)));
    });
  });
});
