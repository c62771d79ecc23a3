/** The mount helper's socket, as the daemon uses it: one connection a call. All refuse with UNREACHABLE, FRAME, and what the helper refuses. */

import { callOnce } from "../../host/wire.ts";
import { flag, integer, list, nullable, oneOf, type Read, text } from "../../manifests/encoding/shape.ts";
import { anyText, having, readAnswer } from "./answers.ts";

const stickRoles = ["audit", "in", "out"] as const;
export type StickRole = (typeof stickRoles)[number];

const readRefusal = having({ code: text(32), message: anyText, got: anyText });
const plugged = { id: text(16), key: text(64), serial: nullable(text(126)) };
const readEvent = having({
  ...plugged,
  classes: list(text(2), 0, 256),
  kind: oneOf(["alarm", "refused", "plugged", "pulled", "torn"]),
  off: nullable(flag),
  refusal: nullable(readRefusal),
  sequence: integer(1),
});
const readState = having({
  bus: flag,
  events: list(readEvent, 0, 1000),
  refused: list(having({ ...plugged, refusal: readRefusal }), 0, 1000),
  session: text(64),
  sticks: list(
    having({
      ...plugged,
      mayBePulled: flag,
      mounted: list(having({ role: oneOf(stickRoles) }), 0, 3),
      roles: list(oneOf(stickRoles), 1, 3),
    }),
    0,
    100,
  ),
});

export type StickEvent = Read<typeof readEvent>;
export type StickView = Read<typeof readState>;

export type MountClient = ReturnType<typeof mountClient>;

export function mountClient(path: string, signal?: AbortSignal) {
  const stopped = signal ? { signal } : {};
  return {
    /** What is plugged in, and the events after that number. */
    async state(after: number): Promise<StickView> {
      return readAnswer(readState, (await callOnce(path, "state", { after }, stopped)).result, "state");
    },

    /** `same`: the identity that the stick must have. */
    async mount(role: StickRole, write: boolean, same: string | null) {
      const { result } = await callOnce(path, "mount", { role, same, write }, stopped);
      return readAnswer(having({ identity: text(400), path: text(4096) }), result, "mount");
    },

    /** On return the stick may be pulled out. */
    async unmount(role: StickRole): Promise<void> {
      const { result } = await callOnce(path, "unmount", { role }, stopped);
      readAnswer(having({ mayBePulled: flag }), result, "unmount");
    },
  };
}
