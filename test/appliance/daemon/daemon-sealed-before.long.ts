import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { importPolicy } from "../../../appliance/signer/import-policy.ts";
import type { Policy } from "../../../manifests/records/policy.ts";
import { Refusal, type RefusalCode } from "../../../manifests/refusal.ts";
import { fingerprint } from "../../pki/authority.ts";
import { following, operators, signPolicy, submitter } from "../signer/people.ts";
import { DaemonBox } from "./daemon-box.ts";

const { op1, op2 } = operators;
let box: DaemonBox;

beforeEach(async () => {
  box = await DaemonBox.make();
  await box.signer.unlock();
});

afterEach(() => box.remove());

async function seal(folder: string): Promise<void> {
  await box.bring(folder);
  await box.until(folder, "waiting-for-approval");
  await box.approve(folder, op1, op2);
  await box.until(folder, "released");
}

/** Puts another policy in force, and waits until the daemon knows it. */
async function adopt(change: Partial<Policy>): Promise<void> {
  await importPolicy(box.signer.box, await signPolicy(following(box.signer.policy, change), ["op1", "op2"]));
  await box.eventually("the new policy", async () => {
    const { signer } = (await box.client.status()) as { signer: { policy: { number: number } } };
    return signer.policy.number === 2 || undefined;
  });
}

function files(folder: string): ReadonlyMap<string, Buffer> {
  const path = join(box.settings.media.out, "coldseal/outbox", folder);
  const names = readdirSync(path, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  return new Map(
    names.map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      return [file.slice(path.length), readFileSync(file)];
    }),
  );
}

function expire(): void {
  box.ahead = 90_000_000;
  box.signer.clocks.offset = 90_000_000;
}

/** Intake that copies batch.p7m and refuses it. */
function intakeRefuses(code: RefusalCode): void {
  box.overrideIntake = {
    async take(params) {
      const { root, folder, into } = params as { readonly [name: string]: string };
      cpSync(join(`${root}`, "coldseal/inbox", `${folder}`, "batch.p7m"), join(`${into}`, "batch.p7m"));
      throw new Refusal(code, "not under this policy");
    },
  };
}

describe("SEAL-ONCE, for ever", () => {
  it.each<[string, () => void | Promise<void>]>([
    ["BATCH-EXPIRED: it has expired", expire],
    ["PATH-REVOKED: its submitter was revoked", () => adopt({ revoked: [fingerprint(submitter.certificate)] })],
    // The policy of a test box has one mode, and its token's keys one profile.
    ["MODE: the policy allows other modes", () => intakeRefuses("MODE")],
    ["POLICY-PROFILE: the policy has another profile", () => intakeRefuses("POLICY-PROFILE")],
    [
      "MEDIA-LIMIT: the policy takes fewer documents",
      () => adopt({ limits: { ...box.signer.policy.limits, documents: 1 } }),
    ],
  ])("SEAL-ONCE: a sealed batch comes again when %s: the first receipt, byte for byte", async (_, change) => {
    await seal("contracts");
    const first = files("contracts");
    await change();
    cpSync(box.inbox("contracts"), box.inbox("again"), { recursive: true });
    const row = await box.until("again", "released");
    expect(row).toMatchObject({ number: 1, count: 3, purpose: "Q4 supplier contracts" });
    expect(files("again")).toEqual(first);
    expect(box.spooled()).toEqual([]);
    expect(readdirSync(join(box.settings.spool, "incoming"))).toEqual([]);
  });

  it("BATCH-EXPIRED: a batch that was never sealed is refused as before, and the signer keeps nothing of it", async () => {
    expire();
    await box.bring("late");
    await box.until("late", "refused");
    expect(box.refusalIn("late")).toBe("BATCH-EXPIRED");
    expect(box.signer.box.db.prepare("SELECT count(*) FROM requests").pluck().get()).toBe(0);
  });

  it("BATCH-EXPIRED: a signer that cannot be asked now keeps the batch waiting, not refused", async () => {
    await seal("contracts");
    expire();
    const asked = Promise.withResolvers<void>();
    box.override = {
      "sealed-before": async () => {
        asked.resolve();
        throw new TypeError("a fault in the signer");
      },
    };
    cpSync(box.inbox("contracts"), box.inbox("again"), { recursive: true });
    await asked.promise;
    box.override = {};
    await box.until("again", "released");
  });

  it("SEAL-ONCE: with sticks of their own for answers, a later stick gets the receipt too", async () => {
    await box.stopDaemon();
    const out = join(box.folder, "out");
    mkdirSync(out);
    Object.assign(box.settings, { media: { ...box.settings.media, out } });
    await box.startDaemon();
    await seal("contracts");
    const first = files("contracts");
    renameSync(out, join(box.folder, "taken-away"));
    mkdirSync(out);
    await box.eventually("the receipt on the later stick", async () =>
      box.outbox("contracts").includes("manifest.p7m") ? true : undefined,
    );
    await box.until("contracts", "released");
    expect(files("contracts")).toEqual(first);
  });
});
