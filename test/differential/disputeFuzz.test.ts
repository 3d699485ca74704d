import { expect } from "chai";

import { runDisputeFuzz } from "./runDisputeFuzz.ts";

const LIES = 12;

describe("fuzz of disputes", function () {
  this.timeout(120_000);

  it("liars: all lose to the real step on the real contracts when step, field, parts and role are random", async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const lines: string[] = [];
    const isClean = await runDisputeFuzz({ runs: LIES, seed }, (line) => lines.push(line));
    process.stdout.write(`      seed ${seed}: ${lines.at(-1)}\n`);
    expect(isClean, lines.join("\n")).to.equal(true);
  });
});
