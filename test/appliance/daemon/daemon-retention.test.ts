import { renameSync } from "node:fs";
import { afterEach, expect, it } from "vitest";
import { readSignedData } from "../../../manifests/cms/read.ts";
import { readRefusalFile } from "../../../manifests/records/refusal-record.ts";
import { operators } from "../signer/people.ts";
import { DaemonBox } from "./daemon-box.ts";

const hour = 3_600_000;
let box: DaemonBox;

afterEach(() => box.remove());

async function makeBox(undecidedHours: number): Promise<void> {
  box = await DaemonBox.make({ policy: { retention: { recordYears: 10, undecidedHours } } });
  await box.signer.unlock();
}

it("RETENTION: what nobody decided on is refused in its time, its documents go, and the refusal is on the stick and in the journal", async () => {
  await makeBox(2);
  await box.bring("undecided");
  await box.bring("one-approval");
  await box.until("undecided", "waiting-for-approval", "refused if nobody decides by ");
  await box.until("one-approval", "waiting-for-approval");
  await box.approve("one-approval", operators.op1);
  expect(box.spooled()).toHaveLength(2);

  box.ahead = 2 * hour + 60_000;
  for (const folder of ["undecided", "one-approval"]) {
    const { refusal } = await box.until(folder, "refused");
    expect(refusal?.code).toBe("BATCH-UNDECIDED");
    expect(box.refusalIn(folder)).toBe("BATCH-UNDECIDED");
    const { reported, journal } = readRefusalFile(
      readSignedData(box.readOutbox(folder, "refusal.p7m")).content as Uint8Array,
    );
    const kind = box.signer.box.db.prepare("SELECT kind FROM journal WHERE sequence = ?").pluck().get(journal.sequence);
    expect({ folder: reported.folder, kind }).toEqual({ folder, kind: "refused" });
  }
  expect(box.spooled()).toEqual([]);
});

it("RETENTION: a refused batch does not come back by itself after a restart, and is taken anew when it is brought under another name", async () => {
  await makeBox(2);
  await box.bring("contracts");
  await box.until("contracts", "waiting-for-approval");
  box.ahead = 2 * hour + 60_000;
  await box.until("contracts", "refused");
  await box.stopDaemon();
  await box.killSigner();
  await box.startSigner();
  await box.startDaemon();
  await box.until("contracts", "refused");
  expect((await box.client.list(false)).map(({ folder }) => folder)).toEqual([]);

  box.ahead = 0;
  renameSync(box.inbox("contracts"), box.inbox("contracts-again"));
  await box.until("contracts-again", "waiting-for-approval", "waiting for 2 of 2 approvals");
  expect(box.spooled()).toHaveLength(1);
});

it("RETENTION: an approved batch is never given up, however long the box stays locked", async () => {
  await makeBox(2);
  await box.bring("approved");
  await box.until("approved", "waiting-for-approval");
  await box.killSigner();
  await box.startSigner();
  await box.eventually("the signer is back", async () => ((await box.client.open("approved")) ? true : undefined));
  await box.approve("approved", operators.op1, operators.op2);
  await box.until("approved", "waiting-for-unlock");
  box.ahead = 5 * hour;
  await new Promise((done) => setTimeout(done, 1200));
  await box.until("approved", "waiting-for-unlock");
  expect(box.spooled()).toHaveLength(1);
  box.ahead = 0;
  await box.signer.unlock();
  await box.until("approved", "released");
  const verdict = await box.verified("approved");
  const year = Number(verdict.claimedTime?.slice(0, 4));
  expect(verdict.keepUntil?.slice(0, 4)).toBe(`${year + 10}`);
});
