import { describe, expect, it } from "vitest";
import { canonicalBytes, type Json } from "../../manifests/encoding/canonical-json.ts";
import { Refusal, type RefusalCode } from "../../manifests/refusal.ts";
import { Campaign } from "./campaign.ts";
import { minimise } from "./minimise.ts";
import { mutateBytes } from "./mutate-bytes.ts";
import { mutateJson } from "./mutate-json.ts";
import { judge } from "./oracle.ts";
import { Broken, type Target } from "./target.ts";
import { targetsNamed } from "./targets.ts";

const seed = new Uint8Array(Buffer.from('{"a":[1,2,3],"b":"text"}'));

function target(run: Target["run"], more: Partial<Target> = {}): Target {
  return { name: "broken", seeds: async () => [seed], mutate: mutateJson, run, ...more };
}

/** Whether a campaign of some hundred runs finds what is wrong, and as what. */
async function found(broken: Target, runs = 500): Promise<string | undefined> {
  const campaign = new Campaign(broken, 1);
  await campaign.prepare();
  for (let run = 0; run < runs && campaign.findings.length === 0; run++) await campaign.step();
  return campaign.findings[0]?.failure;
}

const refuse = (): never => {
  throw new Refusal("SHAPE", "not this");
};
const parsed = (input: Uint8Array): { a?: number[]; b?: string } => {
  try {
    return JSON.parse(Buffer.from(input).toString()) as { a?: number[]; b?: string };
  } catch {
    return refuse();
  }
};

describe("the oracle", () => {
  it("finds an exception that is no refusal", async () => {
    expect(await found(target((input) => parsed(input).b?.toUpperCase()))).toBe("exception");
  });

  it("finds a refusal that only wraps a fault, one that says INTERNAL, and one of no known code", async () => {
    const wrap = (input: Uint8Array) => {
      try {
        return parsed(input).a?.map((one) => one.toFixed(0));
      } catch (cause) {
        throw cause instanceof Refusal ? cause : new Refusal("DER", "not read", { cause });
      }
    };
    expect(await found(target(wrap))).toBe("exception");
    for (const code of ["INTERNAL", "NO-SUCH-CODE"]) {
      const judged = await judge(
        target(() => {
          throw new Refusal(code as RefusalCode, "no");
        }),
        seed,
      );
      expect(judged.failure).toBe("exception");
    }
  });

  it("finds a reader whose time grows with the square of the input", async () => {
    const quadratic = (input: Uint8Array) => {
      let sum = 0;
      for (let one = 0; one < input.length; one++)
        for (let other = 0; other < input.length; other++) sum += one ^ other;
      return sum;
    };
    expect(await found(target(quadratic), 2000)).toBe("time");
  });

  it("lets a run pass that is slow once, and not three times", async () => {
    let runs = 0;
    const slowUntil = (times: number) => {
      const run = () => {
        const start = process.cpuUsage();
        while (runs < times && process.cpuUsage(start).user < 60_000);
        runs++;
      };
      runs = 0;
      return target(run, { most: 30 });
    };
    expect((await judge(slowUntil(2), seed)).failure).toBeUndefined();
    expect((await judge(slowUntil(3), seed)).failure).toBe("time");
  });

  it("finds a run that takes more memory than it may", async () => {
    const kept: Uint8Array[] = [];
    const hog = target((input) => {
      const { a = [] } = parsed(input);
      if (a.length > 5) kept.push(new Uint8Array(96 << 20).fill(1));
    });
    expect(await found(hog)).toBe("memory");
  });

  it("finds what is accepted and does not encode to the same bytes", async () => {
    const lenient = target((input) => parsed(input), {
      after: (input, value) => {
        let same = false;
        try {
          same = Buffer.compare(canonicalBytes(value as Json), input) === 0;
        } catch (thrown) {
          if (!(thrown instanceof Refusal)) throw thrown;
        }
        if (!same) throw new Broken("accepted JSON is not canonical");
      },
    });
    expect(await found(lenient)).toBe("promise");
  });

  it("takes the refusals of a real reader for right", async () => {
    const [json] = targetsNamed(["canonical-json"]);
    expect(json && (await found(json, 100))).toBeUndefined();
  });
});

describe("an input that shows a finding", () => {
  it("is made as small as it can be", async () => {
    const large = new Uint8Array(5000).fill(1);
    large.set([7, 8], 3210);
    const small = await minimise(large, async (input) => {
      const at = input.indexOf(7);
      return at >= 0 && input[at + 1] === 8;
    });
    expect(small).toEqual(Uint8Array.of(7, 8));
  });

  it("is made anew by its seed", async () => {
    const inputs = async () => {
      const seen: string[] = [];
      const campaign = new Campaign(target(parsed, { mutate: mutateBytes }), 5);
      await campaign.prepare();
      for (let run = 0; run < 50; run++) await campaign.step((input) => seen.push(Buffer.from(input).toString("hex")));
      return seen;
    };
    expect(await inputs()).toEqual(await inputs());
  });
});
