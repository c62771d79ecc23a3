/** Something changed: those who wait look again. */
export class Pulse {
  #waiting = new Set<() => void>();

  beat(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** Resolves at the next beat, after `milliseconds` at the latest, and at once when `signal` aborts. */
  wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", wake);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.max(0, milliseconds));
      signal?.addEventListener("abort", wake);
      this.#waiting.add(wake);
    });
  }
}
