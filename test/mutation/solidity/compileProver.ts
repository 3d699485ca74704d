import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path/posix";
import { fileURLToPath } from "node:url";

import type { InterfaceAbi } from "ethers";

import type { Mutant } from "../Mutant.ts";

const require = createRequire(import.meta.url);
const compiler = require("solc") as { compile(input: string): string };
const root = fileURLToPath(new URL("../../../", import.meta.url));
const HARNESS = "contracts/test/StepHarness.sol";

/** The harness with everything it imports, as the compiler gets them. */
function sourcesOf(path: string, sources: Record<string, { content: string }> = {}): Record<string, { content: string }> {
  if (sources[path] !== undefined) return sources;
  const content = readFileSync(join(root, path), "utf8");
  sources[path] = { content };
  for (const match of content.matchAll(/(?:from|import) "(\.[^"]+)"/g)) sourcesOf(join(dirname(path), match[1] as string), sources);
  return sources;
}

/** The prover's test harness with one rule altered, compiled with the project's settings. Throws if the mutant does not fit or compile. */
export function compileProver(mutant: Mutant | null): { readonly abi: InterfaceAbi; readonly bytecode: string } {
  const sources = sourcesOf(HARNESS);
  if (mutant !== null) {
    const path = `contracts/${mutant.file}`;
    const parts = sources[path]?.content.split(mutant.find) ?? [];
    if (parts.length !== 2) throw new Error(`Mutant of ${mutant.rule}: ${path} has ${parts.length - 1} places with: ${mutant.find}`);
    sources[path] = { content: parts.join(mutant.replace) };
  }
  const settings = { evmVersion: "cancun", optimizer: { enabled: true, runs: 800 }, outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } } };
  const output = JSON.parse(compiler.compile(JSON.stringify({ language: "Solidity", sources, settings }))) as {
    errors?: { severity: string; formattedMessage: string }[];
    contracts: Record<string, Record<string, { abi: InterfaceAbi; evm: { bytecode: { object: string } } }>>;
  };
  const failure = output.errors?.find(({ severity }) => severity === "error");
  if (failure !== undefined) throw new Error(failure.formattedMessage);
  const harness = output.contracts[HARNESS]!["StepHarness"]!;
  return { abi: harness.abi, bytecode: `0x${harness.evm.bytecode.object}` };
}
