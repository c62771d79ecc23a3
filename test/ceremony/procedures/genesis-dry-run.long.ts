import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hold } from "../../../ceremony/engine/hold.ts";
import { playedScene } from "../../../ceremony/engine/played-scene.ts";
import { RecordFile } from "../../../ceremony/engine/record-file.ts";
import { recordFolder } from "../../../ceremony/engine/records-folder.ts";
import { boxLayout } from "../../../ceremony/procedures/layout.ts";
import { procedureOf } from "../../../ceremony/procedures/registry.ts";
import { prepareDryRun } from "../../../ceremony/rehearse/dry-run.ts";
import { nodeHost } from "../../../host/crypto-host.ts";
import { utcOf } from "../../../manifests/encoding/shape.ts";
import { verifyGenesis } from "../../../manifests/records/policy-chain.ts";
import { facts, genesisPeople, newBox, oids, transcriptOf } from "./genesis-box.ts";

genesisPeople();

describe("a dry run of genesis", () => {
  it("GENESIS: a dry run makes all of it in its order from the reviewed file, and uses nothing of what that names", async () => {
    const box = await newBox();
    const dir = join(box.dir, "dry");
    await mkdir(dir);
    const { file, secret } = await prepareDryRun(box.file, dir);
    const procedure = procedureOf(file);
    const record = await RecordFile.open(recordFolder(procedure, file), file.digest);
    const scene = playedScene({ secret, say: () => undefined });
    const held = await hold({ procedure, file, run: "dry", scene, record, now: () => utcOf(Date.now()) });
    record.close();
    const transcript = await transcriptOf(held);
    expect(transcript.run).toBe("dry");
    const done = transcript.entries.filter(({ kind }) => kind === "done").map(({ step }) => step);
    expect(done.join(" ")).toBe(
      "clock people token audit-key split share-check relock sealing-key policy store requests close",
    );
    const layout = boxLayout(join(dir, "box"));
    const policy = await verifyGenesis(
      nodeHost,
      oids,
      readFileSync(layout.genesis),
      facts(transcript, "policy").digest,
    );
    expect(policy.policy.people.map(({ id }) => id)).toEqual(["op1", "op2", "op3", "keeper", "desk"]);
    expect(existsSync(join(layout.state, "store.db"))).toBe(true);
    expect(facts(transcript, "relock")).toEqual({ "opened by": "op1, op2" });
    expect(facts(transcript, "close")["keys on the token"]).toMatch(/^audit \(.*sealing \(/);
    expect(existsSync(box.box) || existsSync(box.stick)).toBe(false);
  });
});
