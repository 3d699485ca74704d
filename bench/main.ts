/** `npm run bench -- NAME [--json] [options]`: core, channel, channel-gas, sidecar, tower, tree, trace, disputes or paper. */
import { spawn } from "node:child_process";
import { join } from "node:path";

import { benchChannel } from "./channel.ts";
import { channelGasTable } from "./channelGas.ts";
import { benchCore } from "./core.ts";
import { benchDisputes, disputesTable } from "./disputes.ts";
import { printPaper } from "./paper.ts";
import { benchSidecar, sidecarTable } from "./sidecar.ts";
import { benchTower } from "./tower.ts";
import { benchTrace } from "./trace.ts";

const [name, ...args] = process.argv.slice(2);
const isJson = args.includes("--json");

async function main(): Promise<number> {
  switch (name) {
    case "core": {
      const report = await benchCore(args, (line) => process.stderr.write(`${line}\n`));
      if (isJson) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
      else process.stdout.write(`${JSON.stringify(report.machine)}\n${JSON.stringify(report.conditions)}\n`);
      return report.runs.some(({ refusedBundles, refusedRecords }) => refusedBundles + refusedRecords > 0) ? 1 : 0;
    }
    case "channel": {
      const report = await benchChannel(args, (line) => process.stderr.write(`${line}\n`));
      process.stdout.write(`${JSON.stringify(isJson ? report : report.machine, null, isJson ? 2 : 0)}\n`);
      return 0;
    }
    case "channel-gas":
      process.stdout.write(`${channelGasTable()}\n`);
      return 0;
    case "sidecar": {
      const report = await benchSidecar(args, (line) => process.stderr.write(`${line}\n`));
      process.stdout.write(isJson ? `${JSON.stringify(report, null, 2)}\n` : `${sidecarTable(report)}\n`);
      return 0;
    }
    case "tower": {
      process.stdout.write(`${JSON.stringify(await benchTower(args, (line) => process.stderr.write(`${line}\n`)), null, 2)}\n`);
      return 0;
    }
    case "tree": {
      const child = spawn(process.execPath, [join(import.meta.dirname, "tree.ts"), ...args], { stdio: "inherit" });
      return await new Promise((resolve) => child.on("exit", (code) => resolve(code ?? 1)));
    }
    case "trace":
      process.stdout.write(`${JSON.stringify(benchTrace(args), null, 2)}\n`);
      return 0;
    case "disputes": {
      const report = await benchDisputes(args, (line) => process.stderr.write(`${line}\n`));
      process.stdout.write(isJson ? `${JSON.stringify(report, null, 2)}\n` : `${disputesTable(report)}\n`);
      return 0;
    }
    case "paper":
      return printPaper(args, (line) => process.stdout.write(`${line}\n`));
    default:
      process.stderr.write("npm run bench -- core|channel|channel-gas|sidecar|tower|tree|trace|disputes|paper [--json]\n");
      return 2;
  }
}

process.exitCode = await main();
