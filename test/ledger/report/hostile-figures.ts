/** Figures of a busy ledger, where every name that a record brings tries to run, to break out, or to load something. */

import type { BoxAnswer } from "../../../ledger/answers/boxes.ts";
import type { EmergencyAnswer } from "../../../ledger/answers/emergencies.ts";
import { bucketsOf } from "../../../ledger/report/buckets.ts";
import type { Figures } from "../../../ledger/report/figures.ts";

export const hostileNames = [
  `<script>document.title = "ran"</script>`,
  `"><img src=x onerror="document.title='ran'">`,
  `</title></style></svg><iframe src="http://127.0.0.1:9/x">`,
  `'><style>@import "http://127.0.0.1:9/y"; body { display: none }</style>`,
  `\u202Egpj.exe\u0007&lt;b&gt;`,
  `]]><svg onload="document.title='ran'">`,
] as const;

const now = "2026-11-29T12:00:00Z";
const genesis = "ab".repeat(32);

export function hostileFigures(): Figures {
  const buckets = bucketsOf("2026-10-20T00:00:00Z", now);
  const wave = (size: number, phase: number) =>
    buckets.all.map((_, at) => (at % 7 > 4 ? 0 : Math.round(size * (1 + Math.sin(at / 4 + phase)))));
  const names = [...hostileNames, "box-7"].slice(0, 6);
  const emergency: EmergencyAnswer = {
    appliance: hostileNames[0],
    genesis,
    order: "cd".repeat(32),
    cause: "provider",
    since: "2026-11-10T08:00:00Z",
    declared: { by: ["op1", "op2"], reason: hostileNames[1], created: "2026-11-10T07:58:00Z" },
    declaredWhy: null,
    limits: null,
    manifests: [],
    seals: 37,
    closing: null,
    ceremonies: [],
    state: "overdue",
  };
  const conflict = {
    appliance: hostileNames[2],
    genesis,
    number: 4,
    claimed: now,
    errorSeconds: 20,
    latest: now,
    seen: null,
  };
  return {
    now,
    period: { from: "2026-10-20T00:00:00Z", to: now },
    buckets,
    boxes: names.map((appliance) => ({ appliance, genesis }) as BoxAnswer),
    manifests: 412,
    seals: 48_211,
    entries: 1_048_577,
    volume: names.map((name, at) => ({ name, values: wave(300 - 40 * at, at) })),
    modes: [
      { name: "offline", values: wave(900, 0) },
      { name: hostileNames[3], values: wave(120, 2) },
      { name: "emergency", values: buckets.all.map((_, at) => (at === 21 || at === 22 ? 180 : 0)) },
    ],
    queue: buckets.all.map((_, at) => (at < 12 ? 3 : at < 20 ? 4 * (at - 11) : 2)),
    queueNow: {
      waiting: {
        manifests: 3,
        since: "2026-11-28T01:00:00Z",
        ageSeconds: 126_000,
        alarmHours: 24,
        alarm: true,
        first: [],
      },
      authorities: [],
      lastToken: null,
      rounds: 9,
      renewals: { due: [], next: null, lapsed: [] },
      conflicts: [conflict],
      alarm: true,
    },
    acknowledged: {
      median: buckets.all.map((_, at) => (at % 7 > 4 ? null : 18 + 10 * Math.sin(at))),
      longest: buckets.all.map((_, at) => (at % 7 > 4 ? null : 40 + 25 * Math.sin(at / 3))),
    },
    unacknowledged: 12,
    gaps: [
      {
        appliance: hostileNames[4],
        genesis,
        hours: 72,
        missing: [{ from: 7, to: 9, known: "waits", since: "2026-11-20T00:00:00Z", alarm: true }],
        disputes: [{ number: 12, cause: "fork", finding: hostileNames[5], raised: "2026-11-21T00:00:00Z" }],
      },
    ],
    emergencies: [
      emergency,
      {
        ...emergency,
        state: "closed",
        closing: { entry: 9, ended: now, seals: 3, manifests: 1, notHere: [], notListed: [], missing: [] },
      },
    ],
  };
}
