import { checkDer } from "../../../manifests/encoding/der-check.ts";
import { DerReader, readHeader, readTime, tag } from "../../../manifests/encoding/der-read.ts";
import { Refusal } from "../../../manifests/refusal.ts";
import { issuer, root } from "../../bundle/people.ts";
import { makeSeal, sealFacts } from "../../bundle/signed.ts";
import { headersAreMinimal } from "../der-tree.ts";
import { mutateDer } from "../mutate-der.ts";
import { Broken, type Target } from "../target.ts";

export const derTarget: Target = {
  name: "der",
  seeds: async () => [
    root.certificate,
    issuer.certificate,
    (await makeSeal(sealFacts({ documentDigest: new Uint8Array(32) }))).file,
  ],
  mutate: mutateDer,
  run: (input) => {
    walkLoosely(input);
    checkDer(input);
  },
  after: (input) => {
    if (!headersAreMinimal(input)) throw new Broken("an accepted element has a length that is not minimal");
  },
};

/** Gives every element to each of the small readers; their refusals are no reason to stop. */
function walkLoosely(input: Uint8Array): void {
  let budget = 300;
  const visit = (start: number, end: number, depth: number) => {
    const reader = new DerReader(input, { start, end }, "CMS-FORM");
    while (!reader.done && budget-- > 0) {
      attempt(() => readHeader(input, reader.at));
      const probe = new DerReader(input, { start: reader.at, end }, "CMS-FORM");
      if (probe.next(tag.oid)) attempt(() => probe.oid());
      else if (probe.next(tag.boolean)) attempt(() => probe.boolean());
      else if (probe.next(tag.integer)) attempt(() => probe.smallInteger());
      const element = attempt(() => reader.any());
      if (!element) return;
      if (element.tag === tag.utcTime || element.tag === tag.generalizedTime) attempt(() => readTime(input, element));
      if (depth < 40 && (element.tag & 0x20) !== 0) visit(element.start, element.end, depth + 1);
    }
  };
  visit(0, input.length, 0);
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof Refusal) return undefined;
    throw thrown;
  }
}
