import { nodeHost } from "../../../host/crypto-host.ts";
import { concat } from "../../../manifests/encoding/bytes.ts";
import { emptyLog, readCustodyLog, withEvent } from "../../../manifests/records/custody.ts";
import { bytesOf, event, logOf, outside, person, usualEvents } from "../../manifests/records/custody-lines.ts";
import { mutateBytes } from "../mutate-bytes.ts";
import { mutateJson } from "../mutate-json.ts";
import { Broken, type Target } from "../target.ts";

const lineFeed = 0x0a;

/** A log that is read is written again to the same bytes, event by event; so nothing in it is unchained. */
export const custodyTarget: Target = {
  name: "custody",
  seeds: async () => [
    (await logOf(usualEvents)).bytes,
    (await logOf([event("a", outside("b"), person("c"))])).bytes,
    new Uint8Array(0),
  ],
  mutate: (random, input, other) => {
    const end = input.indexOf(lineFeed);
    // One line keeps its form; several are cut, swapped and joined as bytes.
    if (end < 0 || random.chance(0.4)) return mutateBytes(random, input, other);
    const line = mutateJson(random, input.subarray(0, end), other.subarray(0, Math.max(0, other.indexOf(lineFeed))));
    return concat([line, input.subarray(end)]);
  },
  run: (input) => readCustodyLog(nodeHost, input),
  after: async (input, result) => {
    const { events } = result as Awaited<ReturnType<typeof readCustodyLog>>;
    let log = emptyLog;
    const lines: Uint8Array[] = [];
    for (const { number: _n, previous: _p, type: _t, version: _v, ...made } of events) {
      const next = await withEvent(nodeHost, log, made);
      lines.push(next.line);
      log = next.log;
    }
    if (Buffer.compare(bytesOf(lines), input) !== 0) throw new Broken("a log that was read is written otherwise");
  },
};
