/** What the kernel says of a process's rights: `/proc/PID/status` (proc_pid_status(5)). Pure. */

export interface ProcessRights {
  /** the real user's number; undefined where the text does not say */
  readonly uid: string | undefined;
  readonly withoutCapabilities: boolean;
  /** it can gain no right any more */
  readonly noNewPrivs: boolean;
  /** its system calls are filtered (seccomp's mode 2) */
  readonly filtered: boolean;
}

/** A text that does not say something counts as not having it. */
export function rightsOf(status: string): ProcessRights {
  const value = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(status)?.[1];
  return {
    uid: value("Uid"),
    withoutCapabilities: /^0+$/.test(value("CapEff") ?? ""),
    noNewPrivs: value("NoNewPrivs") === "1",
    filtered: value("Seccomp") === "2",
  };
}
