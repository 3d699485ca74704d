import { toHex } from "../../core/codec/hex.ts";
import type { RecordedStep } from "../../core/dispute/index.ts";
import { ERROR, OP } from "../../core/generated/protocol.ts";
import { createProverOnEvm } from "./ProverOnEvm.ts";
import type { ProverOnEvm } from "./ProverOnEvm.ts";
import { createActor } from "./scenario/Actors.ts";
import { Sequence } from "./scenario/Sequence.ts";
import { Tally } from "./Tally.ts";

export interface FuzzOptions {
  /** Steps to compare. */
  readonly runs: number;
  /** Sequence k of the run has the seed `seed + k`. */
  readonly seed: number;
}

/** A sequence is long enough for workflows to be opened, composed and claimed, and for a full state at its end. */
const STEPS_A_SEQUENCE = 900;
/** From so many steps on, a run that misses an operation or an outcome has failed. */
const COMPLETE_FROM = 20_000;
const DOMAIN = new Uint8Array(32).fill(0x2a);

const cast = ["ann", "bob", "cyd", "dan", "eve", "fay"].map(createActor);
const nameOf = (table: Readonly<Record<string, number>>, id: number): string => Object.entries(table).find(([, value]) => value === id)?.[0] ?? String(id);

function describe(step: RecordedStep): string {
  const { phase, op, outcome, slot } = step.trace;
  return `phase ${phase}, ${op < 0 ? "no operation" : nameOf(OP, op)}, outcome ${nameOf(ERROR, outcome)}, slot ${slot}`;
}

/** Makes the same random steps in TypeScript and on the EVM and compares the state roots after each. True if all agree. */
export async function runFuzz(options: FuzzOptions, print: (line: string) => void): Promise<boolean> {
  const prover = await createProverOnEvm();
  const tally = new Tally();
  let passed = 0;
  let failed = 0;
  let printedAt = Date.now();
  print(`fuzz: ${options.runs} steps, seed ${options.seed}`);
  for (let k = 0; passed + failed < options.runs; k += 1) {
    const seed = options.seed + k;
    const sequence = new Sequence({ seed, cast, domainSeparator: DOMAIN });
    const complaint = await playSequence(sequence, prover, Math.min(STEPS_A_SEQUENCE, options.runs - passed - failed), (step, problem) => {
      tally.add(step.trace);
      if (problem === null) passed += 1;
      else failed += 1;
      if (Date.now() - printedAt > 5000) {
        printedAt = Date.now();
        print(`  ${passed + failed} of ${options.runs} steps`);
      }
    });
    if (complaint !== null) {
      failed += complaint.counted ? 0 : 1;
      print(`sequence ${seed}, step ${complaint.step}: ${complaint.text}`);
      print(`replay: npm run fuzz -- --runs ${complaint.step + 1} --seed ${seed}`);
    }
  }
  for (const line of tally.lines()) print(line);
  const missing = options.runs >= COMPLETE_FROM ? tally.missing() : [];
  for (const name of missing) print(`never seen: ${name}`);
  failed += missing.length;
  print(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

interface Complaint {
  readonly step: number;
  readonly text: string;
  /** True if the failing step was counted already. */
  readonly counted: boolean;
}

async function playSequence(
  sequence: Sequence, prover: ProverOnEvm, steps: number, report: (step: RecordedStep, problem: string | null) => void,
): Promise<Complaint | null> {
  const environment = { domainSeparator: toHex(DOMAIN), feeTable: sequence.feeTable };
  let known = { batches: 0, entries: 0 };
  for (let i = 0; i < steps; i += 1) {
    const step = sequence.next();
    for (; known.batches < sequence.batches.length; known = { ...known, batches: known.batches + 1 }) {
      await prover.setBatch(known.batches, sequence.batchHashAt(known.batches));
    }
    for (; known.entries < sequence.entries.length; known = { ...known, entries: known.entries + 1 }) {
      await prover.setEntry(known.entries, sequence.entryHashAt(known.entries));
    }
    const verdict = await prover.judge({ preRoot: toHex(step.preRoot), proof: step.proof }, { ...environment, batchEnd: sequence.batchEnd });
    const wanted = toHex(step.postRoot);
    const problem = "reverted" in verdict ? `the EVM refused: ${verdict.reverted}` : verdict.root === wanted ? null : `the EVM says ${verdict.root}, TypeScript ${wanted}`;
    report(step, problem);
    if (problem !== null) return { step: i, text: `${describe(step)}: ${problem}`, counted: true };
  }
  const rebuilt = sequence.rebuiltRoot();
  if (rebuilt !== toHex(sequence.tree.root())) return { step: steps - 1, text: `the tree is not that of the leaves: ${rebuilt}`, counted: false };
  return null;
}
