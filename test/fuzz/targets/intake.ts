import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeHost } from "../../../host/crypto-host.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { readControl } from "../../../media/intake/control.ts";
import { scan } from "../../../media/intake/scan.ts";
import { take } from "../../../media/intake/take.ts";
import { Watch } from "../../../media/intake/watch.ts";
import { listed, now, oids, policy, request, sign } from "../../media/signed-batch.ts";
import { mutateFiles, packFiles, unpackFiles } from "../files.ts";
import { lay } from "../lay-files.ts";
import type { Target } from "../target.ts";

const folder = mkdtempSync(join(tmpdir(), "coldseal-fuzz-intake-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** A stick: a batch and a control file. Looked at, and taken, by intake's own functions in this process. */
export const intakeTarget: Target = {
  name: "intake",
  seeds: async () => {
    const documents = { "a.pdf": "one", "Übersicht.pdf": "two" };
    const list = Object.entries(documents).map(([name, value]) => listed(name, value));
    const p7m = await sign(request(list));
    const stick = new Map([["coldseal/inbox/batch-1/batch.p7m", p7m]]);
    for (const [name, value] of Object.entries(documents)) {
      stick.set(`coldseal/inbox/batch-1/documents/${name}`, new Uint8Array(Buffer.from(value)));
    }
    stick.set("coldseal/control/in/policy.p7m", Uint8Array.of(0x30, 0));
    return [packFiles(stick)];
  },
  mutate: (random, input, other) => packFiles(mutateFiles(random, input, other)),
  run: async (input) => {
    const root = join(folder, "stick");
    const into = join(folder, "into");
    for (const path of [root, into]) rmSync(path, { recursive: true, force: true });
    lay(root, unpackFiles(input));
    const watch = new Watch(30_000, () => undefined);
    const seen = await scan(root, watch);
    for (const { name } of seen.control) await refused(() => readControl(root, name));
    const job = { root, folder: "batch-1", into, policy, oids, now, settleOver: input.length % 2 === 0 };
    const taken = await take(nodeHost, job, watch, { documents: 0, of: 0, bytes: 0, ofBytes: 0 });
    return taken.outcome;
  },
};

async function refused(read: () => Promise<unknown>): Promise<void> {
  try {
    await read();
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
  }
}
