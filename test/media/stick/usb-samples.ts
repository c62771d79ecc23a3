/** Descriptors as devices give them (USB 2.0, 9.6), made by hand after those of common ones. */

export interface SampleInterface {
  readonly number: number;
  readonly class: number;
  readonly subclass?: number;
  readonly protocol?: number;
  readonly alternate?: number;
  /** other descriptors that follow it */
  readonly more?: readonly number[];
}

const bulk = [7, 5, 0x81, 2, 0, 2, 0];

/** A device with these configurations, each of some interfaces. */
export function descriptorsOf(
  configurations: readonly (readonly SampleInterface[])[],
  { deviceClass = 0, vendor = 0x0951, product = 0x1666 } = {},
): Uint8Array {
  const low = (value: number) => [value & 0xff, value >> 8];
  const device = [
    18,
    1,
    0x10,
    2,
    deviceClass,
    0,
    0,
    64,
    ...low(vendor),
    ...low(product),
    0,
    1,
    1,
    2,
    3,
    configurations.length,
  ];
  const all = configurations.flatMap((interfaces, nth) => {
    const body = interfaces.flatMap((one) => [
      ...[9, 4, one.number, one.alternate ?? 0, 1, one.class, one.subclass ?? 6, one.protocol ?? 0x50, 0],
      ...(one.more ?? []),
      ...bulk,
    ]);
    const count = new Set(interfaces.map(({ number }) => number)).size;
    return [9, 2, ...low(9 + body.length), count, nth + 1, 0, 0x80, 100, ...body];
  });
  return Uint8Array.from([...device, ...all]);
}

export const memoryStick = descriptorsOf([[{ number: 0, class: 8 }]]);
/** the same stick by two protocols: bulk only, and UAS as its alternate setting */
export const uasStick = descriptorsOf([
  [
    { number: 0, class: 8 },
    { number: 0, class: 8, alternate: 1, protocol: 0x62, more: [4, 0x24, 1, 0] },
  ],
]);
export const keyboard = descriptorsOf(
  [[{ number: 0, class: 3, subclass: 1, protocol: 1, more: [9, 0x21, 0x11, 1, 0, 1, 0x22, 63, 0] }]],
  {
    vendor: 0x046d,
    product: 0xc31c,
  },
);
/** a stick that also types */
export const composite = descriptorsOf([
  [
    { number: 0, class: 8 },
    { number: 1, class: 3, subclass: 1, protocol: 1 },
  ],
]);
export const networkCard = descriptorsOf([
  [
    { number: 0, class: 2, subclass: 6, protocol: 0 },
    { number: 1, class: 10, subclass: 0, protocol: 0 },
  ],
]);
export const rndis = descriptorsOf([[{ number: 0, class: 0xe0, subclass: 1, protocol: 3 }]]);
export const hubDevice = descriptorsOf([[{ number: 0, class: 9, subclass: 0, protocol: 0 }]], { deviceClass: 9 });
