import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";

import { toHex } from "../core/codec/hex.ts";
import { createProverOnEvm } from "../test/differential/ProverOnEvm.ts";
import { domainSeparator, markOf, sequenceOf } from "../test/mutation/Corpus.ts";
import type { Corpus } from "../test/mutation/Corpus.ts";
import { mutants } from "../test/mutation/mutants.ts";
import { huntInSolidity } from "../test/mutation/solidity/huntInSolidity.ts";
import { solidityMutants } from "../test/mutation/solidity/solidityMutants.ts";
import { mutantEnvironment } from "./mutate.config.ts";

const run = promisify(execFile);
const root = new URL("..", import.meta.url).pathname;
const PARALLEL = 2;
const REPLAY_LIMIT_MS = 180_000;

const { values } = parseArgs({
  options: { seed: { type: "string", default: "1" }, sequences: { type: "string", default: "12" }, steps: { type: "string", default: "900" }, rule: { type: "string" } },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Steps through some sequences on the EVM: what it agreed to is what the altered rules are held against. */
async function recordCorpus(firstSeed: number, count: number, steps: number): Promise<Corpus> {
  const sequences: { seed: number; marks: string[] }[] = [];
  for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
    const prover = await createProverOnEvm();
    const sequence = sequenceOf(seed);
    const marks: string[] = [];
    let [batches, entries] = [0, 0];
    for (let i = 0; i < steps; i += 1) {
      const step = sequence.next();
      for (; batches < sequence.batches.length; batches += 1) await prover.setBatch(batches, sequence.batchHashAt(batches));
      for (; entries < sequence.entries.length; entries += 1) await prover.setEntry(entries, sequence.entryHashAt(entries));
      const environment = { domainSeparator, batchEnd: sequence.batchEnd, feeTable: sequence.feeTable };
      const verdict = await prover.judge({ preRoot: toHex(step.preRoot), proof: step.proof }, environment);
      if ("reverted" in verdict) throw new Error(`The unaltered rules disagree with the EVM already: sequence ${seed}, step ${i}: ${verdict.reverted}`);
      if (verdict.root !== toHex(step.postRoot)) throw new Error(`The unaltered rules disagree with the EVM already: sequence ${seed}, step ${i}.`);
      marks.push(markOf(sequence, step));
    }
    sequences.push({ seed, marks });
    say(`  recorded sequence ${seed}: ${steps} steps on the EVM`);
  }
  return { sequences };
}

/** What a replay in a process of its own says. One that does not end is a difference; one that cannot even start is a mistake of ours. */
async function replay(index: number, program: string, ...programArguments: string[]): Promise<string | null> {
  const env = mutantEnvironment(index);
  const command = ["--import", join(root, "test/mutation/applyMutant.ts"), join(root, "test/mutation", program), ...programArguments];
  try {
    const { stdout } = await run(process.execPath, command, { cwd: root, env, timeout: REPLAY_LIMIT_MS, maxBuffer: 2 ** 26 });
    return (JSON.parse(stdout) as { difference: string | null }).difference;
  } catch (error) {
    if ((error as { killed?: boolean }).killed === true) return "it does not end";
    throw error;
  }
}

/** Frozen vectors first, then the recorded sequences: where the mutant shows, null if nowhere. */
async function hunt(index: number, corpusFile: string): Promise<string | null> {
  return (await replay(index, "vectors.ts")) ?? (await replay(index, "replay.ts", corpusFile));
}

const rules = [...readFileSync(join(root, "spec/RULES.md"), "utf8").matchAll(/\*\*([A-Z]{1,2}-\d+)\*\*/g)].map((match) => match[1] as string);
const bare = [...new Set(rules)].filter((rule) => !mutants.some((mutant) => mutant.rule === rule));
for (const rule of bare) say(`no mutant: ${rule}`);

say(`mutate: ${mutants.length} mutants of ${new Set(rules).size} rules, seed ${values.seed}`);
const folder = mkdtempSync(join(tmpdir(), "agnt2-mutate-"));
const corpusFile = join(folder, "corpus.json");
writeFileSync(corpusFile, JSON.stringify(await recordCorpus(Number(values.seed), Number(values.sequences), Number(values.steps))));

let killed = 0;
const survivors: string[] = [];
const wanted = values.rule?.split(",");
const queue = mutants.map((mutant, index) => ({ mutant, index })).filter(({ mutant }) => wanted === undefined || wanted.includes(mutant.rule));
let done = 0;
const chosen = queue.length;
await Promise.all(
  Array.from({ length: PARALLEL }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { mutant, index } = next;
      const where = await hunt(index, corpusFile);
      done += 1;
      if (where === null) survivors.push(`${mutant.rule} in ${mutant.file}: ${mutant.find}`);
      else killed += 1;
      const verdict = where === null ? "SURVIVES" : "killed  ";
      say(`${String(done).padStart(3)} of ${chosen} ${verdict} ${mutant.rule.padEnd(6)} ${mutant.file.padEnd(28)} ${where ?? mutant.find}`);
    }
  }),
);
rmSync(folder, { recursive: true });

// The prover too: what only lies can show, and rules that guard money. One process: the compiler is the slow part.
const altered = solidityMutants.filter(({ rule }) => wanted === undefined || wanted.includes(rule));
say(`mutate: ${altered.length} mutants of the Solidity`);
await huntInSolidity(altered, (mutant, where) => {
  if (where === null) survivors.push(`${mutant.rule} in ${mutant.file}: ${mutant.find}`);
  else killed += 1;
  say(`${where === null ? "SURVIVES" : "killed  "} ${mutant.rule.padEnd(6)} ${mutant.file.padEnd(34)} ${where ?? mutant.find}`);
});
for (const survivor of survivors) say(`survives: ${survivor}`);
const failed = survivors.length + bare.length;
say(`${killed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
