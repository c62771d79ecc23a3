/** A point, or a chain of starts: a batch is plugged, the fault comes at its call, what died is started again, and the box is asked for every promise. */

import { join } from "node:path";
import type { Breach } from "../promises/breach.ts";
import { Batches } from "./batches.ts";
import { isStart } from "./chain.ts";
import { type Between, FaultBox } from "./fault-box.ts";
import type { Life } from "./life.ts";
import type { CallPoint, Point, TokenPoint } from "./point.ts";
import { type StruckStarts, strikeStarts } from "./start/strike-starts.ts";
import { threadsOf } from "./threads.ts";
import { fateOf } from "./token/token-faults.ts";
import { Tracer } from "./tracer.ts";

/** More than one thread signs them, where the machine has more than one core. */
export const documentsForToken = 16;

export interface Outcome {
  /** the fault came about; else the process made fewer such calls, or had no such thread */
  readonly struck: boolean;
  readonly broken: readonly Breach[];
  /** how it went on: what units started, people exported again or put back, whether people had to end the part and it had told them to, and the refusal if it was one */
  readonly restarted: readonly string[];
  readonly byHand: boolean;
  readonly told: boolean;
  readonly refused: string | undefined;
}

export class StruckBox {
  readonly box: FaultBox;
  readonly #batches: Batches;

  private constructor(box: FaultBox) {
    this.box = box;
    this.#batches = new Batches(box);
  }

  /** `between`: what stands between processes and what they reach. */
  static async make(between: Between): Promise<StruckBox> {
    return new StruckBox(await FaultBox.make(between));
  }

  /** How many batches this box has lived through. */
  get batches(): number {
    return this.#batches.count;
  }

  /**
   * Strikes a point, or starts of one part one after another in one batch, and asks for every promise at the end. Gives what came of the first points, one at least: the
   * start before the next one went on, so that this is to be struck in another batch. What is broken is told at each.
   */
  async strike(points: readonly (CallPoint | TokenPoint)[]): Promise<readonly Outcome[]> {
    const [first] = points as readonly [CallPoint | TokenPoint];
    await this.box.keep();
    await this.box.looking();
    const { struck, lived } = await this.#live(first, points);
    const broken = [...lived.broken];
    if (broken.length === 0) broken.push(...(await this.#batches.judge([lived])));
    await this.#rest(first, lived);
    const { restarted, byHand, told, end } = lived;
    const refused = end && "refused" in end ? end.refused : undefined;
    return struck.map((one) => ({ struck: one, broken, restarted, byHand, told, refused }));
  }

  plug(documents = 2): Promise<Life> {
    return this.#batches.plug(`sweep-${this.#batches.count + 1}`, documents);
  }

  takeAway(life: Life): void {
    this.box.daemon.takeAway(life.folder);
  }

  async #live(first: CallPoint | TokenPoint, points: readonly Point[]): Promise<StruckStarts> {
    if (isStart(first)) return strikeStarts(this.box, () => this.plug(), points.filter(isStart));
    const { struck, lived } = await (first.kind === "token" ? this.#atToken(first) : this.#atThread(first));
    return { struck: [struck], lived };
  }

  /** The token's call is counted from when the batch is plugged, or by a signer that is started in the middle of it. */
  async #atToken(point: TokenPoint): Promise<{ readonly struck: boolean; readonly lived: Life }> {
    const { box } = this;
    const { where, call, when, fault } = point;
    const { token } = box;
    if (!token) throw new Error("nothing stands between signer and token");
    const fate = { who: where === "token-probe" ? "probe" : "main", call, when, ...fateOf(fault) } as const;
    let life: Life;
    if (where === "token") {
      token.set(fate);
      life = await this.plug(documentsForToken);
    } else {
      life = await this.plug(documentsForToken);
      await life.untilApprovedOnce();
      token.set(fate);
      await box.end("signer");
      await box.keep();
    }
    if (fault === "HANG") life.mayHang();
    await life.untilAnswered("signer");
    const { struck } = token;
    token.clear();
    if (fault === "HANG" && life.byHand && !life.told)
      life.broken.push(["UX5", "nobody was told that the token does not answer"]);
    return { struck, lived: life };
  }

  /** The thread is watched before the batch is plugged, in a copying intake before it begins. */
  async #atThread(point: CallPoint): Promise<{ readonly struck: boolean; readonly lived: Life }> {
    const { box } = this;
    if (point.part === "take") box.gate.close();
    let life = point.part === "take" ? await this.plug() : undefined;
    const pid = point.part === "take" ? await box.stoppedAtGate() : box.pid(point.part);
    const thread = pid === undefined ? undefined : threadsOf(pid).get(point.where);
    const log = join(box.signer.folder, "strike.log");
    const tracer = thread === undefined ? undefined : await Tracer.inject(thread, point, log);
    life ??= await this.plug();
    box.gate.open();
    if (point.part === "take" && pid !== undefined) await box.letGo(pid);
    await life.untilAnswered(point.part);
    const struck = tracer?.struck ?? false;
    await tracer?.detach();
    return { struck, lived: life };
  }

  /** A signer whose disk failed signs nothing more until it is started anew: people do that, so that the next point has a sound one. */
  async #rest({ kind, part, fault }: CallPoint | TokenPoint, life: Life): Promise<void> {
    const { box } = this;
    if (kind === "call" && part === "signer" && fault !== "SIGKILL" && (await box.stopped())) await box.end("signer");
    await box.keep();
    this.takeAway(life);
  }
}
