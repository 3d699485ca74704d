import { expect } from "chai";

import { benchChannel } from "../../bench/channel.ts";
import { Histogram } from "../../bench/channel/Histogram.ts";
import { latencyPicture } from "../../bench/channel/latencyPicture.ts";

describe("channel bench", function () {
  this.timeout(120_000);

  it("a short run of each mode: reports rates, latencies and what both sides did, in the agreed shape", async () => {
    const lines: string[] = [];
    const report = await benchChannel(["--seconds", "1", "--warm-up", "0.5", "--pairs", "2", "--delay", "0", "--loads", "maximum", "--window", "16", "--no-picture"], (line) => lines.push(line));
    expect(report.runs.map(({ mode, pairs }) => [mode, pairs])).to.deep.equal([["each", 2], ["chained", 2]]);
    for (const { callsPerSecond, p50Ms, p99Ms, payer, payee } of report.runs) {
      expect(callsPerSecond).to.be.greaterThan(0);
      expect(p50Ms).to.be.greaterThan(0).and.at.most(p99Ms);
      expect([payee.calls, payee.paidUnits]).to.deep.equal([payer.calls, payer.paidUnits]);
      expect(Math.min(payer.commits, payee.commits, payer.signatures, payee.signatures)).to.be.greaterThan(0);
    }
    expect(report.machine.cores).to.be.a("number");
    expect(latencyPicture(report.runs)).to.match(/^<svg [\s\S]*<\/svg>\n$/);
    expect(lines).to.have.length(3);
  });

  it("a histogram: gives quantiles within a step of what went in", () => {
    const histogram = new Histogram();
    for (let i = 1; i <= 1_000; i += 1) histogram.add(i / 10);
    for (const [part, ms] of [[0.5, 50], [0.99, 99]]) expect(histogram.quantileMs(part) / ms).to.be.within(0.999, 1.04);
  });
});
