/** The mount helper's calls, for the daemon: parameters are read here, and nothing else is decided here. */

import type { Handlers } from "../../host/wire.ts";
import type { Json } from "../../manifests/encoding/canonical-json.ts";
import { flag, integer, nullable, object, oneOf, text } from "../../manifests/encoding/shape.ts";
import { type Plugged, roles } from "../stick/plugged.ts";
import type { MountedStick, Sticks, SticksState } from "./sticks.ts";

const readState = object({ after: integer(0) });
const readMount = object({ role: oneOf(roles), same: nullable(text(400)), write: flag });
const readUnmount = object({ role: oneOf(roles) });

/** `state {after}`, `mount {role, same, write}`, `unmount {role}`. */
export function mountMethods(sticks: Sticks): Handlers {
  return {
    async state(params) {
      const { after } = readState(params, "params");
      return { result: stateJson(await sticks.state(after)) };
    },
    async mount(params) {
      const { role, same, write } = readMount(params, "params");
      const { identity, path, type } = await sticks.mount(role, write, same);
      return { result: { identity, path, type } };
    },
    async unmount(params) {
      const { role } = readUnmount(params, "params");
      return { result: { identity: (await sticks.unmount(role)) ?? null, mayBePulled: true } };
    },
  };
}

function stateJson({ bus, session, sticks, refused, mounted, events }: SticksState): Json {
  return {
    bus,
    events: events.map((event) => ({ ...event, refusal: event.refusal && { ...event.refusal } })),
    refused: refused.map(({ classes, refusal, ...one }) => ({
      ...plugged(one),
      classes,
      refusal: { ...refusal.toRecord() },
    })),
    session,
    sticks: sticks.map((one) => {
      const uses = mounted.filter(({ stick }) => stick.key === one.key);
      return {
        ...plugged(one),
        bytes: one.disk.bytes,
        disk: one.disk.name,
        mayBePulled: uses.length === 0,
        mounted: uses.map(mountedJson),
        readOnly: one.disk.readOnly,
        roles: one.roles,
      };
    }),
  };
}

function mountedJson({ identity, path, role, type, write }: MountedStick): Json {
  return { identity, path, role, type, write };
}

function plugged({ id, key, port, serial }: Plugged): { readonly [name: string]: Json } {
  return { id, key, port, serial };
}
