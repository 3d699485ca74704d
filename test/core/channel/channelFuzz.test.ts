import { expect } from "chai";

import { runChannelFuzz } from "./fuzz/runChannelFuzz.ts";

const RUNS = Number(process.env["CHANNEL_FUZZ_RUNS"] ?? 10_000);
const SEED = Number(process.env["CHANNEL_FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

describe("fuzz of channels", function () {
  this.timeout(600_000);

  it(`two engines: ${RUNS} random messages end in the same books, seed ${SEED}`, () => {
    const lines: string[] = [];
    const isClean = runChannelFuzz({ runs: RUNS, seed: SEED }, (line) => lines.push(line));
    expect(isClean, lines.join("\n")).equals(true);
    expect(lines.at(-1)).matches(/accepted, 0 failed$/);
  });
});
