import { describe, expect, it } from "vitest";
import { judgeUsb } from "../../../media/stick/judge-usb.ts";
import { readUsbDescriptors } from "../../../media/stick/usb-descriptors.ts";
import { refusalOf } from "./refusal-of.ts";
import {
  composite,
  descriptorsOf,
  hubDevice,
  keyboard,
  memoryStick,
  networkCard,
  rndis,
  uasStick,
} from "./usb-samples.ts";

const judge = (bytes: Uint8Array, serial: string | null = null, own: Parameters<typeof judgeUsb>[2] = []) =>
  judgeUsb(readUsbDescriptors(bytes), serial, own);

describe("judgeUsb", () => {
  it.each([
    ["a memory stick", memoryStick, "stick"],
    ["one that speaks UAS too", uasStick, "stick"],
    ["one whose device class is mass storage", descriptorsOf([[{ number: 0, class: 8 }]], { deviceClass: 8 }), "stick"],
    ["a hub", hubDevice, "hub"],
  ])("T27: knows %s", (_, bytes, kind) => {
    expect(judge(bytes)).toBe(kind);
  });

  it.each([
    ["a keyboard", keyboard, "keyboard, mouse or other input (03)"],
    [
      "a stick that also types",
      composite,
      "a composite device of 2 interfaces: mass storage (08), keyboard, mouse or other input (03)",
    ],
    ["a network card", networkCard, "a composite device of 2 interfaces: network or modem (02), network data (0a)"],
    ["a network card of Microsoft's kind", rndis, "wireless or network (e0)"],
    [
      "a stick with a second reader",
      descriptorsOf([
        [
          { number: 0, class: 8 },
          { number: 1, class: 8 },
        ],
      ]),
      "a composite device of 2 interfaces: mass storage (08)",
    ],
    [
      "a stick that types in another configuration",
      descriptorsOf([[{ number: 0, class: 8 }], [{ number: 0, class: 3 }]]),
      "mass storage (08), keyboard, mouse or other input (03)",
    ],
    [
      "a stick that types in an alternate setting",
      descriptorsOf([
        [
          { number: 0, class: 8 },
          { number: 0, class: 3, alternate: 1 },
        ],
      ]),
      "mass storage (08), keyboard, mouse or other input (03)",
    ],
    [
      "a device of one class with interfaces of another",
      descriptorsOf([[{ number: 0, class: 8 }]], { deviceClass: 2 }),
      "network or modem (02), mass storage (08)",
    ],
    [
      "a hub that types",
      descriptorsOf([[{ number: 0, class: 3 }]], { deviceClass: 9 }),
      "hub (09), keyboard, mouse or other input (03)",
    ],
    ["a device without an interface", descriptorsOf([[]]), "no interface"],
    ["a device without a configuration", descriptorsOf([]), "no interface"],
    ["a class that nobody knows", descriptorsOf([[{ number: 0, class: 0x77 }]]), "77"],
  ])("T27: refuses %s", (_, bytes, got) => {
    expect(refusalOf(() => judge(bytes))).toMatchObject({ code: "STICK-DEVICE", got });
  });

  it("T27: lets the box's own devices be, by their id and serial number alone", () => {
    const own = [{ id: "046d:c31c", serial: "77" }];
    expect(judge(keyboard, "77", own)).toBe("own");
    expect(refusalOf(() => judge(keyboard, "78", own)).code).toBe("STICK-DEVICE");
    expect(refusalOf(() => judge(keyboard, null, own)).code).toBe("STICK-DEVICE");
    expect(judge(keyboard, null, [{ id: "046d:c31c", serial: null }])).toBe("own");
  });
});

describe("readUsbDescriptors", () => {
  const changed = (at: number, value: number, from = memoryStick) => {
    const copy = from.slice();
    copy[at] = value;
    return copy;
  };

  it("T27: reads ids and every interface", () => {
    expect(readUsbDescriptors(composite)).toEqual({
      vendor: 0x0951,
      product: 0x1666,
      deviceClass: 0,
      interfaces: [
        { number: 0, class: 8 },
        { number: 1, class: 3 },
      ],
    });
  });

  it.each([
    ["nothing", new Uint8Array(0)],
    ["half a device descriptor", memoryStick.subarray(0, 10)],
    ["a device descriptor of another length", changed(0, 17)],
    ["more configurations than there are", changed(17, 2)],
    ["fewer configurations than there are", changed(17, 0)],
    ["more interfaces than there are", changed(22, 2)],
    ["fewer interfaces than there are", changed(22, 1, composite)],
    ["a configuration that is cut off", memoryStick.subarray(0, memoryStick.length - 1)],
    ["a configuration that ends in an interface", changed(20, 13)],
    ["a configuration that holds what follows it", changed(20, 200)],
    ["a descriptor of no length", changed(27, 0)],
    ["an interface of two bytes", changed(27, 2)],
    ["a configuration in a configuration", changed(28, 2)],
    ["too many bytes", new Uint8Array(70_000).map((_, at) => memoryStick[at] ?? 0)],
  ])("T27: refuses %s", (_, bytes) => {
    expect(refusalOf(() => readUsbDescriptors(bytes)).code).toBe("STICK-DEVICE");
  });
});
