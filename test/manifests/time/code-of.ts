import { Refusal } from "../../../manifests/refusal.ts";

/** The code of the refusal that ends it, "none", or what else was thrown (which no test may accept). */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (fault) {
    return fault instanceof Refusal ? fault.code : `untyped: ${fault}`;
  }
}
