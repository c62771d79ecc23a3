/**
 * A disk that lost its cache when the power went: writes of a log (QEMU's blklogwrites, in the form of Linux's dm-log-writes, version 1) are done again up to a moment, and of those
 * after the last flush some or all never reached the disk.
 */

import { closeSync, copyFileSync, openSync, readSync, statSync, writeSync } from "node:fs";

const sector = 512;
const flush = 1;
const fua = 2;
const discard = 4;

interface Entry {
  readonly sector: number;
  readonly sectors: number;
  readonly flags: number;
  /** of the data, in the log */
  readonly at: number;
}

/** How large the log is now: a moment of it. */
export function moment(log: string): number {
  return statSync(log).size;
}

/** Makes `disk` of `base` and the log's first part; `lose` says of each write that was not flushed whether it is lost. Gives how many were. */
export function replay(base: string, log: string, until: number, disk: string, lose: () => boolean): number {
  copyFileSync(base, disk);
  const from = openSync(log, "r");
  const to = openSync(disk, "r+");
  try {
    const entries = [...entriesOf(from, until)];
    const flushed = entries.findLastIndex(({ flags }) => (flags & flush) !== 0);
    let lost = 0;
    for (const [at, entry] of entries.entries()) {
      if (entry.sectors === 0 || (entry.flags & discard) !== 0) continue;
      if (at > flushed && (entry.flags & fua) === 0 && lose()) {
        lost++;
        continue;
      }
      const bytes = Buffer.alloc(entry.sectors * sector);
      readSync(from, bytes, 0, bytes.length, entry.at);
      writeSync(to, bytes, 0, bytes.length, entry.sector * sector);
    }
    return lost;
  } finally {
    closeSync(from);
    closeSync(to);
  }
}

function* entriesOf(log: number, until: number): Generator<Entry> {
  const head = Buffer.alloc(32);
  for (let at = sector; at + sector <= until; ) {
    readSync(log, head, 0, 32, at);
    const [where, sectors, flags] = [0, 8, 16].map((from) => Number(head.readBigUInt64LE(from))) as [
      number,
      number,
      number,
    ];
    if (where === 0 && sectors === 0 && flags === 0) return;
    at += sector;
    const data = (flags & discard) === 0 ? sectors * sector : 0;
    if (at + data > until) return;
    yield { sector: where, sectors, flags, at };
    at += data;
  }
}
