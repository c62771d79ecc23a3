import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readDaemonSettings } from "../../../appliance/daemon/settings.ts";
import { readConfig } from "../../../appliance/signer/config.ts";
import { readOperatorSettings } from "../../../ceremony/operator-settings.ts";
import { openTokenKey } from "../../../desk/token-key.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { readMountSettings } from "../../../media/mount/settings.ts";
import { root } from "../../bundle/people.ts";
import { pem } from "../../pki/authority.ts";
import { mutateJson } from "../mutate-json.ts";
import { Broken, type Target } from "../target.ts";

const folder = mkdtempSync(join(tmpdir(), "coldseal-fuzz-settings-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "ca.crt"), pem(root.certificate));
const file = join(folder, "settings.json");

const key = { uri: "pkcs11:token=box;object=k", spki: "MFkw", certificates: ["ca.crt"] };
const token = { environment: { SOFTHSM2_CONF: "/x" }, module: "/usr/lib/x.so", uri: "pkcs11:token=box;serial=1" };
const samples = {
  daemon: {
    appliance: "box-1",
    incompleteSeconds: 60,
    intakeSocket: "run/intake.sock",
    media: { audit: "a", in: "b", out: "c" },
    mountSocket: "m",
    roots: ["ca.crt"],
    scanSeconds: 1,
    settleSeconds: 2,
    signerSocket: "s",
    socket: "d",
    spool: "spool",
  },
  signer: {
    appliance: "box-1",
    arc: "1.3.6.1.4.1.32473.1",
    attestation: {
      ...{ bank: "sha256", device: "device.json", kind: "tpm", logs: { event: "log" }, pcrs: [0, 7], required: true },
      ...{ seconds: 20, tpm: { device: "/dev/tpmrm0" } },
    },
    clock: { errorSeconds: 60, lastSet: "2026-11-20T11:00:00Z", source: "test" },
    genesis: "ab".repeat(32),
    hsm: "software-token",
    isolation: "none",
    keys: { audit: key, sealing: key },
    media: "folder",
    socket: "s",
    state: "state",
    token,
    unlockSocket: "u",
  },
  operator: {
    certificate: "op1.crt",
    key: { uri: "pkcs11:object=k" },
    person: "op1",
    socket: "s",
    token: { module: token.module, uri: token.uri, serial: "1" },
    unlockSocket: "u",
  },
  mount: {
    ...{ devices: "/dev", folder: "media", own: [{ id: "046d:c31c", serial: null }], owner: { gid: 1, uid: 2 } },
    ...{ pollMilliseconds: 500, roles: { audit: ["K"], in: "any", out: ["A", "B"] }, socket: "s", switchOff: false },
    sys: "/sys",
  },
  desk: { certificate: "ca.crt", key: { uri: "pkcs11:object=k" }, module: token.module, uri: token.uri },
};
type Kind = keyof typeof samples;
const kinds = Object.keys(samples) as Kind[];

/** The JSON files that the box's programs, the operators and the desk are started with; the first byte says which. */
export const settingsTarget: Target = {
  name: "settings",
  seeds: async () => kinds.map((kind, at) => new Uint8Array([at, ...Buffer.from(JSON.stringify(samples[kind]))])),
  mutate: (random, input, other) =>
    new Uint8Array([input[0] ?? 0, ...mutateJson(random, input.subarray(1), other.subarray(1))]),
  run: async (input) => {
    writeFileSync(file, input.subarray(1));
    switch (kinds[(input[0] ?? 0) % kinds.length]) {
      case "mount":
        return readMountSettings(file).socket.length;
      case "daemon":
        return readDaemonSettings(file).appliance.length;
      case "signer":
        return readConfig(file).appliance.length;
      case "operator":
        return readOperatorSettings(file).person.length;
      default:
        return openDesk();
    }
  },
};

/** As far as the token, which is not there. */
async function openDesk(): Promise<string> {
  const reached = new Refusal("HSM-GONE", "no token here");
  const open = openTokenKey(file, "sha256", async () => new Uint8Array(0), {
    openToken: async () => {
      throw reached;
    },
    tokenSigner: () => {
      throw new Broken("a signer without a token");
    },
  });
  return open.then(
    () => "opened",
    (thrown: unknown) => {
      if (thrown === reached) return "as far as the token";
      throw thrown;
    },
  );
}
