/**
 * The failure table's counter: every effect that outlives a process passes here, is counted, and one of them fails. What is
 * counted says nothing of the order in which the product works: a run is repeated with the next number until none is hit.
 */

/** How one effect fails: not done or done, and the process dies there or is told of a fault and lives on. */
export type How =
  | "killed before"
  | "killed after"
  | "fails before"
  | "fails after"
  /** it, and whatever follows it */
  | "all fail"
  /** it does not fail, but something else happens just before it */
  | "meanwhile";

export const killed: readonly How[] = ["killed before", "killed after"];
export const everyHow: readonly How[] = ["killed before", "killed after", "fails before", "fails after"];

/** What a dead process gets from whatever it still tries: nothing that it does any more is done. */
export class Killed extends Error {}

export interface Plan {
  /** counts from 1 */
  readonly at: number;
  readonly how: How;
  /** called at the moment of the death, or of what happens meanwhile, before anything else can go on */
  readonly onHit?: () => void;
}

export class Effects {
  /** the effects since `arm`, by name */
  names: string[] = [];
  /** the name of the effect that failed */
  hit: string | undefined;
  dead = false;
  #plan: Plan | undefined;
  #armed = false;

  /** Counts from here on, and lets one fail if so planned. */
  arm(plan?: Plan): void {
    this.names = [];
    this.hit = undefined;
    this.dead = false;
    this.#plan = plan;
    this.#armed = true;
  }

  /** Another process starts: what it does is done; it is counted no more. */
  revive(): void {
    this.#armed = false;
    this.dead = false;
  }

  /** To be called before an effect; gives what `after` wants. Throws where it is not to be done, `fault` where the process lives on. */
  before(name: string, fault: () => unknown): boolean {
    if (this.dead) throw new Killed(name);
    if (!this.#armed) return false;
    this.names.push(name);
    if (this.#plan?.how === "all fail" && this.names.length > this.#plan.at) throw fault();
    if (this.names.length !== this.#plan?.at) return false;
    this.hit = name;
    if (this.#plan.how === "meanwhile") {
      this.#plan.onHit?.();
      return false;
    }
    if (this.#plan.how === "all fail") throw fault();
    if (this.#plan.how === "killed before") throw this.#die(name);
    if (this.#plan.how === "fails before") throw fault();
    return true;
  }

  /** To be called when it is done. */
  after(planned: boolean, fault: () => unknown): void {
    if (planned && this.#plan?.how === "killed after") throw this.#die(this.hit ?? "");
    if (this.dead) throw new Killed("another effect ended the process meanwhile");
    if (planned) throw fault();
  }

  /** `lost` gets a result that nobody will get. */
  async around<T>(
    name: string,
    act: () => T | Promise<T>,
    fault: () => unknown,
    lost: (result: T) => unknown = () => undefined,
  ): Promise<T> {
    const planned = this.before(name, fault);
    const result = await act();
    try {
      this.after(planned, fault);
    } catch (thrown) {
      await lost(result);
      throw thrown;
    }
    return result;
  }

  aroundSync<T>(name: string, act: () => T, fault: () => unknown, lost: (result: T) => unknown = () => undefined): T {
    const planned = this.before(name, fault);
    const result = act();
    try {
      this.after(planned, fault);
    } catch (thrown) {
      lost(result);
      throw thrown;
    }
    return result;
  }

  #die(name: string): Killed {
    this.dead = true;
    this.#plan?.onHit?.();
    return new Killed(name);
  }
}
