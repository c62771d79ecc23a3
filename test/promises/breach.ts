/** A promise that a box does not keep: the promise's id, and how it is broken. */
export type Breach = readonly [promise: string, how: string];
