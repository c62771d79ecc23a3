/** Until somebody tells this process to stop. */

/** Resolves at SIGTERM or SIGINT (Ctrl-C), which then do not end the process by themselves. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
}
