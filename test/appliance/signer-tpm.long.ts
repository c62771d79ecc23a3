/** QUOTE-BIND: a whole signer process over a real token and a real TPM in software, enrolled by the command, verified by the command, and by tpm2-tools. */

import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../host/crypto-host.ts";
import { hex, utf8 } from "../../manifests/encoding/bytes.ts";
import { type SoftTpm, startSoftTpm, tpmHere } from "../hardware/tpm/swtpm.ts";
import { bootEvents, bootLog } from "../manifests/attest/paper-tpm.ts";
import { pem } from "../pki/authority.ts";
import { projectRoot } from "../structure/source-files.ts";
import { listOf, type MadeBatch, makeBatch, policyDigest, root } from "./signer/people.ts";
import { RealSigner } from "./signer/real-signer.ts";
import { codeOf } from "./signer/test-box.ts";

it.skipIf(process.env.CI === undefined)("TPM-GONE: under CI a TPM in software is here", () =>
  expect(tpmHere).toBe(true),
);

describe.skipIf(!tpmHere)("QUOTE-BIND: a box with a TPM", () => {
  let signer: RealSigner;
  let tpm: SoftTpm;
  let device: string;
  let made = 0;

  beforeAll(async () => {
    tpm = await startSoftTpm();
    for (const { pcr, text } of bootEvents) tpm.tools("pcrextend", `${pcr}:sha256=${hex(sha256(utf8(text)))}`);
    writeFileSync(join(tpm.folder, "log"), bootLog);
    signer = await RealSigner.make();
    device = join(signer.folder, "device.json");
    const { appliance } = signer.policy;
    const enrolled = await run("ceremony/main.ts", [
      "enrol-device",
      "--appliance",
      appliance,
      "--to",
      device,
      "--socket",
      tpm.socket,
    ]);
    expect(enrolled.out).toContain("SIMULATED");
    expect(enrolled.out).toContain(hex(sha256(readFileSync(device))));
  }, 60_000);
  afterAll(async () => {
    await signer.remove();
    await tpm.end();
  });

  async function restarted(required: boolean): Promise<void> {
    const attestation = {
      ...{ bank: "sha256", device: "device.json", kind: "tpm", logs: { event: join(tpm.folder, "log") } },
      ...{ pcrs: [0, 4, 7, 12], required, seconds: 10, tpm: { socket: tpm.socket } },
    };
    const config = { ...JSON.parse(readFileSync(signer.config, "utf8")), attestation };
    writeFileSync(signer.config, JSON.stringify(config));
    await signer.restart("SIGTERM");
    await signer.unlock();
  }

  async function authorised(): Promise<MadeBatch> {
    const batch = await makeBatch(listOf(2, `t${++made}`), { batch: `t${made}` });
    await signer.authorised(batch);
    return batch;
  }

  /** What `coldseal verify` says of a batch's files, which are laid out as on a stick. */
  async function verified(
    number: number,
    ...more: readonly string[]
  ): Promise<{ out: string; status: number; folder: string }> {
    const folder = join(signer.folder, `outbox-${number}`);
    for (const [path, bytes] of await signer.files("receipt", { number })) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), bytes);
    }
    const ca = join(signer.folder, "ca.crt");
    writeFileSync(ca, pem(root.certificate));
    const trust = ["--ca", ca, "--genesis", policyDigest(signer.policy)];
    return { ...(await run("desk/main.ts", ["verify", folder, ...trust, ...more])), folder };
  }

  it("QUOTE-BIND: seals with a quote, which the command verifies and binds to the device", async () => {
    await restarted(true);
    expect(await signer.seal(await authorised())).toMatchObject({ number: 1, outcome: "sealed" });
    const { folder, out, status } = await verified(1, "--device", device);
    // No document is presented: that is 1, and nothing is found.
    expect(status, out).toBe(1);
    expect(out).toContain("PCR 0, 4, 7, 12 (sha256) held the values in the manifest when it was made");
    expect(out).toContain("SIMULATED");
    expect(out).toContain("was proven to live in the TPM of the device record (IBM, enrolled");
    expect(readFileSync(join(folder, "evidence/event-log.bin"))).toEqual(Buffer.from(bootLog));
    expect((await verified(1)).out).toContain("AK not bound: no device record presented");
    writeFileSync(join(folder, "evidence/event-log.bin"), bootLog.subarray(0, -1));
    const changed = await run("desk/main.ts", ["verify", folder, "--ca", join(signer.folder, "ca.crt")]);
    expect(changed.status).toBe(4);
    expect(changed.out).toContain("MANIFEST-BIND  evidence/event-log.bin");
  }, 60_000);

  it("TPM-GONE: a TPM that hangs blocks nothing for ever; where it is required nothing is sealed until it is back", async () => {
    await restarted(true);
    const batch = await authorised();
    tpm.pause();
    const begun = Date.now();
    const code = await codeOf(signer.seal(batch)).finally(() => tpm.resume());
    expect(code).toBe("TPM-GONE");
    expect(Date.now() - begun).toBeLessThan(30_000);
    expect(await signer.seal(batch)).toMatchObject({ number: 2, outcome: "sealed" });
    const other = await authorised();
    await tpm.kill();
    expect(await codeOf(signer.seal(other))).toBe("TPM-GONE");
    await restarted(false);
    expect(await signer.seal(other)).toMatchObject({ number: 3, outcome: "sealed" });
    const { out } = await verified(3);
    expect(out).toContain("attestation self-reported");
    expect(out).toContain("no TPM vouches for it: TPM-GONE: the TPM cannot be opened");
    await tpm.start();
  }, 120_000);

  it("CONFIG: a record that is none, or another box's, is refused when the signer starts", async () => {
    const right = readFileSync(device, "utf8");
    writeFileSync(device, right.replace(signer.policy.appliance, "box-9"));
    await expect(restarted(true)).rejects.toThrow("another appliance");
    writeFileSync(device, "{}");
    await expect(restarted(true)).rejects.toThrow("CONFIG");
    writeFileSync(device, right);
    await restarted(false);
  }, 60_000);

  it("STORE: the command never writes over a record", async () => {
    const { appliance } = signer.policy;
    const again = ["enrol-device", "--appliance", appliance, "--to", device, "--socket", tpm.socket];
    expect((await run("ceremony/main.ts", again)).out).toContain("STORE");
    const nowhere = [
      "enrol-device",
      "--appliance",
      appliance,
      "--to",
      `${device}.2`,
      "--tpm",
      join(tpm.folder, "none"),
    ];
    const { out, status } = await run("ceremony/main.ts", nowhere);
    expect(out).toContain("TPM-GONE");
    expect(status).toBe(3);
  });
});

function run(main: string, args: readonly string[]): Promise<{ out: string; status: number }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(projectRoot, main), ...args], (fault, stdout, stderr) => {
      resolve({ out: `${stdout}${stderr}`.replace(/\n +/g, " "), status: fault === null ? 0 : Number(fault.code) });
    });
  });
}
