import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { expect } from "chai";

import type { CoreReport } from "../../bench/core.ts";
import { summarize } from "../../bench/summarize.ts";
import type { CoreSample } from "../../bench/measureRun.ts";

const MAIN = join(import.meta.dirname, "..", "..", "bench", "main.ts");
const FIGURES = [
  "opsPerSecond", "sequencedP50Ms", "sequencedP99Ms", "durableP50Ms", "durableP99Ms", "rootedP50Ms", "rootedP99Ms", "peakRssMiB", "bytesPerOp", "l1GasPerOp", "l1OpsPerSecond", "drainSeconds",
] as const;

async function bench(...flags: string[]): Promise<{ code: number; report: CoreReport }> {
  const child = spawn(process.execPath, [MAIN, "core", "--json", ...flags], { stdio: ["ignore", "pipe", "ignore"] });
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  const [code] = (await once(child, "close")) as [number];
  return { code, report: JSON.parse(output) as CoreReport };
}

describe("core benchmark", function () {
  this.timeout(180_000);

  it("core benchmark: reports every figure of calls and transfers when all of it reaches L1", async () => {
    const { code, report } = await bench("--agents", "4096", "--seconds", "1", "--bundles", "64", "--half-runs", "0", "--drain-seconds", "60");
    expect(code).to.equal(0);
    expect(report.machine).to.include.keys("cpu", "cores", "node");
    expect(report.conditions).to.include({ agents: 4096, seconds: 1, postingToL1: true });
    expect(report.runs.map(({ workload, bundle, load }) => `${workload} ${bundle} ${load}`)).to.deep.equal(["call 64 maximum", "transfer 64 maximum"]);
    for (const run of report.runs) {
      for (const name of FIGURES) expect(run[name], name).to.be.a("number").and.satisfy((value: number) => value >= 0);
      expect(run).to.include({ refusedBundles: 0, refusedRecords: 0, isAllPosted: true });
      expect(run.l1Transactions).to.be.greaterThan(0);
      expect(run.bytesPerOp).to.be.within(96, 110);
    }
  });
});

describe("summary of benchmark runs", () => {
  it("summary: is the median with least and greatest value when a run was repeated", () => {
    const sample = { workload: "call", bundle: 512, load: "maximum", opsPerSecond: 10, isAllPosted: true } as CoreSample;
    const runs = summarize([sample, { ...sample, opsPerSecond: 30 }, { ...sample, opsPerSecond: 12, isAllPosted: false }, { ...sample, bundle: 1 }]);
    expect(runs.map(({ bundle, opsPerSecond, isAllPosted, repetitions, spread }) => ({ bundle, opsPerSecond, isAllPosted, repetitions, spread: spread["opsPerSecond"] }))).to.deep.equal([
      { bundle: 512, opsPerSecond: 12, isAllPosted: false, repetitions: 3, spread: [10, 30] },
      { bundle: 1, opsPerSecond: 10, isAllPosted: true, repetitions: 1, spread: [10, 10] },
    ]);
  });
});
