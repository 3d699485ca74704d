import { readFileSync } from "node:fs";

import type { CoreReport } from "./core.ts";

/** What the AGNT2 paper (arXiv 2604.21129) states beside what we have that is alike. */
const ROWS = [
  { what: "Layer Core, batch processing", theirs: "prototype 120,000 TPS of batch processing, 1.1 s finality, no end-to-end core; target 300,000-500,000 TPS", bundle: 512, workload: "call" },
  { what: "the same, plain transfers", theirs: "not given", bundle: 512, workload: "transfer" },
  { what: "the same, one call at a time", theirs: "not given", bundle: 1, workload: "call" },
] as const;

/** Prints a report of `bench core --json`, given as a file, beside the paper's figures. Returns an exit code. */
export function printPaper(args: readonly string[], say: (line: string) => void): number {
  const file = args.find((arg) => !arg.startsWith("--"));
  if (file === undefined) {
    say("npm run bench -- core --json > core.json; npm run bench -- paper core.json");
    return 2;
  }
  const report = JSON.parse(readFileSync(file, "utf8")) as CoreReport;
  say(`measured on ${report.machine["cpu"]}, ${report.machine["cores"]} cores, posting to L1: ${report.conditions["postingToL1"]}`);
  for (const row of ROWS) {
    const runs = report.runs.filter((run) => run.bundle === row.bundle && run.workload === row.workload && run.load === "maximum");
    const rates = runs.map((run) => run.opsPerSecond).sort((a, b) => a - b);
    const rate = rates[rates.length >> 1];
    const run = runs.find((each) => each.opsPerSecond === rate);
    const ours = run === undefined ? "not in this report" : `${rate} op/s, durable p50 ${run.durableP50Ms} ms, rooted p50 ${run.rootedP50Ms} ms; L1 calldata carries ${run.l1OpsPerSecond} op/s`;
    say(`${row.what}\n  paper: ${row.theirs}\n  ours:  ${ours}`);
  }
  say("Data availability\n  paper: 10,000-100,000 TPS, named as the bottleneck\n  ours:  the L1 op/s above: all data is calldata on L1");
  say("Layer Top, one pair\n  paper: 1,200 TPS, 80 ms median\n  ours:  not built; the nearest is a call with its own bundle, above");
  say("The paper's machines, payloads (up to 16 KiB) and operations differ from ours: the figures stand beside each other, they are no race.");
  say("Verification of fraud proofs and finality on Ethereum: not measured here. Throughput above L1's op/s cannot last: it is the sequencer's alone.");
  return 0;
}
