import { expect } from "chai";

import { runFuzz } from "./runFuzz.ts";

const STEPS = 300;

describe("fuzz", () => {
  it("steps: have the same root in TypeScript and on the EVM when they are random", async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const lines: string[] = [];
    const isClean = await runFuzz({ runs: STEPS, seed }, (line) => lines.push(line));
    process.stdout.write(`      seed ${seed}: ${lines.at(-1)}\n`);
    expect(isClean, lines.join("\n")).to.equal(true);
  });
});
