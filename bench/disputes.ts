import { cpus } from "node:os";

import { measureDisputes } from "../test/builders/measureDispute.ts";
import type { MeasuredDispute } from "../test/builders/measureDispute.ts";

const START_TIME = 2_000_000_000;
/** Long enough for the longest game at 12 seconds a block. */
const TIMES = { windowSeconds: 100_000, joinSeconds: 80_000, clockSeconds: 60_000, incrementSeconds: 60 };

export interface DisputesReport {
  readonly cpu: string;
  readonly node: string;
  /** Where the steps come from. */
  readonly trace: string;
  readonly disputes: readonly MeasuredDispute[];
}

/**
 * Whole disputes of an honest and a lying claim on the real contracts: `--k 2,4,16`, `--bits 8,12,16,20`. The epoch is on an L1 in
 * memory, signed transfers in batches of up to 4,096 slots, and the honest side's states, the step that decides and its proof are real;
 * the liar's states after its lie are made up.
 */
export async function benchDisputes(args: readonly string[], print: (line: string) => void): Promise<DisputesReport> {
  const list = (name: string, otherwise: readonly number[]): readonly number[] => {
    const at = args.indexOf(name);
    return at < 0 ? otherwise : args[at + 1]!.split(",").map(Number);
  };
  const disputes: MeasuredDispute[] = [];
  for (const bits of list("--bits", [8, 12, 16, 20])) {
    for (const measured of await measureDisputes(list("--k", [2, 4, 16]), 2 ** bits, { startTime: START_TIME, config: TIMES })) {
      disputes.push(measured);
      print(`2^${bits} steps, k = ${measured.k}: ${measured.moves + 1} transactions, ${measured.gas} gas, ${measured.calldataBytes} bytes`);
    }
  }
  return { cpu: cpus()[0]?.model ?? "unknown", node: process.version, trace: "real: signed transfers, every state from the replica's trace", disputes };
}

/** As a table in Markdown. */
export function disputesTable({ disputes }: DisputesReport): string {
  const rows = disputes.map(({ steps, k, moves, gas, honestGas, calldataBytes, gasOf }) =>
    [`2^${Math.log2(steps)}`, k, moves + 1, gas, honestGas, calldataBytes, Math.max(gasOf["answer"] ?? 0, gasOf["answer, a game's first"]!), gasOf["prove"]!].map((cell) => cell.toLocaleString("en-US")).join(" | "),
  );
  return ["| steps | k | moves and proof | gas, both sides | of it the honest side's | calldata bytes | dearest answer | proof |", "|---|---|---|---|---|---|---|---|", ...rows.map((row) => `| ${row} |`)].join("\n");
}
