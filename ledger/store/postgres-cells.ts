/** Cells as PostgreSQL sends them (text format), in the kinds that every engine gives: numbers, texts, plain arrays. */

/** From pg_type.dat. */
const kinds = new Map<number, (text: string) => unknown>([
  [16, (text) => (text === "t" ? 1 : 0)],
  [17, bytes],
  // int8, int2, int4, and numeric, which a sum of int8 is: below 2^53 by the tables' promise
  [20, Number],
  [21, Number],
  [23, Number],
  [1700, Number],
]);
const asItIs = (text: string): unknown => text;

/** For the driver. */
export const cellTypes = {
  // The driver's types ask for a function over any value.
  getTypeParser: ((kind: number) => kinds.get(kind) ?? asItIs) as never,
};

/** `\x` and hex digits. */
function bytes(text: string): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.from(text.slice(2), "hex");
  return new Uint8Array(buffer, byteOffset, length);
}
