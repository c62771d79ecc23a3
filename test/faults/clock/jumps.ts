/** Jumps of the clock, and where in a batch's life they come. Pure. */

/** Processes that see the jump: all of the box, as when the machine's clock is set, or one of them alone. */
export const clockSets = ["box", "signer", "daemon"] as const;
export type ClockSet = (typeof clockSets)[number];

/** Before the batch is plugged, before anybody approves it, before it is sealed, before its answer is written to the stick. */
export const clockSteps = ["before-intake", "before-approval", "before-sealing", "before-export"] as const;
export type ClockStep = (typeof clockSteps)[number];

export const jumps = ["FORWARD-YEAR", "BACK-HOUR", "BACK-DAY"] as const;
export type Jump = (typeof jumps)[number];

/** In seconds. */
export const jumpSeconds: Readonly<Record<Jump, number>> = {
  "FORWARD-YEAR": 365 * 86_400,
  "BACK-HOUR": -3600,
  "BACK-DAY": -86_400,
};

/** Every jump at every step, seen by all and by each. */
export const clockPoints = clockSets.flatMap((part) =>
  clockSteps.flatMap((where) =>
    jumps.map((fault) => ({ kind: "clock", part, where, call: "clock", when: 1, fault }) as const),
  ),
);
